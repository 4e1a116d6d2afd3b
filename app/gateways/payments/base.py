"""What every payment provider can be asked for, and how it fails. Dataclasses in, dataclasses out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.core.errors import OutsideFailed
from app.core.i18n import N_
from app.domain.money import Money
from app.domain.payments import MoneyStatus, Receipt


class ProviderFailed(OutsideFailed):
    """A provider did not answer, or not as it should. Whether the call took effect is unknown.

    `code` is the provider's own, or a short word such as `timeout`.
    """

    code = "provider_failed"
    message = N_("The payment provider did not answer as it should.")

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class ProviderRefused(ProviderFailed):
    """The provider said no, and will say so again. `key_bad` = because of the account's ids, key or signature."""

    code = "provider_refused"
    retryable = False
    message = N_("The payment provider refused this.")

    def __init__(self, reason: str, *, key_bad: bool = False) -> None:
        super().__init__(reason)
        self.key_bad = key_bad


@dataclass(frozen=True, slots=True)
class Wish:
    """A payment that is to be made. `reference` is our id of it; the same for every try."""

    reference: str
    amount: Money
    title: str
    remark: str
    notify_url: str
    return_url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Made:
    """A payment that the provider made: where the buyer pays, and its id there."""

    url: str
    transaction: str = ""


@dataclass(frozen=True, slots=True)
class RefundWish:
    """Money that is to go back. `refund_reference` is our id of the refund; the same for every try."""

    reference: str
    transaction: str
    refund_reference: str
    amount: Money
    buyer: int
    notify_url: str = ""


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """SUCCESS, PROCESSING, FAILED, or UNKNOWN where the provider has no such refund."""

    status: MoneyStatus
    transaction: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A callback that can be read, but that is not yet believed. `envelope` is what its signature is over."""

    envelope: Mapping[str, object] = field(repr=False)
    account: str
    client: str
    kind: str
    receipt: Receipt
    dispute: bool = False


class Gateway(Protocol):
    """One account at a provider. Each call raises ProviderFailed or ProviderRefused."""

    def create(self, wish: Wish) -> Made:
        """Makes a payment; the same reference again gives the same payment."""

    def query(self, reference: str, transaction: str = "") -> Receipt:
        """What the provider knows of a payment."""

    def refund(self, wish: RefundWish) -> RefundAnswer:
        """Gives money back; the same reference again gives nothing twice."""

    def query_refund(self, wish: RefundWish) -> RefundAnswer:
        """What became of a refund."""


class Calling(Gateway, Protocol):
    """A provider that calls us back."""

    def read(self, raw: bytes) -> Notice:
        """Raises Malformed."""

    def verify(self, notice: Notice) -> bool:
        """Whether the account's secret signed it."""
