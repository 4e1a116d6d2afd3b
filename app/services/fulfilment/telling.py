"""Messages to a buyer about the way of his order; each has a key of its own and is written once."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from sqlalchemy import TextClause, select, text

from app.core import clock
from app.core.db import db
from app.domain.orders import NOTE_AFTER_MINUTES
from app.models import Order
from app.services import outbox
from app.services.fulfilment.errors import Reason
from app.services.fulfilment.wording import HTML, words_of

BATCH: Final = 200
PLAIN: Final[dict[str, object]] = {"parse_mode": HTML, "link_preview_options": {"is_disabled": True}}

_BEGUN = text("""
UPDATE orders SET told_turn = turn WHERE id = ANY(CAST(:ids AS bigint[])) AND told_turn < turn RETURNING id
""")
_UNTOLD = text("""
UPDATE orders SET told_turn = turn WHERE id = ANY(ARRAY(
    SELECT id FROM orders WHERE state = 'paid' AND told_turn < turn ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED
)) RETURNING id
""")
_UNNOTED = text("""
UPDATE orders SET noted_at = :now WHERE id = ANY(ARRAY(
    SELECT id FROM orders WHERE state IN ('paid', 'generating') AND noted_at IS NULL AND paid_at < :before
      AND phase IS DISTINCT FROM 'by_hand' AND phase IS DISTINCT FROM 'delivering'
    ORDER BY paid_at, id LIMIT :most FOR UPDATE SKIP LOCKED
)) RETURNING id
""")


def progress_key(order_id: int, turn: int) -> str:
    """The key of the message that says that it begins, shows how far it is, and becomes the report in the end."""
    return f"order:{order_id}:progress:{turn}"


def begun(order_ids: Collection[int]) -> None:
    """The payment has arrived; said once per turn."""
    for order in _changed(_BEGUN, ids=list(order_ids)):
        _send(order, words_of(order).begun(), progress_key(order.id, order.turn))


def begun_some(most: int = BATCH) -> int:
    """Tells buyers whose orders wait for a worker that their payment has arrived."""
    orders = _changed(_UNTOLD, most=most)
    for order in orders:
        _send(order, words_of(order).begun(), progress_key(order.id, order.turn))
    return len(orders)


def late_some(most: int = BATCH) -> int:
    """Tells buyers who have waited for long, once, that it takes longer.

    Not where only Telegram holds up what is made: the note would come behind it.
    """
    now = clock.now()
    before = now - timedelta(minutes=NOTE_AFTER_MINUTES)
    orders = _changed(_UNNOTED, most=most, now=now, before=before)
    for order in orders:
        _send(order, words_of(order).late(), f"order:{order.id}:late")
    return len(orders)


def failed(order: Order, reason: Reason, *, refund: bool) -> None:
    """It could not be delivered; said once per turn."""
    _send(order, words_of(order).failed(reason, refund=refund), f"order:{order.id}:failed:{order.turn}")


def edit_progress(order: Order, said: str, key: str) -> None:
    """Changes the progress message for good."""
    payload = {**PLAIN, "text": said, "message_of": progress_key(order.id, order.turn)}
    outbox.queue_message(order.tenant_id, order.bot_id, order.telegram_id, "editMessageText", payload, key)


def say(order: Order, said: str, key: str) -> None:
    """A message of its own."""
    _send(order, said, key)


def _send(order: Order, said: str, key: str) -> None:
    # With the order's id it outlasts any outage of Telegram's.
    payload = {**PLAIN, "text": said, "order_id": order.id}
    outbox.queue_message(order.tenant_id, order.bot_id, order.telegram_id, "sendMessage", payload, key)


def _changed(statement: TextClause, **values: object) -> list[Order]:
    ids = db.session.execute(statement, values).scalars().all()
    if not ids:
        return []
    query = select(Order).where(Order.id.in_(ids)).order_by(Order.paid_at, Order.id)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))
