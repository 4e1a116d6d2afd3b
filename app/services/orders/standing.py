"""How an order stands, in words for whoever runs the shop: finer than its state where that says what is to be done."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.core import clock
from app.core.i18n import N_
from app.domain.orders import OrderState, Phase
from app.domain.payments import Provider, RefundState
from app.models import Order


class Standing(StrEnum):
    """The states of an order, and three more: two that wait for the boss and one that waits for its time."""

    PENDING = "pending"
    CLAIMED = "claimed"
    PAID = "paid"
    LATER = "later"
    GENERATING = "generating"
    BY_HAND = "by_hand"
    COMPLETED = "completed"
    EXPIRED = "expired"
    FAILED = "failed"
    REFUNDED = "refunded"


WORDS: Final[Mapping[Standing, str]] = {
    Standing.PENDING: N_("Waits for payment"),
    Standing.CLAIMED: N_("Transfer to be checked"),
    Standing.PAID: N_("Paid, in line"),
    Standing.LATER: N_("Paid, tried again later"),
    Standing.GENERATING: N_("Being worked on"),
    Standing.BY_HAND: N_("Waits for you"),
    Standing.COMPLETED: N_("Completed"),
    Standing.EXPIRED: N_("Not paid, closed"),
    Standing.FAILED: N_("Failed"),
    Standing.REFUNDED: N_("Refunded"),
}
WAYS: Final[Mapping[Provider, str]] = {
    Provider.PINGPONG: N_("Card (PingPong)"),
    Provider.STARS: N_("Telegram Stars"),
    Provider.MANUAL: N_("Transfer by hand"),
}
REFUNDS: Final[Mapping[RefundState, str]] = {
    RefundState.QUEUED: N_("In line"),
    RefundState.SENDING: N_("Being paid back"),
    RefundState.BY_HAND: N_("To be paid back by you"),
    RefundState.DONE: N_("Paid back"),
    RefundState.FAILED: N_("Refused"),
}


def standing_of(order: Order, claimed_at: datetime | None = None) -> Standing:
    """`claimed_at` is when the buyer said that he has transferred the money."""
    if waits_for_hand(order):
        return Standing.BY_HAND
    if order.state is OrderState.PENDING and claimed_at is not None:
        return Standing.CLAIMED
    if order.state is OrderState.PAID and order.not_before is not None and order.not_before > clock.now():
        return Standing.LATER
    return Standing(order.state.value)


def waits_for_hand(order: Order) -> bool:
    """Whether the boss is to deliver it himself."""
    return order.state is OrderState.GENERATING and order.phase is Phase.BY_HAND
