"""The JSON API for lotteries. A lottery is named by its public code; somebody else's does not exist."""

from apiflask import APIBlueprint
from flask import Flask, g
from flask.typing import ResponseReturnValue

from app.core.queue import transaction
from app.domain.lottery_fields import BadSpec
from app.domain.people import Role
from app.http import errors
from app.http.auth import require
from app.http.i18n import select_locale
from app.http.lotteries_schema import (
    Added,
    After,
    EntryList,
    Listing,
    LotteryBody,
    LotteryList,
    LotteryView,
    NewLottery,
    Note,
    PageNumber,
    People,
    Reason,
    WhichBot,
    WinnerList,
    entry_of,
    view_of,
    winners_of,
)
from app.models import Lottery
from app.services import bots, lotteries
from app.services.lotteries import figures, lookup, spec, winners

PAGE = 500
MANAGE = require(Role.MANAGER, api_key=True)
LOOK = require(Role.READ_ONLY, api_key=True)
api = APIBlueprint("lotteries_api", __name__, url_prefix="/api/lotteries", tag="Lotteries")


@api.errorhandler(BadSpec)
def refuse(error: BadSpec) -> ResponseReturnValue:
    """Says which field is wrong, as `prizes[0].quantity`."""
    locale = select_locale()
    return errors.answer(
        error.status, error.code, error.text(locale), fields={error.field: [error.problem(locale)]}
    )


@api.get("")
@LOOK
@api.input(Listing, location="query")
@api.output(LotteryList)
@api.doc(summary="List lotteries", security="ApiKey")
def list_lotteries(query_data: Listing) -> LotteryList:
    """Newest first, 20 a page."""
    states = (query_data.state,) if query_data.state else ()
    with transaction():
        rows = figures.listing(g.tenant.id, states, page=query_data.page)
        page = rows[: figures.PAGE]
        found = lookup.bots_of({row.lottery.bot_id for row in page})
        ids = [row.lottery.id for row in page]
        prizes, draws = lookup.prizes_of(ids), lookup.draws_of(ids)
        views = [
            view_of(one, prizes[one.id], found[one.bot_id], entries, draws.get(one.id))
            for one, entries in ((row.lottery, row.entries) for row in page)
        ]
        return LotteryList(lotteries=views, more=len(rows) > figures.PAGE)


@api.post("")
@MANAGE
@api.input(WhichBot, location="query")
@api.input(NewLottery)
@api.output(LotteryView, status_code=201)
@api.doc(summary="Make a lottery", security="ApiKey", responses=[400, 404, 409])
def create(query_data: WhichBot, json_data: NewLottery) -> LotteryView:
    """A draft, or with `publish` at once an open or scheduled one."""
    beacon = lotteries.prepare_beacon() if json_data.publish else None
    with transaction():
        bot = bots.choose(query_data.bot, g.tenant.id)
        lottery = lotteries.create(g.tenant.id, bot.id, spec.read(g.tenant.id, json_data.body()))
        if json_data.publish:
            lottery = lotteries.publish(lottery.id, beacon)
        return _view(lottery)


@api.get("/<code>")
@LOOK
@api.output(LotteryView)
@api.doc(summary="Show a lottery", security="ApiKey", responses=[404])
def show(code: str) -> LotteryView:
    """The lottery as it is now."""
    with transaction():
        return _view(_find(code))


@api.put("/<code>")
@MANAGE
@api.input(LotteryBody)
@api.output(LotteryView)
@api.doc(summary="Change a lottery", security="ApiKey", responses=[400, 404, 409])
def change(code: str, json_data: LotteryBody) -> LotteryView:
    """Everything anew, as long as it has not opened."""
    with transaction():
        return _view(lotteries.update(_find(code).id, spec.read(g.tenant.id, json_data.body())))


@api.post("/<code>/publish")
@MANAGE
@api.output(LotteryView)
@api.doc(summary="Publish a lottery", security="ApiKey", responses=[404, 409])
def publish(code: str) -> LotteryView:
    """Opens a draft at once or at its opening time. From the opening on its rules stay as they are."""
    beacon = lotteries.prepare_beacon()
    with transaction():
        return _view(lotteries.publish(_find(code).id, beacon))


