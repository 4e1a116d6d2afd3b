"""Commissions of orders: earned when an order is completed, taken back when it is refunded, each once."""

from collections.abc import Iterator

from sqlalchemy import select

from app.core.db import db
from app.domain.affiliates import EntryKind, PromoterState, read_commission
from app.models import CommissionEntry, Order, Promoter, PromoterAccount
from app.services.affiliates import telling
from app.services.affiliates.ledger import Change, post


def earn(order: Order) -> None:
    """Posts what a completed order brings its promoter and the one above him. Repeating it posts nothing more.

    Who is paused earns nothing. Accounts are locked from a promoter to the one above him, so nobody waits in a circle.
    """
    commission = read_commission(order.product.get("commission"))
    for level, promoter in _earners(order):
        amount = commission.of(order.value_minor, level)
        if amount and promoter.state is PromoterState.ACTIVE:
            _earn(order, promoter, level, amount)


def _earners(order: Order) -> Iterator[tuple[int, Promoter]]:
    """(level, promoter); nobody earns from what he buys himself."""
    next_id = order.promoter_id
    for level in (1, 2):
        promoter = db.session.get(Promoter, next_id) if next_id is not None else None
        if promoter is None:
            return
        if promoter.telegram_id != order.telegram_id:
            yield level, promoter
        next_id = promoter.parent_id


def _earn(order: Order, promoter: Promoter, level: int, amount: int) -> None:
    change = Change(
        promoter.id,
        order.value_currency,
        EntryKind.EARNED,
        amount,
        f"earn:{order.id}:{level}",
        order_id=order.id,
        level=level,
    )
    if post(order.tenant_id, change, overdraw=True) is not None:
        telling.earned(promoter, order, level, amount)


def reverse(order: Order) -> None:
    """Takes back exactly what a refunded order had brought. A balance may fall below zero; later earnings fill it up."""
    earned = db.session.execute(
        select(CommissionEntry, PromoterAccount.currency, Promoter)
        .join(PromoterAccount, PromoterAccount.id == CommissionEntry.account_id)
        .join(Promoter, Promoter.id == PromoterAccount.promoter_id)
        .where(
            CommissionEntry.tenant_id == order.tenant_id,
            CommissionEntry.order_id == order.id,
            CommissionEntry.kind == EntryKind.EARNED,
        )
        .order_by(CommissionEntry.level)
    ).all()
    for entry, currency, promoter in earned:
        change = Change(
            promoter.id,
            currency,
            EntryKind.REVERSED,
            -entry.amount,
            f"reverse:{order.id}:{entry.level}",
            order_id=order.id,
            level=entry.level,
        )
        if post(order.tenant_id, change, overdraw=True) is not None:
            telling.reversed_(promoter, order, entry.level or 1, entry.amount)
