"""Paying an order's money back: how much, from which payment, why, and by whom."""

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from admin.acts import ask_password
from admin.amounts import money
from admin.base import PageView
from admin.changes import refuse
from admin.forms import AdminForm, CleanStringField
from admin.guard import viewer
from admin.menu import Group
from admin.order_facts import facts_of
from admin.order_parts import WAYS, chosen_order
from app.core.errors import AppError, NotFound
from app.core.queue import transaction
from app.domain.money import Money, read_money
from app.domain.orders import read_code
from app.domain.payments import Provider
from app.domain.people import Role
from app.models import Order, PaymentReceipt
from app.services import audit
from app.services.payments import lookup, refunds
from app.services.payments.errors import NothingReceived

SELF = "by_hand"


class RefundForm(AdminForm):
    """One refund."""

    also_posted = frozenset({"id", "key"})
    receipt = SelectField(_l("Which payment"), coerce=int)
    amount = CleanStringField(_l("Amount"), [InputRequired(), Length(max=20)])
    how = RadioField(_l("How"), default="provider")
    reason = CleanStringField(_l("Reason"), [InputRequired(), Length(max=200)])


class OrderRefundView(PageView):
    """`/admin/order-refund/?id=…`."""

    role = Role.MANAGER
    group, menu_of = Group.BUSINESS, "orders"
    roles: ClassVar[dict[str, Role | None]] = {}

    @expose("/", methods=("GET", "POST"))
    def index_view(self) -> Any:
        """The form; asks for the password before."""
        with transaction():
            order = chosen_order()
            left = lookup.list_refundable(order.id)
        if (asked := ask_password(url_for(".index_view", id=order.id))) is not None:
            return asked
        if not left:
            flash(NothingReceived().text(str(get_locale())), "error")
            return _back(order)
        form = _form(left)
        if request.method == "POST" and form.validate() and _ask(order, left, form):
            flash(gettext("The refund has begun. You see on this page how far it is."), "success")
            return _back(order)
        return self.render(
            "admin/orders/refund.html", **facts_of(order), form=form, chosen=left[0], left=left
        )


def _form(left: list[PaymentReceipt]) -> RefundForm:
    first = left[0]
    rest = Money(first.amount_minor - first.refunded_minor, first.currency)
    form = RefundForm(request.form or None, data={"receipt": first.id, "amount": str(rest.decimal())})
    form.receipt.choices = [SelectChoice(one.id, _named(one)) for one in left]
    back = gettext("Back the way it came: %(way)s", way=WAYS[first.provider])
    by_us = [SelectChoice("provider", back)]
    form.how.choices = [] if first.provider is Provider.MANUAL else by_us
    if first.provider is not Provider.STARS:
        form.how.choices.append(SelectChoice(SELF, gettext("I pay it back myself, and mark it then")))
    if request.method == "GET":
        form.how.data = form.how.choices[0].value
    return form


def _named(receipt: PaymentReceipt) -> str:
    left = money(receipt.amount_minor - receipt.refunded_minor, receipt.currency)
    words = str(gettext("%(way)s, %(amount)s left", way=WAYS[receipt.provider], amount=left))
    return words if receipt.accepted else str(gettext("%(words)s (second payment)", words=words))


def _ask(order: Order, left: list[PaymentReceipt], form: RefundForm) -> bool:
    receipt = next((one for one in left if one.id == form.receipt.data), left[0])
    name = viewer().name or viewer().email
    try:
        amount = read_money(form.amount.data, receipt.currency)
        with transaction():
            refunds.ask(
                order.id,
                amount_minor=amount.minor,
                reason=form.reason.data,
                name=name,
                receipt_id=receipt.id,
                by_hand=form.how.data == SELF,
                key=read_code(request.form.get("key", "")) or "",
            )
            changes: dict[str, object] = {"amount": str(amount), "reason": form.reason.data}
            audit.record(order.tenant_id, "order.refund_asked", ("order", order.id, order.code), changes)
    except NotFound:
        raise
    except AppError as error:
        refuse(error, None if error.params.get("field") else form)
        return False
    return True


def _back(order: Order) -> Any:
    return redirect(url_for("orders.details_view", id=order.id), 303)


def views() -> list[Any]:
    """The views of this feature."""
    return [OrderRefundView(_l("Refund"), endpoint="order_refund", url="order-refund")]