@api.post("/<code>/unpublish")
@MANAGE
@api.output(LotteryView)
@api.doc(summary="Take a scheduled lottery back", security="ApiKey", responses=[404, 409])
def unpublish(code: str) -> LotteryView:
    """It is a draft again, as long as it has not opened."""
    with transaction():
        return _view(lotteries.back_to_draft(_find(code).id))


@api.post("/<code>/close")
@MANAGE
@api.output(LotteryView)
@api.doc(summary="Close a lottery before its time", security="ApiKey", responses=[404, 409])
def close(code: str) -> LotteryView:
    """It takes no more entries and is drawn. Closing again changes nothing."""
    with transaction():
        lottery = _find(code)
        lotteries.close(lottery.id)
        return _view(_find(code))


@api.post("/<code>/cancel")
@MANAGE
@api.input(Reason)
@api.output(LotteryView)
@api.doc(summary="Cancel a lottery", security="ApiKey", responses=[400, 404, 409])
def cancel(code: str, json_data: Reason) -> LotteryView:
    """There is no draw; credits that were paid go back."""
    with transaction():
        return _view(lotteries.cancel(_find(code).id, json_data.reason))


@api.get("/<code>/entries")
@LOOK
@api.input(After, location="query")
@api.output(EntryList)
@api.doc(summary="List entries", security="ApiKey", responses=[404])
def list_entries(code: str, query_data: After) -> EntryList:
    """In the order in which they came, 500 a page."""
    with transaction():
        rows = lookup.entries_after(_find(code).id, query_data.after, PAGE)
        return EntryList(
            entries=[entry_of(row) for row in rows], next=rows[-1].id if len(rows) == PAGE else None
        )


@api.post("/<code>/entries")
@MANAGE
@api.input(People)
@api.output(Added)
@api.doc(summary="Enter members by hand", security="ApiKey", responses=[404, 409])
def add_entries(code: str, json_data: People) -> Added:
    """Members whom your bots know. They are flagged, and how many there are is public."""
    with transaction():
        done = lotteries.add_by_staff(_find(code).id, json_data.telegram_ids)
        return Added(added=done.added, already=done.already, unknown=done.unknown)


@api.get("/<code>/winners")
@LOOK
@api.input(PageNumber, location="query")
@api.output(WinnerList)
@api.doc(summary="List winners", security="ApiKey", responses=[404])
def list_winners(code: str, query_data: PageNumber) -> WinnerList:
    """By prize, 50 a page; those whose prize was drawn again stand below who has it now."""
    with transaction():
        found = figures.winners(_find(code), query_data.page)
        return WinnerList(winners=winners_of(found[: figures.WINNERS]), more=len(found) > figures.WINNERS)


@api.post("/<code>/winners/<int:slot>/redraw")
@MANAGE
@api.input(Reason)
@api.output(LotteryView, status_code=202)
@api.doc(summary="Draw one prize again", security="ApiKey", responses=[400, 404, 409])
def redraw(code: str, slot: int, json_data: Reason) -> LotteryView:
    """An unclaimed prize goes to the next in the draw's order, within seconds; reason and result are public."""
    with transaction():
        winners.redraw(_find(code).id, slot, json_data.reason)
        return _view(_find(code))


@api.post("/<code>/winners/<int:slot>/hand-over")
@MANAGE
@api.input(Note)
@api.output({}, status_code=204)
@api.doc(summary="Mark a prize as handed over", security="ApiKey", responses=[404, 409])
def hand_over(code: str, slot: int, json_data: Note) -> str:
    """The winner has his prize; it is not drawn again."""
    with transaction():
        winners.hand_over(_find(code).id, slot, json_data.note)
    return ""


def _find(code: str) -> Lottery:
    """The tenant's lottery; the scope of the request hides those of others. Raises NotFound."""
    return lotteries.get_by_code(code)


def _view(lottery: Lottery) -> LotteryView:
    bot = lookup.bots_of([lottery.bot_id])[lottery.bot_id]
    prizes, entries = lotteries.prizes(lottery.id), lotteries.entry_count(lottery.id)
    return view_of(lottery, prizes, bot, entries, figures.draw_of(lottery))


def init_app(app: Flask) -> None:
    """Adds the routes. They take a key or a session; a session's requests must come from our own pages."""
    app.register_blueprint(api)
