"""What the staff does with an order by a button: try again, confirm a transfer, send again, deliver, cancel."""

from collections.abc import Callable
from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from admin.acts import act, ask_password, row_id, sent
from admin.amounts import money
from admin.base import PageView
from admin.guard import viewer
from admin.menu import Group
from admin.order_facts import facts_of
from admin.order_parts import chosen_order
from app.core.errors import BadInput, NotFound
from app.core.queue import transaction
from app.domain.orders import Actor, read_code
from app.domain.people import Role
from app.domain.shop_alerts import AlertKind
from app.models import Order
from app.services import audit, shop_alerts
from app.services.fulfilment import delivery, manual
from app.services.orders import expiry, lookup, moves, retry
from app.services.payments import disputes, refunds, transfers
from app.services.payments import lookup as payments
from app.services.payments.errors import NothingToConfirm

MAX_NOTE = 1000


class OrderActsView(PageView):
    """`/admin/order-acts/`."""

    role = Role.SUPPORT
    group, menu_of = Group.BUSINESS, "orders"
    roles: ClassVar[dict[str, Role | None]] = dict.fromkeys(
        ("mark_paid", "refund_done", "call_off_refund", "dispute_won", "dispute_lost"), Role.MANAGER
    )

    @expose("/")
    def index_view(self) -> Any:
        """Nothing stands here; the list of orders does."""
        return redirect(url_for("orders.index_view"))

    @expose("/retry/", methods=("POST",))
    def retry(self) -> Any:
        """A failed one is worked on anew."""
        return _do("order.retried", _again, gettext("It is being worked on again."))

    @expose("/resend/", methods=("POST",))
    def resend(self) -> Any:
        """The buyer gets everything once more; the same `key` again sends nothing."""
        key = read_code(request.form.get("key", ""))
        if key is None:
            raise BadInput
        said = gettext("On its way to the buyer once more.")
        return _do("order.sent_again", lambda order: _send_again(order, key), said, "key")

    @expose("/deliver/", methods=("POST",))
    def deliver(self) -> Any:
        """Marked as delivered by hand, with a few words to the buyer."""
        note = request.form.get("note", "")[:MAX_NOTE]
        said = gettext("Marked as delivered. The buyer is told.")
        return _do("order.delivered", lambda order: manual.done(order.id, note, name=_me()), said, "note")

    @expose("/cancel/", methods=("POST",))
    def cancel(self) -> Any:
        """One that is not paid yet ends."""
        said = gettext("Cancelled. What was reserved is free again.")
        return _do("order.cancelled", lambda order: expiry.cancel(order.id, _me()), said)

    @expose("/mark-paid/", methods=("GET", "POST"))
    def mark_paid(self) -> Any:
        """Shows what is to be confirmed, and confirms a transfer; asks for the password before."""
        with transaction():
            order = chosen_order()
            payment = transfers.newest(order.id)
        if payment is None:
            raise NotFound
        if (asked := ask_password(url_for(".mark_paid", id=order.id))) is not None:
            return asked
        if request.method == "GET":
            amount = money(payment.amount_minor, payment.currency)
            return self.render(
                "admin/orders/mark_paid.html", **facts_of(order), payment=payment, amount=amount
            )
        sent("id")
        act(lambda: _confirm(order, payment.id), gettext("Marked as paid. The order goes on by itself."))
        return _back(order)

    @expose("/refund-done/", methods=("POST",))
    def refund_done(self) -> Any:
        """The boss has paid it back himself."""
        with transaction():
            order = chosen_order()
        refund_id = row_id(sent("id", "refund")[1])
        if (asked := ask_password(url_for("orders.details_view", id=order.id))) is not None:
            return asked
        act(lambda: _settle_refund(order, refund_id), gettext("Marked as paid back. The buyer is told."))
        return _back(order)

    @expose("/call-off-refund/", methods=("POST",))
    def call_off_refund(self) -> Any:
        """The boss does not pay it back by hand after all."""
        with transaction():
            order = chosen_order()
        refund_id = row_id(sent("id", "refund")[1])
        act(lambda: _call_off(order, refund_id), gettext("Called off. The money counts as yours again."))
        return _back(order)

    @expose("/dispute-won/", methods=("POST",))
    def dispute_won(self) -> Any:
        """The boss kept the money: the buyer may spend his credits again."""
        said = gettext("Released. The buyer can spend these credits again.")
        return _end_dispute("order.dispute_won", disputes.won, said)

    @expose("/dispute-lost/", methods=("POST",))
    def dispute_lost(self) -> Any:
        """The bank gave the money back: what is held is taken."""
        said = gettext("The held credits are taken.")
        return _end_dispute("order.dispute_lost", disputes.lost, said)


def _do(action: str, change: Callable[[Order], object], said: str, *fields: str) -> Any:
    """Runs a change of one order, writes it into the audit log, and goes back to its page."""
    with transaction():
        order = chosen_order()
    sent("id", *fields)

    def all_of_it() -> None:
        change(order)
        audit.record(order.tenant_id, action, ("order", order.id, order.code))

    act(all_of_it, said)
    return _back(order)


def _end_dispute(action: str, how: Callable[[int, str], bool], said: str) -> Any:
    with transaction():
        order = chosen_order()
    sent("id")

    def all_of_it() -> None:
        if not how(order.id, _me()):
            flash(gettext("Nothing is held any more: this was ended before."), "info")
            return
        shop_alerts.settle_kind(order.tenant_id, [AlertKind.DISPUTE], _me(), order_id=order.id)
        audit.record(order.tenant_id, action, ("order", order.id, order.code))
        flash(said, "success")

    act(all_of_it)
    return _back(order)


def _again(order: Order) -> None:
    retry.retry(order.id, _me())
    shop_alerts.settle_kind(order.tenant_id, [AlertKind.ORDER_FAILED], _me(), order_id=order.id)


def _send_again(order: Order, key: str) -> None:
    locked = lookup.get(order.id, lock=True)
    delivery.again(order.id, key)
    moves.note(locked, "sent_again", Actor.STAFF, name=_me(), details={"key": key})


def _confirm(order: Order, payment_id: int) -> None:
    if payment_id not in {one.id for one in payments.payments_of(order.id)}:
        raise NothingToConfirm
    transfers.confirm_transfer(payment_id, _me())
    shop_alerts.settle_kind(order.tenant_id, [AlertKind.TRANSFER_CLAIMED], _me(), order_id=order.id)


def _settle_refund(order: Order, refund_id: int) -> None:
    if refund_id not in {one.id for one in payments.refunds_of(order.id)}:
        raise NotFound
    refunds.mark_done(refund_id, _me())
    shop_alerts.settle_kind(order.tenant_id, [AlertKind.REFUND_FAILED], _me(), order_id=order.id)
    audit.record(order.tenant_id, "order.refund_done", ("order", order.id, order.code), {"refund": refund_id})


def _call_off(order: Order, refund_id: int) -> None:
    if refund_id not in {one.id for one in payments.refunds_of(order.id)}:
        raise NotFound
    refunds.call_off(refund_id, _me())
    audit.record(
        order.tenant_id, "order.refund_called_off", ("order", order.id, order.code), {"refund": refund_id}
    )


def _me() -> str:
    """Who acts, for the order's history."""
    return viewer().name or viewer().email


def _back(order: Order) -> Any:
    return redirect(url_for("orders.details_view", id=order.id), 303)


def views() -> list[Any]:
    """The views of this feature."""
    return [OrderActsView(_l("Orders"), endpoint="order_acts", url="order-acts")]
