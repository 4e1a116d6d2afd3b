"""Everything that an order's page shows."""

from typing import Any

from sqlalchemy import select

from admin import order_parts, order_story
from admin.amounts import money
from admin.guard import viewer
from admin.lottery_parts import person
from app.core.db import db
from app.core.ids import one_time_code
from app.domain.orders import OrderState, is_erased
from app.domain.payments import Provider, RefundState
from app.domain.people import Role
from app.models import Bot, Member, Order, Product, Promoter
from app.services.fulfilment import steps
from app.services.orders import lookup, taking_back
from app.services.orders.standing import waits_for_hand
from app.services.payments import lookup as payments

READS = Role.SUPPORT
"""From this role on, a buyer's own words are shown."""


def facts_of(order: Order) -> dict[str, Any]:
    """For the page and for its live part."""
    open_words = viewer().may(READS)
    found, done = payments.payments_of(order.id), steps.list_all(order.id)
    receipts, refunds = payments.receipts_of(order.id), payments.refunds_of(order.id)
    events, product = lookup.history(order.id), db.session.get(Product, order.product_id)
    claimed_at, held = payments.claimed_at(found), taking_back.find_held(order)
    disputed = held is not None and held.is_open
    member = db.session.scalar(
        select(Member).where(Member.tenant_id == order.tenant_id, Member.telegram_id == order.telegram_id)
    )
    return {
        "order": order,
        "product": product,
        "bot": db.session.get(Bot, order.bot_id),
        "member": member,
        "buyer": person(member, order.telegram_id),
        "promoter": db.session.get(Promoter, order.promoter_id) if order.promoter_id else None,
        "state": order_parts.state_of(order, claimed_at),
        "next_step": order_parts.next_step(
            order,
            claimed_at,
            mismatch=any(event.why == "amount_mismatch" for event in events),
            disputed=disputed,
        ),
        "held": held if disputed else None,
        "may_end_dispute": disputed and viewer().may(Role.MANAGER),
        "claimed_at": claimed_at,
        "timeline": order_story.timeline(events, order_story.callbacks_of(found), open_words=open_words),
        "steps": done,
        "cost": sum(step.cost_micro for step in done) / 1_000_000,
        "payments": found,
        "receipts": receipts,
        "refunds": refunds,
        "inputs": order_story.inputs_of(order, open_words=open_words),
        "open_words": open_words,
        "parts": order_story.parts_of(order, events, done, found, refunds),
        "words": order_parts,
        "money": money,
        "again": one_time_code(),
        **_acts(order, found, receipts, refunds),
    }


def _acts(order: Order, found: Any, receipts: Any, refunds: Any) -> dict[str, bool]:
    """What the viewer may do with the order as it stands."""
    runs, helps = viewer().may(Role.MANAGER), viewer().may(Role.SUPPORT)
    erased = is_erased(order.telegram_id)
    unpaid = order.state in {OrderState.PENDING, OrderState.EXPIRED}
    return {
        "may_retry": helps and order.state is OrderState.FAILED and not erased,
        "may_mark_paid": runs
        and unpaid
        and not erased
        and any(one.provider is Provider.MANUAL for one in found),
        "may_refund": runs and any(one.refunded_minor < one.amount_minor for one in receipts),
        "may_settle_refund": runs and any(one.state is RefundState.BY_HAND for one in refunds),
        "may_resend": helps and order.state is OrderState.COMPLETED and not erased,
        "may_deliver": helps and waits_for_hand(order),
        "may_cancel": helps and order.state is OrderState.PENDING,
    }
