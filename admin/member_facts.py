"""What the page of one member shows: his talks with bots, orders, credits and lotteries."""

from typing import Any, Final

from sqlalchemy import select

from admin.amounts import money
from admin.guard import tenant_id
from admin.lottery_parts import STATES, WINNER_STATES
from admin.order_parts import state_of
from app.core.db import db
from app.domain.members import profile_link
from app.models import CreditAccount, Member
from app.services import members
from app.services.lotteries import lookup
from app.services.orders import listing
from app.services.orders.listing import Wanted

LATEST_ORDERS: Final = 5


def facts_of(member: Member) -> dict[str, Any]:
    """The page's values."""
    orders = listing.page(tenant_id(), Wanted(telegram_id=member.telegram_id), size=LATEST_ORDERS)
    return {
        "model": member,
        "talks": members.talks(member),
        "orders": orders[:LATEST_ORDERS],
        "more_orders": len(orders) > LATEST_ORDERS,
        "account": _account(member.telegram_id),
        "entries": lookup.latest_entries(tenant_id(), member.telegram_id),
        "lottery_states": STATES,
        "winner_states": WINNER_STATES,
        "profile": profile_link(member.username),
        "state_of": state_of,
        "money": money,
    }


def _account(telegram_id: int) -> CreditAccount | None:
    return db.session.scalar(
        select(CreditAccount).where(
            CreditAccount.tenant_id == tenant_id(), CreditAccount.telegram_id == telegram_id
        )
    )
