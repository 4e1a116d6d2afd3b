"""Withdrawals of promoters: what waits, and deciding about each. Where money goes only owners and managers see."""

from typing import Any, ClassVar

from flask import redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import select

from admin.acts import act, sent
from admin.amounts import money
from admin.base import TenantView
from admin.guard import tenant_id, viewer
from admin.menu import Group
from admin.promoter_parts import WITHDRAWALS, decimal, matching, members_of, name_of
from app.domain.affiliates import MAX_NOTE, WithdrawalState
from app.domain.people import Role
from app.models import Promoter, Withdrawal
from app.services.affiliates import ledger, promoters, withdrawals


def _name(_view: Any, _context: Any, row: Any, _column: str) -> Markup:
    return Markup("<bdi>{}</bdi>").format(row.name)


def _state(_view: Any, _context: Any, row: Withdrawal, _column: str) -> Markup:
    tone, words = WITHDRAWALS[row.state]
    return Markup('<span class="status status-{}">{}</span>').format(tone, words)


class WithdrawalsView(TenantView):
    """`/admin/withdrawals/`."""

    group, icon, order = Group.GROWTH, "wallet", 45
    lead = _l("Commissions that promoters want paid out. You pay them yourself and mark it here.")
    roles: ClassVar[dict[str, Role | None]] = dict.fromkeys(("approve", "pay", "refuse_it"), Role.MANAGER)
    export_logged = "withdrawal.exported"
    list_template, details_template = "admin/withdrawals/list.html", "admin/withdrawals/details.html"
    column_list = ("name", "amount", "state", "created_at", "decided_at")
    column_export_list = (
        "id", "name", "amount", "currency", "state", "pay_to", "created_at", "decided_at", "decided_by", "reason",
    )  # fmt: skip
    column_labels = {  # noqa: RUF012 - as Flask-Admin has it
        "id": _l("Number"),
        "name": _l("Promoter"),
        "amount": _l("Amount"),
        "currency": _l("Currency"),
        "state": _l("State"),
        "pay_to": _l("To be paid to"),
        "created_at": _l("Asked"),
        "decided_at": _l("Decided"),
        "decided_by": _l("Decided by"),
        "reason": _l("Reason"),
    }
    column_formatters = {  # noqa: RUF012 - as Flask-Admin has it
        "name": _name,
        "amount": lambda _view, _context, row, _column: money(row.amount, row.currency),
        "state": _state,
    }
    column_formatters_export = {  # noqa: RUF012 - as Flask-Admin has it
        "name": lambda _view, _context, row, _column: row.name,
        "amount": lambda _view, _context, row, _column: decimal(row.amount, row.currency),
        "state": lambda _view, _context, row, _column: WITHDRAWALS[row.state][1],
    }
    column_choices = {"state": [(state, words) for state, (_, words) in WITHDRAWALS.items()]}  # noqa: RUF012 - as Flask-Admin has it
    column_sortable_list = ("amount", "created_at")
    column_default_sort = ("id", True)
    column_searchable_list = ("currency",)
    column_filters = ("state", "currency", "created_at")
    secondary_columns, number_columns = ("decided_at",), ("amount",)
    empty_title = _l("Nobody has asked for money yet")
    empty_text = _l(
        "Promoters ask in the bot once they have earned enough; you are told by Telegram and e-mail."
    )
    empty_picture = "done"

    def search_placeholder(self) -> str:
        """What may be searched for."""
        return str(gettext("Name, @username, Telegram number or code"))

    def _apply_search(self, query: Any, count_query: Any, joins: Any, count_joins: Any, search: str) -> Any:
        found = select(Promoter.id).where(Promoter.tenant_id == tenant_id(), matching(search))
        wanted = Withdrawal.promoter_id.in_(found)
        return query.filter(wanted), count_query.filter(wanted), joins, count_joins

    def title_of(self, row: Any) -> str:
        """The head of one withdrawal's page."""
        return str(gettext("Withdrawal %(number)s", number=row.id))

    def get_list(self, *args: Any, **kwargs: Any) -> Any:
        """The rows with `name`, asked for all of them at once."""
        count, rows = super().get_list(*args, **kwargs)
        of = _promoters(rows)
        known = members_of([promoter.telegram_id for promoter in of.values()])
        for row in rows:
            promoter = of[row.promoter_id]
            row.name = name_of(promoter.telegram_id, known.get(promoter.telegram_id))
        return count, rows

    @expose("/details/")
    def details_view(self) -> Any:
        """One withdrawal, and what can be done about it."""
        wish = self._chosen()
        promoter = promoters.get(wish.promoter_id)
        may_decide = viewer().may(Role.MANAGER)
        member = members_of([promoter.telegram_id]).get(promoter.telegram_id)
        return self.render(
            self.details_template,
            model=wish,
            promoter=promoter,
            name=name_of(promoter.telegram_id, member),
            balance=ledger.balances(promoter.id).get(wish.currency, 0),
            money=money,
            state=WITHDRAWALS[wish.state],
            may_decide=may_decide,
            pay_to=wish.pay_to if may_decide else None,
            requested=wish.state is WithdrawalState.REQUESTED,
            open=wish.state in {WithdrawalState.REQUESTED, WithdrawalState.APPROVED},
            most=MAX_NOTE,
            return_url=self.get_url(".index_view"),
        )

    @expose("/approve/", methods=("POST",))
    def approve(self) -> Any:
        """The boss agrees."""
        wish = self._chosen()
        sent("id")
        return self._done(wish, lambda: withdrawals.approve(wish.id), gettext("Approved. Now pay it."))

    @expose("/pay/", methods=("POST",))
    def pay(self) -> Any:
        """The boss has paid."""
        wish = self._chosen()
        sent("id")
        return self._done(wish, lambda: withdrawals.mark_paid(wish.id), gettext("Marked as paid out."))

    @expose("/refuse/", methods=("POST",))
    def refuse_it(self) -> Any:
        """The amount goes back to the balance; the promoter reads the reason."""
        wish = self._chosen()
        _, reason = sent("id", "reason")
        said = gettext("Refused. The amount is back in his balance.")
        return self._done(wish, lambda: withdrawals.refuse(wish.id, reason), said)

    @staticmethod
    def _done(wish: Withdrawal, do: Any, said: str) -> Any:
        act(do, said)
        return redirect(url_for(".details_view", id=wish.id), 303)

    def _chosen(self) -> Any:
        named = request.values.getlist("id")
        return self.get_one(named[0] if len(set(named)) == 1 else None)


def _promoters(rows: Any) -> dict[int, Promoter]:
    return {promoter.id: promoter for promoter in promoters.some([row.promoter_id for row in rows])}


def views() -> list[Any]:
    """The views of this feature."""
    return [WithdrawalsView(Withdrawal, _l("Withdrawals"), endpoint="withdrawals", url="withdrawals")]
