"""The end of orders that were not paid: after their time, or because the buyer changed his mind."""

from datetime import timedelta
from typing import Final

from sqlalchemy import exists, select

from app.core import clock
from app.core.db import db
from app.core.i18n import N_, translate
from app.domain.buttons import data
from app.domain.orders import Actor, OrderState
from app.domain.payments import PaymentState
from app.models import Order, Payment
from app.services import outbox
from app.services.orders import lookup, moves
from app.services.orders.errors import IllegalMove

BATCH: Final = 200
CLAIM_DAYS: Final = 3
"""An order whose buyer says that he has transferred the money waits so long for the boss's look."""
BUY: Final = "buy"
"""Data of the button that begins an order; its argument is the product's code."""
_EXPIRED: Final = N_(
    "⌛ Order %(code)s (%(product)s) was not paid in time and has expired. If you have paid already, you need not do"
    " anything: it goes on as soon as the money arrives."
)
_ORDER_AGAIN: Final = N_("🔁 Order again")


def is_payable(order: Order) -> bool:
    """Whether its buyer may still begin to pay it. Money that he sent before counts later too."""
    return order.state is OrderState.PENDING and order.expires_at > clock.now()


def expire_due(limit: int = BATCH) -> int:
    """Ends orders whose time is over, and frees their stock; those that somebody else works on wait for the next time.

    How many they were: as many as `limit` means that there may be more. For the system scope.
    """
    now = clock.now()
    claimed = exists().where(
        Payment.order_id == Order.id,
        Payment.state == PaymentState.OPEN,
        Payment.claimed_at > now - timedelta(days=CLAIM_DAYS),
    )
    query = (
        select(Order)
        .where(Order.state == OrderState.PENDING, Order.expires_at <= now, ~claimed)
        .order_by(Order.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Order)
        .execution_options(populate_existing=True)
    )
    due = list(db.session.scalars(query))
    # Always in one order, as whoever ends several orders locks their products.
    for order in sorted(due, key=lambda one: (one.product_id, one.id)):
        moves.move(order, OrderState.EXPIRED, actor=Actor.SWEEP, why="expired")
        _tell(order)
    return len(due)


def _tell(order: Order) -> None:
    """He learns it once; who cancelled it himself knows."""
    product = order.product
    words = translate(order.locale, _EXPIRED, code=order.code, product=product.get("name", ""))
    button = {
        "text": translate(order.locale, _ORDER_AGAIN),
        "callback_data": data(BUY, str(product.get("code", ""))),
    }
    payload: dict[str, object] = {"text": words, "reply_markup": {"inline_keyboard": [[button]]}}
    to = (order.tenant_id, order.bot_id, order.telegram_id)
    outbox.queue_message(*to, "sendMessage", payload, f"order:{order.id}:expired")


def cancel(order_id: int, name: str = "") -> Order:
    """The buyer does not want it any more, or the boss, whose `name` says so. Money that comes all the same is honoured.

    Raises IllegalMove, NotFound.
    """
    order = lookup.get(order_id, lock=True)
    if order.state is not OrderState.PENDING:
        raise IllegalMove(order.state)
    actor = Actor.STAFF if name else Actor.BUYER
    moves.move(order, OrderState.EXPIRED, actor=actor, why="cancelled", name=name)
    return order
