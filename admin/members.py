"""The tenant's Telegram users: who they are, when they were last seen, who blocks a bot; and erasing one of them."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, ClassVar

from flask import has_request_context, redirect, request, url_for
from flask_admin import expose
from flask_admin.helpers import get_redirect_target
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import ColumnElement, not_

from admin.acts import act, ask_password, sent
from admin.base import TenantView
from admin.bot_parts import qr_code
from admin.filters import ColumnFilter, Equals
from admin.forms import YES_NO
from admin.guard import tenant_id
from admin.member_facts import facts_of
from app.core import clock
from app.core.i18n import EN, ZH
from app.domain.members import profile_link, shown_name
from app.domain.people import Role
from app.models import Bot, Member
from app.services import bots, members, tenant_data

MOST_BOTS = 100
CHOSEN = {ZH: "简体中文", EN: "English"}
LANGUAGES: dict[str, Callable[[], ColumnElement[bool]]] = {
    "zh": lambda: members.speaking("zh"),
    "en": lambda: members.speaking("en"),
    "other": lambda: not_(members.speaking("zh") | members.speaking("en")),
}
BLOCKING: dict[str, Callable[[], ColumnElement[bool]]] = {
    "1": members.blocking,
    "0": lambda: not_(members.blocking()),
}
ACTIVE: dict[str, Callable[[], ColumnElement[bool]]] = {
    "7": lambda: members.active_since(clock.now() - timedelta(days=7)),
    "30": lambda: members.active_since(clock.now() - timedelta(days=30)),
}


class Choice(Equals):
    """One of a few conditions, each by its own words."""

    def __init__(
        self, name: Any, conditions: Mapping[str, Callable[[], ColumnElement[bool]]], options: Any
    ) -> None:
        super().__init__(Member.id, name, options=options)
        self.conditions = conditions

    def clean(self, value: str) -> Any:
        """The condition; KeyError for an unknown one."""
        return self.conditions[value]()

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        """Narrows the query."""
        del alias
        return query.filter(value)


class WithBot(ColumnFilter):
    """Who talked with one of the tenant's bots."""

    words = Equals.words

    def get_options(self, view: Any) -> list[tuple[str, str]]:
        """The tenant's bots; none while the pages are put together, which asks too."""
        del view
        if not has_request_context():
            return []
        return [(str(bot.id), bot_name(bot)) for bot in bots.list_bots(tenant_id(), limit=MOST_BOTS)]

    def clean(self, value: str) -> int:
        """A bot's id; ValueError for what is none."""
        if not (value.isascii() and value.isdigit()) or len(value) > 18:
            raise ValueError(value)
        return int(value)

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        """Narrows the query."""
        del alias
        return query.filter(members.talked_with(value))


def bot_name(bot: Bot) -> str:
    """How pages call a bot."""
    return bot.name or bots.label(bot)


def name_of(member: Member) -> str:
    """How pages call a member; names are their owners' and may be anything."""
    return shown_name(member.first_name, member.last_name, member.telegram_id)


def language_of(member: Member) -> str:
    """The language that he chose, else that of his Telegram, in the viewer's words."""
    return CHOSEN.get(member.locale or "") or language_name(member.language_code or "")


def language_name(code: str) -> str:
    """`zh-hans`, `pt-br` in the viewer's words; what nobody knows as it came."""
    language, _, rest = code.replace("-", "_").partition("_")
    names = get_locale().languages
    written = rest.title() if len(rest) == 4 else rest.upper()
    return str(names.get(f"{language.lower()}_{written}") or names.get(language.lower()) or code)


def standing_words(standing: members.Standing) -> tuple[str, Any]:
    """Tone and words for whether bots can write to somebody."""
    if standing.blocked and standing.blocked < standing.bots:
        return "warn", gettext("Blocks %(some)s of %(all)s bots", some=standing.blocked, all=standing.bots)
    if standing.blocked:
        return "bad", gettext("Blocked")
    return ("ok", gettext("Reachable")) if standing.bots else ("idle", gettext("Groups only"))


def newcomers(day: date) -> dict[str, str]:
    """What the address of the list says for members who came on that day or later."""
    return {"flt4_4": day.isoformat()}


def _name(_view: Any, _context: Any, member: Member, _column: str) -> Markup:
    return Markup("<bdi>{}</bdi>").format(name_of(member))


def _username(_view: Any, _context: Any, member: Member, _column: str) -> Markup:
    link = profile_link(member.username)
    if not link:
        return Markup('<span class="text-muted">—</span>')
    return Markup('<a href="{}" target="_blank" rel="noopener noreferrer">@{}</a>').format(
        link, member.username
    )


def _language(_view: Any, _context: Any, member: Member, _column: str) -> Markup:
    return Markup('<span class="nowrap">{}</span>').format(language_of(member) or "—")


def _standing(_view: Any, _context: Any, member: Any, _column: str) -> Markup:
    tone, text = standing_words(member.standing)
    return Markup('<span class="status status-{}">{}</span>').format(tone, text)


