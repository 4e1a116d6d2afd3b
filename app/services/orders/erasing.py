"""Erasing somebody from a tenant's orders: the books keep what was bought for how much, nothing else of him stays."""

from sqlalchemy import delete, select, text, update

from app.core.db import db
from app.domain.orders import Actor, OrderState, Step
from app.models import Order, OrderEvent, OrderForm, OrderStep, ProductVisit, Spending
from app.services.orders import contact, moves

_ABOUT_HIM = (Step.CHART, Step.TEXT, Step.PDF, Step.HANDOUT)
_NAMELESS = text("""
UPDATE orders SET telegram_id = -id, inputs = '{}'::jsonb, made_by = 'erased:' || id
WHERE tenant_id = :tenant_id AND telegram_id = :telegram_id
""")
_FILES = text("""
DELETE FROM stored_file f WHERE f.tenant_id = :tenant_id AND f.id = ANY(CAST(:files AS bigint[]))
  AND NOT EXISTS (SELECT FROM stock_item s WHERE s.file_id = f.id)
  AND NOT EXISTS (SELECT FROM order_step o WHERE o.file_id = f.id)
""")
# What a provider sent may name the payer; its digest still recognises repeats.
_CALLBACKS = text("""
UPDATE payment_event e SET raw = '' FROM payment p
WHERE p.id = e.payment_id AND p.order_id = ANY(CAST(:orders AS bigint[]))
""")


def erase(tenant_id: int, telegram_id: int) -> None:
    """Orders stay with the negative of their own id as the buyer; reports about him, his forms and his visits go.

    Needs `laoban.erasing`, without which an order's history only grows: what he wrote to the shop stands in it.

    What was not delivered yet ends: unpaid orders expire, paid ones fail, and the boss can only refund those.
    """
    him = (Order.tenant_id == tenant_id, Order.telegram_id == telegram_id)
    order_ids = list(db.session.scalars(select(Order.id).where(*him).order_by(Order.id).with_for_update()))
    _blank(tenant_id, order_ids)
    db.session.execute(_NAMELESS, {"tenant_id": tenant_id, "telegram_id": telegram_id})
    db.session.expire_all()
    for order in db.session.scalars(select(Order).where(Order.id.in_(order_ids)).order_by(Order.id)).all():
        if order.state is OrderState.PENDING:
            moves.move(order, OrderState.EXPIRED, actor=Actor.SWEEP, why="buyer_erased")
        moves.fail_erased(order)
    for table in (OrderForm, ProductVisit, Spending):
        db.session.execute(
            delete(table).where(table.tenant_id == tenant_id, table.telegram_id == telegram_id)
        )


def _blank(tenant_id: int, order_ids: list[int]) -> None:
    steps = (OrderStep.order_id.in_(order_ids), OrderStep.step.in_(_ABOUT_HIM))
    files = list(db.session.scalars(select(OrderStep.file_id).where(*steps, OrderStep.file_id.is_not(None))))
    db.session.execute(
        update(OrderStep)
        .where(*steps)
        .values(result={}, file_id=None)
        .execution_options(synchronize_session=False)
    )
    db.session.execute(_FILES, {"tenant_id": tenant_id, "files": files})
    db.session.execute(_CALLBACKS, {"orders": order_ids})
    said = (OrderEvent.order_id.in_(order_ids), OrderEvent.why == contact.MESSAGE)
    db.session.execute(delete(OrderEvent).where(*said).execution_options(synchronize_session=False))
