"""The boss and the money of an order: paying back, confirming a transfer. Each shows the amount and asks once more."""

from app.core.errors import Conflict
from app.core.i18n import N_
from app.domain.money import Money
from app.domain.payments import Provider, RefundState
from app.domain.shop_alerts import AlertKind
from app.models import Order
from app.services import shop_alerts
from app.services.orders import lookup
from app.services.orders.standing import WAYS
from app.services.payments import lookup as payments
from app.services.payments import refunds, transfers
from app.services.payments.errors import NothingReceived, NothingToConfirm
from bots import boss_order, bossing
from bots.bossing import Boss
from bots.conversations.admin_orders import act, recorded, the_order
from bots.keyboards import Button, ButtonExpired, Keyboard, data
from bots.router import Context, Router

router = Router()
_ASKED = N_(
    "Pay %(amount)s of order %(code)s back?\n\nIt goes back the way it came: %(way)s.\n%(then)s\n\nThis can't be undone."
)
_OURSELVES = N_(
    "You send the money yourself, then press “I have paid it back” on the order; the buyer is told then."
)
_BY_PROVIDER = N_("It begins at once, and the buyer is told when it is done.")
_CHANGED = N_("This is done already, or the order has changed meanwhile: look at it again.")
_ENDS = N_("The order ends, nothing more is delivered.")


@router.button("adrefund")
def refund_button(ctx: Context) -> None:
    """Asks; the second button names receipt, amount and how many refunds there were, so it works once."""
    if len(ctx.press.arguments) > 1:
        receipt_id, amount = ctx.press.id(1), ctx.press.id(2)
        number = ctx.press.word(3)
        act(
            ctx,
            lambda order, boss: _refund(ctx, order, boss, (receipt_id, amount, number)),
            N_("The refund has begun."),
        )
        return
    with bossing.acting(ctx):
        page = _ask_refund(ctx, the_order(ctx, ctx.press.id()))
    ctx.show(*page)


def _ask_refund(ctx: Context, order: Order) -> tuple[str, Keyboard]:
    receipt = boss_order.left_of(order)
    if receipt is None:
        raise NothingReceived
    left = Money(receipt.amount_minor - receipt.refunded_minor, receipt.currency)
    amount = ctx.place.money(left.minor, left.currency)
    then = [ctx.t(_OURSELVES if receipt.provider is Provider.MANUAL else _BY_PROVIDER)]
    if order.completed_at is None and receipt.accepted:
        then.append(ctx.t(_ENDS))
    way = ctx.t(WAYS[receipt.provider])
    text = ctx.t(_ASKED, amount=amount, code=order.code, way=way, then="\n".join(then))
    number = len(payments.refunds_of(order.id))
    yes = data("adrefund", order.id, receipt.id, left.minor, number)
    rows = [
        [Button(ctx.t(N_("💸 Yes, pay %(amount)s back"), amount=amount), yes)],
        [bossing.back(ctx, shop_alerts.ORDER_BUTTON, order.id)],
    ]
    return text, Keyboard(rows)


def _refund(ctx: Context, order: Order, boss: Boss, asked: tuple[int, int, str]) -> None:
    receipt_id, amount, number = asked
    lookup.get(order.id, lock=True)
    if str(len(payments.refunds_of(order.id))) != number:
        raise Conflict(_CHANGED)
    if receipt_id not in {one.id for one in payments.receipts_of(order.id)}:
        raise ButtonExpired
    reason = ctx.t(N_("Asked for in Telegram"))
    made = refunds.ask(order.id, amount_minor=amount, reason=reason, name=boss.name, receipt_id=receipt_id)
    paid_back = str(Money(made.amount_minor, made.currency))
    recorded(order, "order.refund_asked", {"amount": paid_back, "reason": reason})


@router.button("adback")
def paid_back_button(ctx: Context) -> None:
    """The boss has paid it back himself; he is asked once more."""
    order_id, refund_id = ctx.press.id(), ctx.press.id(1)
    if bossing.confirmed(ctx, 2):
        act(
            ctx,
            lambda order, boss: _paid_back(order, boss, refund_id),
            N_("Marked as paid back. The buyer is told."),
        )
        return
    with bossing.acting(ctx):
        order = the_order(ctx, order_id)
        found = next((one for one in payments.refunds_of(order.id) if one.id == refund_id), None)
        if found is None:
            raise ButtonExpired
        amount = ctx.place.money(found.amount_minor, found.currency)
        text = ctx.t(
            N_("You have paid %(amount)s of order %(code)s back yourself?\n\nThe buyer is told so at once."),
            amount=amount,
            code=order.code,
        )
    rows = [
        [Button(ctx.t(N_("☑️ Yes, I have paid it back")), data("adback", order_id, refund_id, bossing.YES))],
        [bossing.back(ctx, shop_alerts.ORDER_BUTTON, order_id)],
    ]
    ctx.show(text, Keyboard(rows))


def _paid_back(order: Order, boss: Boss, refund_id: int) -> None:
    lookup.get(order.id, lock=True)
    states = {one.id: one.state for one in payments.refunds_of(order.id)}
    if refund_id not in states:
        raise ButtonExpired
    if states[refund_id] is RefundState.DONE:
        raise Conflict(_CHANGED)
    refunds.mark_done(refund_id, boss.name)
    shop_alerts.settle_kind(order.tenant_id, [AlertKind.REFUND_FAILED], boss.name, order_id=order.id)
    recorded(order, "order.refund_done", {"refund": refund_id})


@router.button("adpaid")
def paid_button(ctx: Context) -> None:
    """A transfer that came in; he is asked once more, with the amount."""
    if len(ctx.press.arguments) > 1:
        payment_id = ctx.press.id(1)
        act(
            ctx,
            lambda order, boss: _confirm(order, boss, payment_id),
            N_("Marked as paid. The order goes on by itself."),
        )
        return
    with bossing.acting(ctx):
        page = _ask_transfer(ctx, the_order(ctx, ctx.press.id()))
    ctx.show(*page)


def _ask_transfer(ctx: Context, order: Order) -> tuple[str, Keyboard]:
    payment = boss_order.transfer_of(order)
    if payment is None:
        raise NothingToConfirm
    amount = ctx.place.money(payment.amount_minor, payment.currency)
    text = N_(
        "Has %(amount)s for order %(code)s come in?\n\nLook into your account first: as soon as you confirm, the order is"
        " delivered by itself."
    )
    rows = [
        [
            Button(
                ctx.t(N_("✅ Yes, %(amount)s is there"), amount=amount), data("adpaid", order.id, payment.id)
            )
        ],
        [bossing.back(ctx, shop_alerts.ORDER_BUTTON, order.id)],
    ]
    return ctx.t(text, amount=amount, code=order.code), Keyboard(rows)


def _confirm(order: Order, boss: Boss, payment_id: int) -> None:
    """Confirmed once: pressed again, the payment is paid and nothing happens."""
    transfer = boss_order.transfer_of(lookup.get(order.id, lock=True))
    if transfer is None or transfer.id != payment_id:
        raise NothingToConfirm
    transfers.confirm_transfer(payment_id, boss.name)
    shop_alerts.settle_kind(order.tenant_id, [AlertKind.TRANSFER_CLAIMED], boss.name, order_id=order.id)