def _plain_standing(_view: Any, _context: Any, member: Any, _column: str) -> str:
    return str(standing_words(member.standing)[1])


class MembersView(TenantView):
    """`/admin/members/`."""

    icon, order, phone_tab = "users", 14, True
    lead = _l("Everybody who has talked with your bots in Telegram.")
    export_role = Role.MANAGER
    roles: ClassVar[dict[str, Role | None]] = {"erase": Role.OWNER}
    export_logged = "members.exported"
    list_template = "admin/members/list.html"
    details_template = "admin/members/details.html"
    column_list = ("name", "username", "language_code", "first_seen_at", "last_seen_at", "standing")
    column_export_list = (
        "telegram_id",
        "name",
        "username",
        "language_code",
        "first_seen_at",
        "last_seen_at",
        "standing",
    )
    column_labels = {  # noqa: RUF012
        "first_seen_at": _l("First seen"),
        "language_code": _l("Language"),
        "last_seen_at": _l("Last seen"),
        "name": _l("Display name"),
        "standing": _l("State"),
        "telegram_id": _l("Telegram number"),
        "username": _l("User name"),
    }
    column_formatters = {  # noqa: RUF012
        "language_code": _language,
        "name": _name,
        "standing": _standing,
        "username": _username,
    }
    column_formatters_export = {  # noqa: RUF012
        "language_code": lambda _view, _context, member, _column: language_of(member),
        "name": lambda _view, _context, member, _column: name_of(member),
        "standing": _plain_standing,
    }
    column_searchable_list = ("first_name", "last_name", "username")
    column_sortable_list = ("first_seen_at", "last_seen_at")
    column_default_sort = [("first_seen_at", True), ("id", True)]  # noqa: RUF012
    column_filters = (
        Choice(
            _l("Language"), LANGUAGES, [("zh", _l("Chinese")), ("en", _l("English")), ("other", _l("Other"))]
        ),
        Choice(_l("Blocks a bot"), BLOCKING, YES_NO),
        WithBot(Member.id, _l("Bot")),
        Choice(_l("Last seen"), ACTIVE, [("7", _l("in the last 7 days")), ("30", _l("in the last 30 days"))]),
        "first_seen_at",
    )
    secondary_columns = ("first_seen_at",)

    def search_placeholder(self) -> str:
        """What may be searched for."""
        return str(gettext("Name, @username or Telegram number"))

    def title_of(self, row: Any) -> str:
        """The head of somebody's page."""
        return name_of(row)

    def share(self) -> list[tuple[str, str, Markup]]:
        """The first bots as (name, link, QR code), for a boss whom nobody has found yet."""
        found = [bot for bot in bots.list_bots(tenant_id(), limit=2) if bot.username]
        links = [(bot_name(bot), f"https://t.me/{bot.username}") for bot in found]
        return [(name, link, qr_code(link)) for name, link in links]

    def get_list(self, *args: Any, **kwargs: Any) -> Any:
        """The rows with `standing`, asked for all of them at once."""
        count, rows = super().get_list(*args, **kwargs)
        known = members.standings(tenant_id(), [row.telegram_id for row in rows])
        for row in rows:
            row.standing = known.get(row.telegram_id, members.Standing())
        return count, rows

    def _apply_search(self, query: Any, count_query: Any, joins: Any, count_joins: Any, search: str) -> Any:
        wanted = members.matching(search)
        return query.filter(wanted), count_query.filter(wanted), joins, count_joins

    @expose("/details/")
    def details_view(self) -> Any:
        """One member: who he is, how he stands with each bot, what he bought, has and won."""
        member = self._member()
        return self.render(
            self.details_template,
            **facts_of(member),
            bot_name=bot_name,
            language=language_name(member.language_code or ""),
            chosen=CHOSEN.get(member.locale or ""),
            may_adjust=self._allowed(Role.MANAGER),
            may_erase=self._allowed(Role.OWNER),
            return_url=get_redirect_target() or self.get_url(".index_view"),
        )

    @expose("/erase/", methods=("GET", "POST"))
    def erase(self) -> Any:
        """Says what is lost, and erases the member when that is confirmed; asks for the password before."""
        member = self._member()
        if (asked := ask_password(url_for(".erase", id=member.id))) is not None:
            return asked
        if request.method == "GET":
            return self.render("admin/members/erase.html", model=member, talks=members.talks(member))
        sent("id")
        telegram_id, said = member.telegram_id, gettext("Everything about this person was erased.")
        act(lambda: tenant_data.erase_member(tenant_id(), telegram_id), said)
        return redirect(url_for(".index_view"), 303)

    def _member(self) -> Any:
        named = request.values.getlist("id")
        return self.get_one(named[0] if len(named) == 1 else None)


def views() -> list[Any]:
    """The views of this feature."""
    return [MembersView(Member, _l("Members"), endpoint="members", url="members")]
