"""Promoters: who they are and what they brought, one of them with his people and his entries, and what the boss may do."""

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import func, select

from admin.acts import act, sent
from admin.amounts import sums
from admin.base import TenantView
from admin.bot_parts import qr_code
from admin.changes import refuse
from admin.credits import MEMBERS
from admin.guard import tenant_id, viewer
from admin.lookups import Lookup
from admin.menu import Group
from admin.promoter_forms import AdjustForm, NewPromoterForm
from admin.promoter_page import chart, entries, people
from admin.promoter_parts import STATES, headline, matching, members_of, name_of, plain_sums
from app.core.db import db
from app.core.errors import AppError
from app.core.queue import transaction
from app.domain.affiliates import WithdrawalState
from app.domain.links import promoter_link
from app.domain.people import Role
from app.models import Promoter, Withdrawal
from app.services import bots
from app.services.affiliates import figures, promoters, terms


def _name(_view: Any, _context: Any, row: Any, _column: str) -> Markup:
    return Markup("<bdi>{}</bdi>").format(row.name)


def _state(_view: Any, _context: Any, row: Promoter, _column: str) -> Markup:
    tone, words = STATES[row.state]
    return Markup('<span class="status status-{}">{}</span>').format(tone, words)


class PromotersView(TenantView):
    """`/admin/promoters/`."""

    group, icon, order = Group.GROWTH, "handshake", 40
    lead = _l("Members who bring you buyers, and what they earn by it.")
    roles: ClassVar[dict[str, Role | None]] = dict.fromkeys(
        ("pause", "resume", "adjust", "add"), Role.MANAGER
    )
    lookups: ClassVar[dict[str, Lookup]] = {"member": MEMBERS}
    export_logged = "promoter.exported"
    list_template, details_template = "admin/promoters/list.html", "admin/promoters/details.html"
    column_list = ("name", "state", "touched", "bound", "buyers", "earned", "balance", "created_at")
    column_export_list = (
        "name", "telegram_id", "code", "state", "touched", "bound", "buyers", "orders", "earned", "balance", "created_at",
    )  # fmt: skip
    column_labels = {  # noqa: RUF012 - as Flask-Admin has it
        "name": _l("Promoter"),
        "telegram_id": _l("Telegram number"),
        "code": _l("Code of his link"),
        "state": _l("State"),
        "touched": _l("Opened his link"),
        "bound": _l("Bound"),
        "buyers": _l("Buyers"),
        "orders": _l("Orders"),
        "earned": _l("Earned"),
        "balance": _l("Balance"),
        "created_at": _l("Promoter since"),
    }
    column_formatters = {  # noqa: RUF012 - as Flask-Admin has it
        "name": _name,
        "state": _state,
        "touched": lambda _view, _context, row, _column: row.figures.touched,
        "bound": lambda _view, _context, row, _column: row.figures.bound,
        "buyers": lambda _view, _context, row, _column: row.figures.buyers,
        "orders": lambda _view, _context, row, _column: row.figures.orders,
        "earned": lambda _view, _context, row, _column: sums(row.figures.total),
        "balance": lambda _view, _context, row, _column: sums(row.figures.balances),
    }
    column_formatters_export = {  # noqa: RUF012 - as Flask-Admin has it
        **column_formatters,
        "name": lambda _view, _context, row, _column: row.name,
        "state": lambda _view, _context, row, _column: STATES[row.state][1],
        "earned": lambda _view, _context, row, _column: plain_sums(row.figures.total),
        "balance": lambda _view, _context, row, _column: plain_sums(row.figures.balances),
    }
    column_choices = {"state": [(state, words) for state, (_, words) in STATES.items()]}  # noqa: RUF012 - as Flask-Admin has it
    column_sortable_list = ("created_at",)
    column_default_sort = ("id", True)
    column_searchable_list, column_filters = ("code",), ("state", "created_at")
    secondary_columns = ("touched", "created_at")
    number_columns = ("touched", "bound", "buyers", "earned", "balance")
    empty_title = _l("Nobody promotes yet")
    empty_text = _l(
        "Give a product a commission and put it on sale: your bots' menu then invites people to promote. Or make a member a"
        " promoter yourself."
    )
    empty_picture = "chart"

    def search_placeholder(self) -> str:
        """What may be searched for."""
        return str(gettext("Name, @username, Telegram number or code"))

    def title_of(self, row: Any) -> str:
        """The head of somebody's page."""
        return name_of(row.telegram_id, members_of([row.telegram_id]).get(row.telegram_id))

    def get_list(self, *args: Any, **kwargs: Any) -> Any:
        """The rows with `name` and `figures`, asked for all of them at once."""
        count, rows = super().get_list(*args, **kwargs)
        known, found = members_of([row.telegram_id for row in rows]), figures.many([row.id for row in rows])
        for row in rows:
            row.name, row.figures = name_of(row.telegram_id, known.get(row.telegram_id)), found[row.id]
        return count, rows

    def _apply_search(self, query: Any, count_query: Any, joins: Any, count_joins: Any, search: str) -> Any:
        wanted = matching(search)
        return query.filter(wanted), count_query.filter(wanted), joins, count_joins

    def waiting(self) -> int:
        """Withdrawals that the boss has to do something about."""
        open_ = (WithdrawalState.REQUESTED, WithdrawalState.APPROVED)
        query = select(func.count()).select_from(Withdrawal)
        counted = db.session.scalar(
            query.where(Withdrawal.tenant_id == tenant_id(), Withdrawal.state.in_(open_))
        )
        return counted or 0

    @expose("/details/")
    def details_view(self) -> Any:
        """One promoter."""
        promoter = self._chosen()
        found = figures.of(promoter.id)
        links = [
            promoter_link(bot.username, promoter.code)
            for bot in bots.list_bots(tenant_id(), limit=3)
            if bot.username
        ]
        return self.render(
            self.details_template,
            model=promoter,
            figures=found,
            earned=headline(found.total),
            balance=headline(found.balances),
            links=links if promoter.telegram_id > 0 else [],
            qr_code=qr_code(links[0]) if links else "",
            **people(promoter),
            **entries(promoter),
            **chart(promoter, found),
            may_change=viewer().may(Role.MANAGER) and promoter.telegram_id > 0,
            return_url=self.get_url(".index_view"),
        )

    @expose("/pause/", methods=("POST",))
    def pause(self) -> Any:
        """He binds and earns nothing until he is resumed."""
        return self._do(promoters.pause, gettext("Paused: he binds and earns nothing new."))

    @expose("/resume/", methods=("POST",))
    def resume(self) -> Any:
        """He promotes again."""
        return self._do(promoters.resume, gettext("He promotes again."))

    def _do(self, deed: Any, said: str) -> Any:
        promoter = self._chosen()
        sent("id")
        act(lambda: deed(promoter.id), said)
        return redirect(url_for(".details_view", id=promoter.id), 303)

    @expose("/adjust/", methods=("GET", "POST"))
    def adjust(self) -> Any:
        """Gives or takes an amount, with a reason."""
        promoter = self._chosen()
        form = AdjustForm(request.form or None, data={"currency": terms.currencies(tenant_id())[0]})
        if request.method == "POST" and form.validate() and _adjusted(promoter, form):
            return redirect(url_for(".details_view", id=promoter.id), 303)
        back = url_for(".details_view", id=promoter.id)
        return self.render("admin/promoters/adjust.html", form=form, model=promoter, return_url=back)

    @expose("/add/", methods=("GET", "POST"))
    def add(self) -> Any:
        """Makes a member a promoter."""
        form = NewPromoterForm(request.form or None)
        if request.method == "GET":
            form.member_id.data = request.args.get("member", type=int)
        elif form.validate() and (made := _created(form)) is not None:
            flash(gettext("Done. His link is ready to be sent."), "success")
            return redirect(url_for(".details_view", id=made.id), 303)
        return self.render("admin/promoters/new.html", form=form, return_url=self.get_url(".index_view"))

    def _chosen(self) -> Any:
        named = request.values.getlist("id")
        return self.get_one(named[0] if len(set(named)) == 1 else None)


def _adjusted(promoter: Promoter, form: AdjustForm) -> bool:
    """False when the amount or the ledger refused, which the form then says."""
    try:
        wanted = form.money()
        with transaction():
            posted = promoters.adjust(
                promoter.id, wanted.currency, wanted.minor, form.reason.data, form.reference.data
            )
    except AppError as error:
        refuse(error, form)
        return False
    flash(
        gettext("Done.") if posted else gettext("This was done before and has not been done again."),
        "success",
    )
    return True


def _created(form: NewPromoterForm) -> Promoter | None:
    member = MEMBERS.get(form.member_id.data)
    try:
        with transaction():
            return promoters.become(tenant_id(), member.telegram_id, by_boss=True)
    except AppError as error:
        refuse(error, form)
        return None


def views() -> list[Any]:
    """The views of this feature."""
    return [PromotersView(Promoter, _l("Promoters"), endpoint="promoters", url="promoters")]
