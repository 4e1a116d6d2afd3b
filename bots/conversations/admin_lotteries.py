"""A new lottery from a template, or from one of ours: chosen, how long it runs, looked at, published."""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from app.core import clock, crypto
from app.core.errors import NotFound
from app.core.i18n import N_, translate
from app.core.ids import code_of
from app.core.settings import get_settings
from app.domain import lottery_presets
from app.domain.draw import BeaconChain
from app.domain.links import share_link
from app.domain.lotteries import LotteryState, bot_link
from app.domain.wording import Place
from app.models import Lottery
from app.services import bots
from app.services.lotteries import lookup, manage, spec, templates
from bots import bossing
from bots.keyboards import Button, ButtonExpired, Keyboard, data, shortened
from bots.router import Context, Router

router = Router()
MOST: Final = 20
DAYS: Final = {1: N_("1 day"), 3: N_("3 days"), 7: N_("7 days")}
_OURS: Final = ("quick", "friends", "full", "credits")
"""Of the presets, those that need nothing from the boss but a press."""


@router.button("adlots")
def lotteries_button(ctx: Context) -> None:
    """His templates; ours where he has none."""
    with bossing.acting(ctx):
        found = templates.list_templates(ctx.config.tenant_id)
    if found:
        text = N_("🎁 New lottery\n\nWhich template shall it be made from?")
        rows = [[Button(shortened(one.name), data("adlot", f"t{one.id}"))] for one in found[:MOST]]
    else:
        text = N_(
            "🎁 New lottery\n\nYou have no templates of your own yet, so here are some of ours. On the page you can keep any"
            " lottery as a template."
        )
        rows = [[Button(ctx.t(lottery_presets.PRESETS[key].name), data("adlot", f"p{key}"))] for key in _OURS]
    more = bossing.page_row(ctx, "/admin/lottery-templates/")
    ctx.show(ctx.t(text), Keyboard([*rows, *more, [bossing.back(ctx)]]))


@router.button("adlot")
def template_button(ctx: Context) -> None:
    """How long shall it run?"""
    source = ctx.press.word()
    with bossing.acting(ctx):
        body = _body(ctx, source)
    days = [Button(ctx.t(label), data("adlotday", source, number)) for number, label in DAYS.items()]
    text = "\n\n".join([_told(body), ctx.t(N_("How long shall it run?"))])
    ctx.show(text, Keyboard([days, [bossing.back(ctx, "adlots")]]))


@router.button("adlotday")
def days_button(ctx: Context) -> None:
    """Everything once more, and a button that publishes it: the same button makes one lottery, however often it is pressed."""
    source, days = ctx.press.word(), _days(ctx)
    with bossing.acting(ctx):
        body = _body(ctx, source)
    ends = clock.now() + timedelta(days=days)
    lines = [_told(body), ctx.t(N_("⏰ Draw: %(time)s"), time=_place(ctx).time(ends))]
    if chats := body.get("publish_to"):
        lines.append(ctx.t(N_("📣 Posted to: %(chats)s"), chats=", ".join(map(str, chats))))
    lines.append(ctx.t(N_("Publish it now? Prizes and rules can't be changed after that.")))
    rows = [
        [Button(ctx.t(N_("✅ Publish")), data("adlotgo", source, days, secrets.token_hex(8)))],
        [bossing.back(ctx, "adlot", source)],
    ]
    ctx.show("\n\n".join(lines), Keyboard(rows))


@router.button("adlotgo")
def publish_button(ctx: Context) -> None:
    source, days, nonce = ctx.press.word(), _days(ctx), ctx.press.word(2)
    with bossing.acting(ctx):
        # Whoever may not publish has nobody asked for a beacon either.
        code = _code(ctx, nonce)
        made = lookup.find_by_code(code)
    beacon = manage.prepare_beacon() if made is None else None
    with bossing.acting(ctx, alone=True):
        made = lookup.find_by_code(code) or _make(ctx, source, days, code, beacon)
        page = _published(ctx, made)
    ctx.show(*page)


def _make(ctx: Context, source: str, days: int, code: str, beacon: BeaconChain | None) -> Lottery:
    lasts, tenant_id = timedelta(days=days), ctx.config.tenant_id
    if source.startswith("t"):
        template_id = _template_id(source)
        templates.check_bot(templates.get(template_id))
        draft = templates.create_from(template_id, lasts, code)
    else:
        found = spec.read(tenant_id, {**_body(ctx, source), "closes_at": clock.now() + lasts})
        draft = manage.create(tenant_id, ctx.config.id, found, code=code)
    return manage.publish(draft.id, beacon)


def _published(ctx: Context, made: Lottery) -> tuple[str, Keyboard]:
    username = bots.get(made.bot_id).username
    link = bot_link(username, made.code)
    lines = [
        ctx.t(N_("🎉 “%(title)s” is published."), title=made.title),
        ctx.t(N_("⏰ Draw: %(time)s"), time=_place(ctx).time(made.closes_at)),
        ctx.t(N_("Send this link to your people:\n%(link)s"), link=link),
    ]
    if made.state is LotteryState.SCHEDULED:
        lines.insert(1, ctx.t(N_("It opens within a minute.")))
    rows: list[list[Button]] = []
    if link:
        rows.append([Button(ctx.t(N_("📨 Share it")), url=share_link(link, made.title))])
    if made.bot_id == ctx.config.id:
        rows.append([Button(ctx.t(N_("👀 Look at it")), data("lot", made.code))])
    rows += bossing.page_row(ctx, f"/admin/lotteries/details/?id={made.id}")
    return "\n\n".join(lines), Keyboard([*rows, [bossing.back(ctx)]])


def _body(ctx: Context, source: str) -> Mapping[str, Any]:
    """A lottery's JSON without moments. Needs a transaction; raises ButtonExpired, NotFound."""
    if source.startswith("t"):
        template = templates.get(_template_id(source))
        if template.tenant_id != ctx.config.tenant_id:
            raise NotFound
        return template.body
    key = source[1:]
    if key not in _OURS or not source.startswith("p"):
        raise ButtonExpired
    # Who joins reads it, so it speaks the bot's language and not the boss's.
    preset = lottery_presets.PRESETS[key]
    return lottery_presets.body_of(preset, lambda msgid: translate(ctx.config.locale, msgid))


def _template_id(source: str) -> int:
    number = source[1:]
    if not (number.isascii() and number.isdigit() and len(number) <= 18):
        raise ButtonExpired
    return int(number)


def _days(ctx: Context) -> int:
    days = ctx.press.id(1)
    if days not in DAYS:
        raise ButtonExpired
    return days


def _code(ctx: Context, nonce: str) -> str:
    """The lottery's public code: always the same for one button of this tenant, and nobody else can foretell it."""
    key = get_settings().secret_key.get_secret_value()
    return code_of(crypto.derive(key, "boss_lottery", ctx.config.tenant_id, nonce))


def _told(body: Mapping[str, Any]) -> str:
    prizes = [
        f"🎁 {prize['name']}" + (f" \u00d7 {prize['quantity']}" if prize.get("quantity", 1) > 1 else "")
        for prize in body["prizes"]
    ]
    return "\n".join([f"“{body['title']}”", *prizes])


def _place(ctx: Context) -> Place:
    return ctx.place
