"""Members' credits: who has how many, what every balance is made of, and giving or taking some with a reason."""

from typing import Any, ClassVar
from uuid import uuid4

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import format_decimal, gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select
from wtforms import HiddenField, IntegerField, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from admin.base import TenantView
from admin.changes import refuse
from admin.credit_account import facts_of
from admin.credit_parts import member_name, name_cell, named_id, with_names
from admin.forms import AdminForm, CleanStringField
from admin.guard import tenant_id
from admin.lookups import Lookup, SearchSelectField
from admin.menu import Group
from app.core.db import db
from app.core.errors import BadInput, Conflict
from app.core.queue import transaction
from app.domain import credits as rules
from app.domain.members import read_number
from app.domain.people import Role
from app.models import CreditAccount, Member
from app.services import members
from app.services.credits import Posting, by_hand

GIVE, TAKE = "give", "take"
MEMBERS = Lookup(Member, ("first_name", "last_name", "username", "telegram_id"), member_name)


class AdjustForm(AdminForm):
    """A change by hand. `reference` makes sure that a form that is sent twice counts once."""

    member_id: Any = SearchSelectField(
        _l("Member"),
        [DataRequired()],
        lookup=MEMBERS,
        url=lambda: url_for("credits.ajax_lookup", name="member"),
    )
    direction = RadioField(
        _l("What to do"),
        choices=[SelectChoice(GIVE, _l("Give credits")), SelectChoice(TAKE, _l("Take credits"))],
        default=GIVE,
    )
    amount = IntegerField(_l("How many"), [InputRequired(), NumberRange(min=1, max=rules.MAX_AMOUNT)])
    reason = CleanStringField(
        _l("Reason"),
        [InputRequired(), Length(max=rules.MAX_REASON)],
        description=_l("It is kept in the history for good."),
    )
    reference = HiddenField(default=lambda: uuid4().hex)

    def signed_amount(self) -> int:
        """Below zero where credits are taken."""
        amount: int = self.amount.data
        return amount if self.direction.data == GIVE else -amount


class AccountAdjustForm(AdjustForm):
    """The same for an account that the address names: its owner may have no page here."""

    member_id = None


def _number(_view: Any, _context: Any, account: CreditAccount, column: str) -> str:
    return str(format_decimal(getattr(account, column)))


class CreditsView(TenantView):
    """`/admin/credits/`."""

    group, icon, menu_of = Group.MONEY, "coins", "credit_overview"
    lead = _l("Every change is kept. A balance is the sum of its history.")
    roles: ClassVar[dict[str, Role | None]] = {"adjust": Role.MANAGER}
    lookups: ClassVar[dict[str, Lookup]] = {"member": MEMBERS}
    export_logged = "credits.exported"
    list_template = "admin/credits/list.html"
    details_template = "admin/credits/details.html"
    column_list = ("name", "telegram_id", "balance", "held", "created_at")
    column_labels = {  # noqa: RUF012 - as Flask-Admin has it
        "name": _l("Member"),
        "telegram_id": _l("Telegram number"),
        "balance": _l("Balance"),
        "held": _l("Held of it"),
        "created_at": _l("Account since"),
    }
    column_formatters = {"balance": _number, "held": _number, "name": name_cell}  # noqa: RUF012 - as Flask-Admin has it
    column_formatters_export = {"name": lambda _view, _context, account, _column: account.name}  # noqa: RUF012 - as Flask-Admin has it
    column_sortable_list = ("balance", "held", "created_at")
    column_default_sort = [("balance", True), ("id", True)]  # noqa: RUF012 - as Flask-Admin has it
    column_searchable_list = ("telegram_id",)
    column_filters = ("balance", "held", "created_at")
    secondary_columns, number_columns = ("telegram_id", "created_at"), ("balance", "held")
    empty_title = _l("Nobody has credits yet")
    empty_text = _l("Members earn them in lotteries, or you give them some here.")
    empty_picture = "chart"

    def search_placeholder(self) -> str:
        """What may be searched for."""
        return str(gettext("Name, @username or Telegram number"))

    def title_of(self, row: Any) -> str:
        """The head of somebody's history."""
        return str(with_names([row])[0].name)

    def get_list(self, *args: Any, **kwargs: Any) -> Any:
        """The rows with `name`, asked for all of them at once."""
        count, rows = super().get_list(*args, **kwargs)
        return count, with_names(rows)

    def _apply_search(self, query: Any, count_query: Any, joins: Any, count_joins: Any, search: str) -> Any:
        found = select(Member.telegram_id).where(Member.tenant_id == tenant_id(), members.matching(search))
        wanted = or_(
            CreditAccount.telegram_id.in_(found), CreditAccount.telegram_id == (read_number(search) or -1)
        )
        return query.filter(wanted), count_query.filter(wanted), joins, count_joins

    @expose("/details/")
    def details_view(self) -> Any:
        """The postings of one account, latest first."""
        account = self.get_one(named_id())
        before = request.args.get("before", type=int)
        sane = before if before is not None and 0 < before < 2**62 else None
        return self.render(
            self.details_template,
            may_adjust=self._allowed(Role.MANAGER),
            return_url=self.get_url(".index_view"),
            **facts_of(account, sane),
        )

    @expose("/adjust/", methods=("GET", "POST"))
    def adjust(self) -> Any:
        """Gives or takes credits, with a reason."""
        account = self.get_one(request.args["account"]) if "account" in request.args else None
        form = (AccountAdjustForm if account else AdjustForm)(request.form or None)
        if request.method == "GET" and form.member_id:
            form.member_id.data = request.args.get("member", type=int)
        elif request.method == "POST" and form.validate() and (posting := _adjusted(form, account)):
            flash(_said(posting), "success")
            return redirect(self.get_url(".details_view", id=_account_id(posting.telegram_id)), 303)
        return self.render(
            "admin/credits/adjust.html",
            form=form,
            named=self.title_of(account) if account else "",
            return_url=self.get_url(".index_view"),
        )


def _adjusted(form: AdjustForm, account: CreditAccount | None) -> Posting | None:
    """None when the ledger refused, which the form then says."""
    try:
        with transaction():
            return by_hand.adjust(
                account or MEMBERS.get(form.member_id.data),
                form.signed_amount(),
                reference=form.reference.data or "",
                reason=form.reason.data,
            )
    except (BadInput, Conflict) as error:
        refuse(error, form)
        return None


def _said(posting: Posting) -> str:
    if posting.duplicate:
        return str(gettext("This was done before and has not been done again."))
    return str(gettext("Done. The balance is now %(balance)s.", balance=format_decimal(posting.balance)))


def _account_id(telegram_id: int) -> int:
    query = select(CreditAccount.id).where(
        CreditAccount.tenant_id == tenant_id(), CreditAccount.telegram_id == telegram_id
    )
    return db.session.scalars(query).one()


def views() -> list[Any]:
    """The views of this feature."""
    return [CreditsView(CreditAccount, _l("Credit accounts"), endpoint="credits", url="credits")]
