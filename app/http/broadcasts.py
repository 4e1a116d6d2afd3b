"""The JSON API for broadcasts."""

from collections.abc import Callable

from apiflask import APIBlueprint
from flask import Flask, g

from app.core.errors import NotFound
from app.core.queue import transaction
from app.domain.people import Role
from app.http.auth import require
from app.http.bots_schema import Which
from app.http.broadcasts_schema import (
    AudienceBody,
    BroadcastList,
    BroadcastView,
    Listing,
    NewBroadcast,
    view_of,
)
from app.models import Broadcast, Lottery, Product
from app.services import bots, broadcasts, lotteries
from app.services.products import lookup as products

PAGE = 20
MANAGE = require(Role.MANAGER, api_key=True)
LOOK = require(Role.READ_ONLY, api_key=True)
api = APIBlueprint("broadcasts_api", __name__, url_prefix="/api/broadcasts", tag="Broadcasts")


@api.get("")
@LOOK
@api.input(Listing, location="query")
@api.output(BroadcastList)
@api.doc(summary="List broadcasts", security="ApiKey")
def list_broadcasts(query_data: Listing) -> BroadcastList:
    """Newest first, 20 a page."""
    with transaction():
        rows = broadcasts.list_broadcasts(
            g.tenant.id, state=query_data.state, limit=PAGE, before=query_data.before
        )
        views = [_view(row) for row in rows]
        return BroadcastList(broadcasts=views, next=rows[-1].id if len(rows) == PAGE else None)


@api.post("")
@MANAGE
@api.input(Which, location="query")
@api.input(NewBroadcast)
@api.output(BroadcastView, status_code=201)
@api.doc(summary="Make a broadcast", security="ApiKey", responses=[400, 404, 409])
def create(query_data: Which, json_data: NewBroadcast) -> BroadcastView:
    """A draft, or at once a running or scheduled one."""
    with transaction():
        bot = bots.choose(query_data.bot, g.tenant.id)
        audience = json_data.audience.read(_named(json_data.audience))
        draft = broadcasts.Draft(json_data.name, json_data.content(), audience)
        made = broadcasts.create(g.tenant.id, bot.id, draft)
        if json_data.scheduled_at is not None:
            made = broadcasts.schedule(made.id, json_data.scheduled_at)
        elif json_data.start:
            made = broadcasts.start(made.id)
        return _view(made)


@api.get("/<int:broadcast_id>")
@LOOK
@api.output(BroadcastView)
@api.doc(summary="Show a broadcast", security="ApiKey", responses=[404])
def show(broadcast_id: int) -> BroadcastView:
    """With how far it is."""
    with transaction():
        return _view(_own(broadcast_id))


@api.post("/<int:broadcast_id>/start")
@MANAGE
@api.output(BroadcastView)
@api.doc(summary="Send a broadcast now", security="ApiKey", responses=[404, 409])
def start(broadcast_id: int) -> BroadcastView:
    """A draft or a scheduled one."""
    return _move(broadcast_id, broadcasts.start)


@api.post("/<int:broadcast_id>/pause")
@MANAGE
@api.output(BroadcastView)
@api.doc(summary="Pause a broadcast", security="ApiKey", responses=[404, 409])
def pause(broadcast_id: int) -> BroadcastView:
    """It stops within a second or two."""
    return _move(broadcast_id, broadcasts.pause)


@api.post("/<int:broadcast_id>/resume")
@MANAGE
@api.output(BroadcastView)
@api.doc(summary="Resume a broadcast", security="ApiKey", responses=[404, 409])
def resume(broadcast_id: int) -> BroadcastView:
    """It goes on where it stopped."""
    return _move(broadcast_id, broadcasts.resume)


@api.post("/<int:broadcast_id>/cancel")
@MANAGE
@api.output(BroadcastView)
@api.doc(summary="Cancel a broadcast", security="ApiKey", responses=[404, 409])
def cancel(broadcast_id: int) -> BroadcastView:
    """For good; who got it keeps it."""
    return _move(broadcast_id, broadcasts.cancel)


def _named(audience: AudienceBody) -> Lottery | Product | None:
    """The lottery or product whose code an audience names. Raises NotFound."""
    named: Lottery | Product | None = None
    if audience.lottery:
        named = lotteries.get_by_code(audience.lottery)
    elif audience.product:
        named = products.get_by_code(audience.product)
    if named is not None and named.tenant_id != g.tenant.id:
        raise NotFound
    return named


def _own(broadcast_id: int) -> Broadcast:
    found = broadcasts.get(broadcast_id)
    if found.tenant_id != g.tenant.id:
        raise NotFound
    return found


def _move(broadcast_id: int, move: Callable[[int], Broadcast]) -> BroadcastView:
    with transaction():
        return _view(move(_own(broadcast_id).id))


def _view(broadcast: Broadcast) -> BroadcastView:
    return view_of(broadcast, bots.get(broadcast.bot_id))


def init_app(app: Flask) -> None:
    """Adds the routes. They take a key or a session; a session's requests must come from our own pages."""
    app.register_blueprint(api)
