"""The boss's lotteries: the list, and one lottery while it runs and after it. The pages refresh by themselves."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from flask import make_response, request
from flask_admin import expose
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l

from admin.acts import MOST_DIGITS
from admin.base import PageView
from admin.bot_parts import qr_code
from admin.guard import tenant_id, viewer
from admin.lottery_form import chats_of
from admin.lottery_parts import (
    CLOSED_BY,
    STATES,
    WINNER_STATES,
    chosen_lottery,
    event_words,
    next_step,
    person,
)
from admin.lottery_presets import PRESETS
from admin.lottery_preview import shown_card
from admin.menu import Group
from app.core.i18n import translate
from app.domain.lotteries import REDRAWABLE, LotteryState, bot_link
from app.domain.people import Role
from app.models import Lottery, LotteryEvent, LotteryPost
from app.services import bots
from app.services.lotteries import blind_chats, events, figures, lookup, posts, showing

MAX_SEARCH = 100
LAST_PAGE = 5_000
EVENTS = 40
TABS: tuple[tuple[str, Any, Sequence[LotteryState]], ...] = (
    ("", _l("All"), ()),
    ("open", _l("Under way"), (LotteryState.OPEN, LotteryState.DRAWING)),
    ("scheduled", _l("Not open yet"), (LotteryState.SCHEDULED,)),
    ("draft", _l("Drafts"), (LotteryState.DRAFT,)),
    ("drawn", _l("Drawn"), (LotteryState.DRAWN,)),
    ("cancelled", _l("Cancelled"), (LotteryState.CANCELLED,)),
)
PACE = {
    LotteryState.OPEN: "4",
    LotteryState.SCHEDULED: "10",
    LotteryState.DRAWING: "2",
    LotteryState.DRAWN: "6",
}
"""Seconds between looks at a lottery's page, by its state; a draft and a cancelled one change no more by themselves."""


