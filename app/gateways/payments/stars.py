"""Telegram Stars: the invoice that a bot sends, and what Telegram can be asked about the money. Stars have no parts."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from app.domain.money import STARS, Money
from app.domain.payments import MoneyStatus, Receipt
from app.gateways import telegram
from app.gateways.payments.base import (
    Made,
    ProviderFailed,
    ProviderRefused,
    RefundAnswer,
    RefundWish,
    Wish,
)
from app.gateways.telegram import TelegramFailed, TelegramRefused

MAX_TITLE: Final = 32
MAX_DESCRIPTION: Final = 255
MAX_STARS: Final = 10_000
PAGE: Final = 100
MAX_PAGES: Final = 20
_ALREADY: Final = "CHARGE_ALREADY_REFUNDED"
_UNAUTHORIZED: Final = frozenset({401, 404})


def invoice(title: str, description: str, reference: str, stars: int) -> dict[str, object]:
    """The parameters of `sendInvoice` or `createInvoiceLink`; `reference` comes back with the money."""
    return {
        "title": title[:MAX_TITLE] or "-",
        "description": description[:MAX_DESCRIPTION] or title[:MAX_DESCRIPTION] or "-",
        "payload": reference,
        "provider_token": "",
        "currency": STARS,
        "prices": [{"label": title[:MAX_TITLE] or "-", "amount": stars}],
    }


class Stars:
    """The Stars of one bot."""

    def __init__(self, token: str) -> None:
        self._token = token

    def create(self, wish: Wish) -> Made:
        """A link that opens the invoice, also outside of the chat."""
        params = invoice(wish.title, wish.remark, wish.reference, wish.amount.minor)
        try:
            return Made(telegram.create_invoice_link(self._token, params))
        except TelegramFailed as error:
            raise _failure(error) from None

    def query(self, reference: str, transaction: str = "") -> Receipt:
        """Looks through the newest 2,000 of the bot's transactions."""
        for one in self.transactions():
            # The newest comes first, so a refund, which has the id of its payment, is met before the payment.
            if one.reference == reference or (transaction and one.transaction == transaction):
                return one
        return Receipt(reference, MoneyStatus.UNKNOWN)

    def refund(self, wish: RefundWish) -> RefundAnswer:
        """Gives all Stars of a payment back; one that went back already counts as done."""
        try:
            telegram.refund_star_payment(self._token, wish.buyer, wish.transaction)
        except TelegramFailed as error:
            if _ALREADY in error.description.upper():
                return RefundAnswer(MoneyStatus.SUCCESS, wish.transaction)
            if isinstance(error, TelegramRefused) and error.code == 400:
                return RefundAnswer(MoneyStatus.FAILED, reason=error.description)
            raise _failure(error) from None
        return RefundAnswer(MoneyStatus.SUCCESS, wish.transaction)

    def query_refund(self, wish: RefundWish) -> RefundAnswer:
        """Telegram keeps one refund for each payment, and says so when it is asked for again."""
        for one in self.transactions():
            if one.status is MoneyStatus.REFUNDED and one.transaction == wish.transaction:
                return RefundAnswer(MoneyStatus.SUCCESS, wish.transaction)
        return RefundAnswer(MoneyStatus.UNKNOWN)

    def transactions(self) -> Iterator[Receipt]:
        """The bot's payments and refunds, the newest first, at most 2,000 movements back."""
        last = self._last_page()
        for page in range(last, max(-1, last - MAX_PAGES), -1):
            for one in reversed(self._page(page)):
                receipt = _receipt(one)
                if receipt is not None:
                    yield receipt

    def _last_page(self) -> int:
        """Telegram counts from the oldest and tells no total, so the end is looked for: doubling, then halving."""
        full, beyond = -1, 1
        while len(self._page(beyond)) == PAGE:
            full, beyond = beyond, beyond * 2
        while beyond - full > 1:
            middle = (full + beyond) // 2
            if self._page(middle):
                full = middle
            else:
                beyond = middle
        return max(full, 0) if not self._page(beyond) else beyond

    def _page(self, number: int) -> list[dict[str, object]]:
        try:
            return telegram.get_star_transactions(self._token, number * PAGE, PAGE)
        except TelegramFailed as error:
            raise _failure(error) from None


def _receipt(one: Mapping[str, object]) -> Receipt | None:
    """A payment of a user (source) or a refund to him (receiver); None for everything else."""
    amount, moment = one.get("amount"), one.get("date")
    number = abs(amount) if type(amount) is int else 0
    at = datetime.fromtimestamp(moment, UTC) if type(moment) is int else None
    charge = str(one.get("id", ""))
    source, receiver = one.get("source"), one.get("receiver")
    if isinstance(source, dict):
        reference = str(source.get("invoice_payload", ""))
        return (
            Receipt(reference, MoneyStatus.SUCCESS, charge, Money(number, STARS), at=at)
            if reference
            else None
        )
    if isinstance(receiver, dict) and receiver.get("type") == "user":
        return Receipt(
            str(receiver.get("invoice_payload", "")),
            MoneyStatus.REFUNDED,
            charge,
            refunded=Money(number, STARS),
            refund_transaction=charge,
            at=at,
        )
    return None


def _failure(error: TelegramFailed) -> ProviderFailed:
    if error.code in _UNAUTHORIZED:
        return ProviderRefused(str(error), key_bad=True)
    return ProviderRefused(str(error)) if error.code == 400 else ProviderFailed(str(error))
