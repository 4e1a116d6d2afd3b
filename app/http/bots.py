"""The JSON API for bots. `/api/bot` means the tenant's only bot, or the one that `?bot=<public_id>` names."""

from apiflask import APIBlueprint
from flask import Flask, g

from app.core.i18n import locale_of
from app.core.queue import transaction
from app.domain.bot_health import Repair
from app.domain.bots import Mode
from app.domain.people import Role
from app.http.auth import require
from app.http.bots_schema import (
    BotChange,
    BotList,
    BotView,
    NewBot,
    Page,
    Which,
    WhichWebhook,
    view_of,
    views_of,
)
from app.models import Bot
from app.services import bots, health, outbox

PAGE = 100
MANAGE = require(Role.MANAGER, api_key=True)
LOOK = require(Role.READ_ONLY, api_key=True)
api = APIBlueprint("bots_api", __name__, url_prefix="/api", tag="Bots")


@api.get("/bots")
@LOOK
@api.input(Page, location="query")
@api.output(BotList)
@api.doc(summary="List bots", security="ApiKey")
def list_bots(query_data: Page) -> BotList:
    """All bots of the tenant, oldest first."""
    with transaction():
        rows = bots.list_bots(g.tenant.id, limit=PAGE, after=query_data.after)
        return BotList(bots=views_of(rows), next=rows[-1].id if len(rows) == PAGE else None)


@api.post("/bots")
@MANAGE
@api.input(NewBot)
@api.output(BotView, status_code=201)
@api.doc(summary="Add a bot", security="ApiKey", responses=[400, 403, 409, 502])
def add_bot(json_data: NewBot) -> BotView:
    """Checks the token with Telegram; the bot answers within seconds."""
    tenant_id = g.tenant.id
    with transaction():
        bots.check_limit(tenant_id)
    checked = bots.check_token(json_data.token.get_secret_value())
    with transaction():
        bot = bots.create(tenant_id, checked, mode=json_data.mode, locale=locale_of(json_data.locale))
        job = bots.claim(bot.id)
    return _finish(bot.id, job)


@api.get("/bot")
@LOOK
@api.input(Which, location="query")
@api.output(BotView)
@api.doc(summary="Show a bot", security="ApiKey", responses=[404])
def show_bot(query_data: Which) -> BotView:
    """The bot and its health; the token is never returned."""
    with transaction():
        return view_of(_chosen(query_data))


@api.put("/bot")
@MANAGE
@api.input(Which, location="query")
@api.input(BotChange)
@api.output(BotView)
@api.doc(summary="Change a bot", security="ApiKey", responses=[400, 404, 409, 502])
def change_bot(query_data: Which, json_data: BotChange) -> BotView:
    """Token, mode, start or stop. A running bot follows within seconds."""
    with transaction():
        bot_id = _chosen(query_data).id
    checked = bots.check_token(json_data.token.get_secret_value()) if json_data.token else None
    with transaction():
        if checked is not None:
            bots.update_token(bot_id, checked)
            outbox.release_held(bot_id)
        if json_data.mode is not None:
            bots.set_mode(bot_id, json_data.mode)
        if "locale" in json_data.model_fields_set:
            bots.set_locale(bot_id, locale_of(json_data.locale))
        if json_data.enabled is not None:
            bots.set_enabled(bot_id, json_data.enabled)
        job = bots.claim(bot_id)
    return _finish(bot_id, job)


@api.delete("/bot")
@MANAGE
@api.input(Which, location="query")
@api.output({}, status_code=204)
@api.doc(summary="Remove a bot", security="ApiKey", responses=[404])
def remove_bot(query_data: Which) -> str:
    """Ends it here and frees its token; members and orders stay."""
    with transaction():
        bots.remove(_chosen(query_data).id)
    return ""


@api.post("/bot/start")
@MANAGE
@api.input(Which, location="query")
@api.output(BotView)
@api.doc(summary="Start a bot", security="ApiKey", responses=[404])
def start_bot(query_data: Which) -> BotView:
    """A running one tries again at once."""
    return _switch(query_data, enabled=True)


@api.post("/bot/stop")
@MANAGE
@api.input(Which, location="query")
@api.output(BotView)
@api.doc(summary="Stop a bot", security="ApiKey", responses=[404])
def stop_bot(query_data: Which) -> BotView:
    """It falls silent; Telegram keeps what comes for a day."""
    return _switch(query_data, enabled=False)


@api.post("/bot/test")
@MANAGE
@api.input(Which, location="query")
@api.output(BotView)
@api.doc(summary="Test the connection", security="ApiKey", responses=[404])
def test_bot(query_data: Which) -> BotView:
    """Asks Telegram now; `last_error` says in plain words what is wrong."""
    with transaction():
        asked = health.question(_chosen(query_data))
    answer = health.ask(asked, who=True)
    with transaction():
        health.record(answer)
        if answer.failure is None:
            health.retry_now(asked.bot_id)
        return view_of(bots.get(asked.bot_id))


@api.post("/bot/register-webhook")
@MANAGE
@api.input(WhichWebhook, location="query")
@api.output(BotView)
@api.doc(summary="Receive updates by webhook", security="ApiKey", responses=[404, 409])
def register_webhook(query_data: WhichWebhook) -> BotView:
    """Registers our address at Telegram, also in the place of somebody else's."""
    with transaction():
        bot_id = _chosen(query_data).id
        if query_data.rotate_secret:
            bots.rotate_secret(bot_id)
        bots.repair(bot_id, Repair.REGISTER_WEBHOOK)
        job = bots.claim(bot_id)
    return _finish(bot_id, job)


@api.post("/bot/remove-webhook")
@MANAGE
@api.input(Which, location="query")
@api.output(BotView)
@api.doc(summary="Receive updates by polling", security="ApiKey", responses=[404])
def remove_webhook(query_data: Which) -> BotView:
    """Removes the webhook at Telegram, whoever set it, and polls. Nothing that waits is dropped."""
    with transaction():
        bot_id = _chosen(query_data).id
        bots.set_mode(bot_id, Mode.POLLING)
        job = bots.claim(bot_id)
    return _finish(bot_id, job)


def _chosen(which: Which) -> Bot:
    return bots.choose(which.bot, g.tenant.id)


def _switch(which: Which, *, enabled: bool) -> BotView:
    with transaction():
        bot_id = _chosen(which).id
        bots.set_enabled(bot_id, enabled)
        job = bots.claim(bot_id)
    return _finish(bot_id, job)


def _finish(bot_id: int, job: bots.Job | None) -> BotView:
    """Makes Telegram match at once, so that the answer shows how it went, not only what was wished."""
    done = bots.perform(job) if job else None
    with transaction():
        if done is not None:
            bots.complete(done)
        return view_of(bots.get(bot_id))


def init_app(app: Flask) -> None:
    """Adds the routes. They take a key or a session; a session's requests must come from our own pages."""
    app.register_blueprint(api)