class LotteriesView(PageView):
    """`/admin/lotteries/`."""

    group, icon, order, phone_tab = Group.GROWTH, "gift", 10, True
    lead = _l("Draws that anybody can check.")
    roles: ClassVar[dict[str, Role | None]] = {}

    @expose("/")
    def index_view(self) -> Any:
        """A page of the list."""
        return self.render("admin/lotteries/list.html", **self._list())

    @expose("/live/")
    def list_live(self) -> Any:
        """The rows alone."""
        return self.render("admin/lotteries/_list.html", **self._list())

    @expose("/details/")
    def details_view(self) -> Any:
        """One lottery."""
        lottery = chosen_lottery()
        facts = self._head(lottery) | self._facts(lottery) | self._record(lottery)
        link = bot_link(facts["bot"].username, lottery.code) if lottery.opened_at or lottery.opens_at else ""
        return self.render(
            "admin/lotteries/details.html",
            share_link=link,
            qr_code=qr_code(link) if link else "",
            public_link=showing.public_link(lottery.code) if lottery.opened_at else "",
            card=shown_card(lottery, facts["entries"]),
            picture=lottery.picture_id,
            chats=chats_of(lottery),
            **facts,
        )

    @expose("/details/head/")
    def head_live(self) -> Any:
        """Its state, what to do, its winners."""
        lottery = chosen_lottery()
        return self._paced("admin/lotteries/_head.html", lottery, self._head(lottery))

    @expose("/details/record/")
    def record_live(self) -> Any:
        """Its posts and its public history."""
        lottery = chosen_lottery()
        return self._paced("admin/lotteries/_record.html", lottery, self._record(lottery))

    @expose("/details/live/")
    def figures_live(self) -> Any:
        """Its figures and newest entrants."""
        lottery = chosen_lottery()
        return self._paced("admin/lotteries/_figures.html", lottery, self._facts(lottery))

    def _paced(self, template: str, lottery: Lottery, facts: dict[str, Any]) -> Any:
        page = make_response(self.render(template, **facts))
        page.headers["Live-Every"] = PACE.get(lottery.state, "0")
        return page

    @staticmethod
    def _list() -> dict[str, Any]:
        tab = next((each for each in TABS if each[0] == request.args.get("tab", "")), TABS[0])
        words = request.args.get("search", "").replace("\0", "").strip()[:MAX_SEARCH]
        page = page_number()
        rows = figures.listing(tenant_id(), tab[2], words, page)
        counts = figures.counts(tenant_id())
        sums = {
            name: sum(counts.get(state, 0) for state in states or LotteryState) for name, _, states in TABS
        }
        return {
            "rows": rows[: figures.PAGE],
            "more": len(rows) > figures.PAGE,
            "page": page,
            "tab": tab[0],
            "tabs": [(name, label, sums[name]) for name, label, _ in TABS],
            "words": words,
            "presets": PRESETS,
            "states": STATES,
            "has_bot": bool(bots.list_bots(tenant_id(), limit=1)),
            "may_change": viewer().may(Role.MANAGER),
        }

    @staticmethod
    def _head(lottery: Lottery) -> dict[str, Any]:
        page = page_number()
        held = figures.winners(lottery, page) if lottery.drawn_at else []
        draw = figures.draw_of(lottery) if lottery.closed_at else None
        bot = bots.get(lottery.bot_id)
        return {
            "lottery": lottery,
            "state": STATES[lottery.state],
            "next_step": next_step(lottery),
            "closed_by": CLOSED_BY.get(lottery.close_reason) if lottery.close_reason else "",
            "bot": bot,
            "draw": draw,
            "checking": figures.checking(lottery) if draw and lottery.state is LotteryState.DRAWING else None,
            "unseen": blind_chats.find(lottery.id) if lottery.state is LotteryState.OPEN else {},
            "held": held[: figures.WINNERS],
            "more": len(held) > figures.WINNERS,
            "page": page,
            "person": person,
            "winner_states": WINNER_STATES,
            "redrawable": REDRAWABLE,
            "stuck": draw.stuck if draw else None,
            "may_change": viewer().may(Role.MANAGER),
            "may_hand_over": viewer().may(Role.SUPPORT),
        }

    @staticmethod
    def _record(lottery: Lottery) -> dict[str, Any]:
        return {
            "lottery": lottery,
            "posts": [
                (post, told(posts.trouble(post)), post_link(post)) for post in posts.list_posts(lottery.id)
            ],
            "events": [(event, *event_words(event)) for event in events.latest(lottery.id, EVENTS)],
            "moment_of": moment_of,
            "may_change": viewer().may(Role.MANAGER),
        }

    @staticmethod
    def _facts(lottery: Lottery) -> dict[str, Any]:
        entries = lookup.entry_count(lottery.id)
        return {
            "lottery": lottery,
            "entries": entries,
            "series": chart_of(lottery, entries),
            "latest": figures.latest(lottery),
            "person": person,
        }


def page_number() -> int:
    """Which page of a list is wanted, from 0."""
    number = request.args.get("page", "")
    return min(int(number), LAST_PAGE) if number.isdecimal() and len(number) <= MOST_DIGITS else 0


def moment_of(event: LotteryEvent) -> datetime:
    """When it happened."""
    return datetime.fromtimestamp(event.at / 1_000_000, UTC)


def told(trouble: posts.Trouble | None) -> str:
    """What is wrong with a post, in the viewer's language."""
    return translate(str(get_locale()), trouble.message, **trouble.params) if trouble else ""


def post_link(post: LotteryPost) -> str:
    """Where a post can be seen; empty where it is not posted yet, or in a group without links."""
    if post.message_id is None:
        return ""
    if post.chat.startswith("@"):
        return f"https://t.me/{post.chat[1:]}/{post.message_id}"
    inner = str(post.chat_id or post.chat)
    return f"https://t.me/c/{inner[4:]}/{post.message_id}" if inner.startswith("-100") else ""


def chart_of(lottery: Lottery, entries: int) -> dict[str, object]:
    """Entries over time, as `charts.js` draws it."""
    series = figures.over_time(lottery, viewer().timezone, entries)
    pattern = "%m-%d %H:00" if series.hourly else "%m-%d"
    return {
        "type": "bar" if len(series.points) < 40 else "line",
        "labels": [at.strftime(pattern) for at, _ in series.points],
        "series": [{"name": gettext("Entries"), "values": [count for _, count in series.points]}],
    }


def views() -> list[Any]:
    """The views of this feature."""
    return [LotteriesView(_l("Lotteries"), endpoint="lotteries", url="lotteries")]
