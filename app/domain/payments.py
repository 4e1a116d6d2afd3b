"""Rules of payments: providers, states, what a provider tells, and when to ask it by ourselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.domain.money import Money

QUERY_AFTER: Final = (
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=60),
)
QUERY_EVERY: Final = timedelta(hours=1)
QUERY_UNTIL: Final = timedelta(hours=24)
"""A payment that nobody told us about is asked for at these times after it was created."""


class Provider(StrEnum):
    """Who takes the money."""

    PINGPONG = "pingpong"
    STARS = "stars"
    MANUAL = "manual"


class Service(StrEnum):
    """Outside services that a tenant may have a key of his own for."""

    PINGPONG = "pingpong"
    MANUAL = "manual"
    YUANFENJU = "yuanfenju"
    DEEPSEEK = "deepseek"


class PaymentState(StrEnum):
    """creating -> open -> paid | closed; closed -> paid when money comes late."""

    CREATING = "creating"
    OPEN = "open"
    PAID = "paid"
    CLOSED = "closed"


class MoneyStatus(StrEnum):
    """What a provider says of the money. `FAILED` is not final: the payer may try again and succeed."""

    PROCESSING = "processing"
    SUCCESS = "success"
    FAILED = "failed"
    CLOSED = "closed"
    REFUNDED = "refunded"
    UNKNOWN = "unknown"
    """The provider does not know this payment."""


class Verdict(StrEnum):
    """What became of a callback."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    NOTED = "noted"
    """Right, and nothing to do: still processing, failed for now, closed."""
    BAD_SIGNATURE = "bad_signature"
    MALFORMED = "malformed"
    WRONG_ACCOUNT = "wrong_account"
    UNKNOWN_PAYMENT = "unknown_payment"
    AMOUNT_MISMATCH = "amount_mismatch"
    PAID_TWICE = "paid_twice"


class RefundState(StrEnum):
    """queued -> sending -> done | failed; by_hand = the boss pays it back himself and marks it."""

    QUEUED = "queued"
    SENDING = "sending"
    BY_HAND = "by_hand"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider says of one payment, by callback or when asked.

    `reference` is our id of the payment, `transaction` the provider's own id of the money's movement ("" where there
    is none yet). `refunded` is what the message says was given back, in the payment's currency.
    """

    reference: str
    status: MoneyStatus
    transaction: str = ""
    amount: Money | None = None
    refunded: Money | None = None
    refund_reference: str = ""
    """Our id of the refund, where the message is about one that we asked for."""
    refund_transaction: str = ""
    """The provider's id of the refund."""
    at: datetime | None = None
    details: Mapping[str, object] = field(default_factory=dict)


def next_query(created_at: datetime, now: datetime) -> datetime | None:
    """When to ask the provider next; None when it is not asked any more."""
    age = now - created_at
    if age >= QUERY_UNTIL:
        return None
    for after in QUERY_AFTER:
        if age < after:
            return created_at + after
    return min(now + QUERY_EVERY, created_at + QUERY_UNTIL)


class Difference(StrEnum):
    """How a provider and we differ about a payment."""

    NONE = ""
    UNPAID_HERE = "unpaid_here"
    UNKNOWN_THERE = "unknown_there"
    AMOUNT = "amount"
    REFUNDED_THERE = "refunded_there"
    NOT_REFUNDED_THERE = "not_refunded_there"


class Settlement(StrEnum):
    """What the boss does about a difference."""

    MARK_PAID = "mark_paid"
    """The money is there: the order goes on."""
    REFUND = "refund"
    """Give it back."""
    MARK_REFUNDED = "mark_refunded"
    """It went back already, in the provider's own pages."""
    ACCEPT = "accept"
    """Leave it as it is."""


SETTLEMENTS: Final[Mapping[Difference, tuple[Settlement, ...]]] = {
    Difference.NONE: (),
    Difference.UNPAID_HERE: (Settlement.MARK_PAID, Settlement.REFUND, Settlement.ACCEPT),
    Difference.UNKNOWN_THERE: (Settlement.ACCEPT,),
    Difference.AMOUNT: (Settlement.ACCEPT,),
    Difference.REFUNDED_THERE: (Settlement.MARK_REFUNDED, Settlement.ACCEPT),
    Difference.NOT_REFUNDED_THERE: (Settlement.ACCEPT,),
}
"""What may be done about each; the first is the button that stands out."""


def difference_of(
    theirs: MoneyStatus, theirs_minor: int | None, received: int, refunded: int, *, refunds_known: bool = True
) -> Difference:
    """Compares what the provider says with what we hold; amounts in minor units.

    `refunds_known` = the provider knows of every refund that we hold for done.
    """
    if theirs is MoneyStatus.REFUNDED:
        return Difference.NONE if refunded else Difference.REFUNDED_THERE
    if theirs is not MoneyStatus.SUCCESS:
        return Difference.UNKNOWN_THERE if received else Difference.NONE
    if not received:
        return Difference.UNPAID_HERE
    if theirs_minor is not None and theirs_minor != received:
        return Difference.AMOUNT
    return Difference.NONE if refunds_known else Difference.NOT_REFUNDED_THERE
