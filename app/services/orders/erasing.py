"""Erasing somebody from a tenant's orders: the books keep what was bought for how much, nothing else of him stays."""

from sqlalchemy import delete, select, text, update

from app.core.db import db
from app.domain.orders import Actor, OrderState, Step
from app.models import Order, OrderEvent, OrderForm, OrderStep, ProductVisit
from app.services.orders import moves
from app.services.orders.errors import BuyerErased

_ABOUT_HIM = (Step.CHART, Step.TEXT, Step.PDF)
_NAMELESS = text("""
UPDATE orders SET telegram_id = -id, inputs = '{}'::jsonb, made_by = 'erased:' || id
WHERE tenant_id = :tenant_id AND telegram_id = :telegram_id
""")
_FILES = text("""
DELETE FROM stored_file f WHERE f.tenant_id = :tenant_id AND f.id = ANY(CAST(:files AS bigint[]))
  AND NOT EXISTS (SELECT FROM stock_item s WHERE s.file_id = f.id)
  AND NOT EXISTS (SELECT FROM order_step o WHERE o.file_id = f.id)
""")


def erase(tenant_id: int, telegram_id: int) -> None:
    """Orders stay with the negative of their own id as the buyer; reports about him, his forms and his visits go.

    What was not delivered yet ends: unpaid orders expire, paid ones fail, and the boss can only refund those.
    """
    him = (Order.tenant_id == tenant_id, Order.telegram_id == telegram_id)
    for order in db.session.scalars(select(Order).where(*him).order_by(Order.id).with_for_update()).all():
        _end(order)
    _blank(tenant_id, [*db.session.scalars(select(Order.id).where(*him))])
    db.session.execute(_NAMELESS, {"tenant_id": tenant_id, "telegram_id": telegram_id})
    db.session.expire_all()
    for table in (OrderForm, ProductVisit):
        db.session.execute(
            delete(table).where(table.tenant_id == tenant_id, table.telegram_id == telegram_id)
        )


def _end(order: Order) -> None:
    if order.state is OrderState.PENDING:
        moves.move(order, OrderState.EXPIRED, actor=Actor.BUYER, why="erased")
    if order.state is OrderState.PAID:
        moves.move(order, OrderState.GENERATING, actor=Actor.BUYER, why="erased")
    if order.state is OrderState.GENERATING:
        # Whoever is at work on it finds his lease gone.
        moves.move(
            order,
            OrderState.FAILED,
            actor=Actor.BUYER,
            why="erased",
            lease_token=order.lease_token + 1,
            error=BuyerErased.code,
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
    db.session.execute(
        update(OrderEvent)
        .where(OrderEvent.order_id.in_(order_ids), OrderEvent.why == "message")
        .values(details={})
        .execution_options(synchronize_session=False)
    )
