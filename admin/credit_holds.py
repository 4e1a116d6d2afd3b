"""Credits that are put aside for something that may be charged later, and letting them go by hand."""

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import format_decimal, gettext
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import func, select, update
from wtforms.validators import DataRequired, Length

from admin.acts import act
from admin.base import TenantView
from admin.credit_parts import (
    HOLD_STATES,
    hold_state,
    leads_to,
    named_id,
    with_names,
    with_source_names,
)
from admin.credit_postings import Source
from admin.formatters import localtime
from admin.forms import AdminForm, CleanStringField
from admin.guard import tenant_id
from admin.menu import Group
from app.core.db import db
from app.domain import credits as rules
from app.domain.credit_holds import HoldState
from app.domain.people import Role
from app.models import CreditHold
from app.services import audit
from app.services.credits import holds


class VoidForm(AdminForm):
    """Why the credits are let go."""

    reason = CleanStringField(
        _l("Reason"),
        [DataRequired(), Length(max=rules.MAX_REASON)],
        description=_l("Your team sees it with the hold; the member does not."),
    )


def _name(_view: Any, _context: Any, row: Any, _column: str) -> Markup:
    return Markup('<a href="{}"><bdi>{}</bdi></a>').format(
        url_for("credits.details_view", id=row.account_id), row.name
    )


def _state(_view: Any, _context: Any, row: CreditHold, _column: str) -> Markup:
    tone, words = hold_state(row)
    return Markup('<span class="status status-{}">{}</span>').format(tone, words)


def _reason(_view: Any, _context: Any, row: CreditHold, _column: str) -> Markup:
    note = Markup('<small class="d-block text-muted"><bdi>{}</bdi></small>').format(row.note or "")
    return Markup('<span><span class="lines-2"><bdi>{}</bdi></span>{}</span>').format(
        row.reason, note if row.note else ""
    )


def _until(_view: Any, _context: Any, row: CreditHold, _column: str) -> Markup:
    """When it runs out, both ways; of one that is over, when it ended."""
    if row.closed_at is not None:
        return Markup(
            '<span class="text-muted">{} <time datetime="{}" data-relative>{}</time></span>'
        ).format(gettext("Ended"), row.closed_at.isoformat(), localtime(row.closed_at))
    if leads_to(row.source, row.reference):
        return Markup('<span class="text-muted">{}</span>').format(gettext("When the dispute ends"))
    at = row.expires_at
    return Markup(
        '<span><time datetime="{}" data-relative>{}</time><small class="d-block text-muted">{}</small></span>'
    ).format(at.isoformat(), localtime(at), localtime(at, "yyyy-MM-dd HH:mm"))


class CreditHoldsView(TenantView):
    """`/admin/credit-holds/`."""

    group, icon, menu_of = Group.MONEY, "coins", "credit_overview"
    lead = _l("Put aside by a project, or while a payment is disputed. They can't be spent meanwhile.")
    roles: ClassVar[dict[str, Role | None]] = {"void": Role.MANAGER}
    can_view_details = False
    export_logged = "credits.holds_exported"
    list_template = "admin/credits/holds.html"
    column_list = ("name", "amount", "source", "reason", "state", "expires_at", "created_at")
    column_export_list = (
        "id", "created_at", "telegram_id", "name", "amount", "captured", "state", "source", "reference", "reason",
        "expires_at", "closed_at", "note",
    )  # fmt: skip
    column_labels = {  # noqa: RUF012 - as Flask-Admin has it
        "id": _l("Number"),
        "name": _l("Member"),
        "telegram_id": _l("Telegram number"),
        "amount": _l("How many"),
        "captured": _l("Captured of it"),
        "state": _l("State"),
        "source": _l("Held by"),
        "reference": _l("Reference"),
        "reason": _l("Reason"),
        "expires_at": _l("Runs out"),
        "created_at": _l("Held since"),
        "closed_at": _l("Ended at"),
        "note": _l("Why it was released"),
    }
    column_formatters = {  # noqa: RUF012 - as Flask-Admin has it
        "name": _name,
        "amount": lambda _view, _context, row, _column: format_decimal(row.amount),
        "source": lambda _view, _context, row, _column: row.source_name,
        "state": _state,
        "reason": _reason,
        "expires_at": _until,
    }
    column_formatters_export = {  # noqa: RUF012 - as Flask-Admin has it
        "source": lambda _view, _context, row, _column: row.source,
        "state": lambda _view, _context, row, _column: hold_state(row)[1],
    }
    column_choices = {"state": [(state, words) for state, (_, words) in HOLD_STATES.items()]}  # noqa: RUF012 - as Flask-Admin has it
    column_sortable_list = ("amount", "expires_at")
    column_default_sort = ("id", True)
    column_searchable_list = ("reference",)
    column_filters = ("state", Source(CreditHold.source, _l("Held by")), "created_at")
    secondary_columns, number_columns = ("created_at",), ("amount",)
    empty_title = _l("Nothing is held")
    empty_text = _l(
        "A project that charges later, such as a booking, holds credits first. Its holds appear here."
    )
    empty_picture = "lock"

    def search_placeholder(self) -> str:
        """What may be searched for."""
        return str(gettext("Reference"))

    def tabs(self) -> list[tuple[str, Any]]:
        """(state, words) for the line above the list."""
        return [(state.value, words) for state, (_, words) in HOLD_STATES.items()]

    def ended_at(self, hold: CreditHold) -> tuple[str, str] | None:
        """(words, address) of the order on whose page a hold ends that is about a dispute."""
        return leads_to(hold.source, hold.reference)

    def active(self) -> int:
        """How many are held now."""
        mine = (CreditHold.tenant_id == tenant_id(), CreditHold.state == HoldState.ACTIVE)
        return db.session.scalar(select(func.count()).select_from(CreditHold).where(*mine)) or 0

    def get_list(self, *args: Any, **kwargs: Any) -> Any:
        """The rows with the names of members and sources, asked for all of them at once."""
        count, rows = super().get_list(*args, **kwargs)
        return count, with_names(with_source_names(rows))

    @expose("/void/", methods=("GET", "POST"))
    def void(self) -> Any:
        """Lets held credits go, with a reason."""
        hold = self.get_one(named_id())
        if (elsewhere := self.ended_at(hold)) is not None:
            return redirect(elsewhere[1], 303)
        form, back = (
            VoidForm(request.form or None),
            self.get_url(".index_view", flt0_0=HoldState.ACTIVE.value),
        )
        if request.method == "POST" and form.validate():
            act(lambda: _void(hold.id, form.reason.data))
            return redirect(back, 303)
        with_names([hold])
        return self.render("admin/credits/void.html", form=form, model=hold, return_url=back)


def _void(hold_id: int, reason: str) -> None:
    was = holds.get(tenant_id(), hold_id).state
    hold = holds.void(tenant_id(), hold_id)
    # Only whoever ended it gives the reason: not a second press, and not where the project was first.
    first = update(CreditHold).where(CreditHold.id == hold.id, CreditHold.note.is_(None)).values(note=reason)
    if was is not HoldState.ACTIVE or not db.session.execute(first.returning(CreditHold.id)).first():
        flash(gettext("It had been released before."), "info")
        return
    audit.record(
        tenant_id(), "credits.hold_voided", ("credits", "", ""), {"hold": hold.id, "amount": hold.amount}
    )
    flash(gettext("Released. The member can spend these credits again."), "success")


def views() -> list[Any]:
    """The views of this feature."""
    return [CreditHoldsView(CreditHold, _l("Holds"), endpoint="credit_holds", url="credit-holds")]
