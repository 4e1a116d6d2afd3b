"""What PingPong's messages say: callbacks, and the content of its answers."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from app.core.errors import BadInput
from app.domain.money import Money, read_money
from app.domain.payments import MoneyStatus, Receipt
from app.domain.strict_json import Malformed, read_object
from app.gateways.payments.base import Notice, ProviderFailed, RefundAnswer

_STATUSES: Final[Mapping[str, MoneyStatus]] = {
    "INIT": MoneyStatus.PROCESSING,
    "PROCESSING": MoneyStatus.PROCESSING,
    "AUTH_SUCCESS": MoneyStatus.PROCESSING,
    "SUCCESS": MoneyStatus.SUCCESS,
    "FAILED": MoneyStatus.FAILED,
    "CANCEL": MoneyStatus.FAILED,
    "CLOSED": MoneyStatus.CLOSED,
}
# What the vendor's filter refuses or advises against in names and remarks.
_UNWANTED = re.compile(r"[<>`\\\"'{}\[\]:,&/();=%+\s\x00-\x1f]+")
MAX_NAME: Final = 60
_LONGEST_TIME: Final = 14
_LONGEST_KIND: Final = 100


def read(raw: bytes) -> Notice:
    """A callback, not yet believed. Raises Malformed."""
    envelope = read_object(raw)
    account, client = text_of(envelope, "accId"), text_of(envelope, "clientId")
    inner = envelope if "eventCode" in envelope else content_of(envelope)
    event = text_of(inner, "eventCode")
    if event:
        return _dispute(envelope, inner, event)
    kind, status = text_of(inner, "notifyType"), text_of(inner, "status")
    receipt = _refunded(inner) if kind == "REFUND" else receipt_of(inner)
    if not account or not client or not receipt.reference:
        raise Malformed("accId, clientId or merchantTransactionId is missing")
    _check_names(receipt)
    if kind not in {"RECHARGE", "REFUND"} or not status:
        raise Malformed("notifyType or status is missing")
    return Notice(envelope, account, client, f"{kind} {status}"[:_LONGEST_KIND], receipt)


def _dispute(envelope: Mapping[str, object], inner: Mapping[str, object], event: str) -> Notice:
    """The vendor's messages about disputes are flat, name no merchant beside the store, and call the order differently."""
    account = text_of(envelope, "accId")
    reference = text_of(inner, "merchantReference") or text_of(inner, "merchantTransactionId")
    if not account or not reference:
        raise Malformed("accId or merchantReference is missing")
    transaction = text_of(inner, "originalReference") or text_of(inner, "transactionId")
    receipt = Receipt(
        reference, MoneyStatus.PROCESSING, transaction, details={"event": event[:_LONGEST_KIND]}
    )
    _check_names(receipt)
    kind = f"DISPUTE {event}"[:_LONGEST_KIND]
    return Notice(envelope, account, text_of(envelope, "clientId"), kind, receipt, dispute=True)


def _check_names(receipt: Receipt) -> None:
    """Names of movements are keys with us. Raises Malformed for one that is none."""
    names = (receipt.reference, receipt.transaction, receipt.refund_reference, receipt.refund_transaction)
    if max(map(len, names)) > _LONGEST_KIND:
        raise Malformed("a name is too long")


def plain(text: str) -> str:
    """A name without the characters that PingPong refuses, and not too long."""
    return _UNWANTED.sub(" ", text).strip()[:MAX_NAME] or "order"


def receipt_of(inner: Mapping[str, object], transaction: str = "") -> Receipt:
    """What a message says of a payment; `transaction` where it names none itself."""
    return Receipt(
        text_of(inner, "merchantTransactionId"),
        _STATUSES.get(text_of(inner, "status").upper(), MoneyStatus.PROCESSING),
        text_of(inner, "transactionId") or transaction,
        _money(inner),
        at=_moment(inner.get("transactionEndTime") or inner.get("transactionTime")),
        details={name: text_of(inner, name) for name in ("resultCode", "requestId") if text_of(inner, name)},
    )


def _refunded(inner: Mapping[str, object]) -> Receipt:
    """A notice about a refund: what went back, or `failed` or `processing` with the refund's ids."""
    status = _STATUSES.get(text_of(inner, "status").upper(), MoneyStatus.PROCESSING)
    return Receipt(
        text_of(inner, "merchantTransactionId"),
        MoneyStatus.REFUNDED if status is MoneyStatus.SUCCESS else status,
        text_of(inner, "transactionId"),
        refunded=_money(inner),
        refund_reference=text_of(inner, "merchantRefundId") or text_of(inner, "refundId"),
        refund_transaction=text_of(inner, "refundId"),
        at=_moment(inner.get("refundEndingTime") or inner.get("refundTime")),
    )


def refund_answer(inner: Mapping[str, object], reference: str) -> RefundAnswer:
    """What an answer says of a refund. Raises ProviderFailed for an answer about another one."""
    if text_of(inner, "merchantRefundId") not in {"", reference}:
        raise ProviderFailed("the answer is about another refund")
    status = _STATUSES.get(text_of(inner, "status").upper(), MoneyStatus.PROCESSING)
    return RefundAnswer(status, text_of(inner, "refundId"), text_of(inner, "resultDescription")[:200])


def content_of(envelope: Mapping[str, object]) -> dict[str, object]:
    """The JSON inside an envelope. Raises Malformed."""
    content = envelope.get("bizContent")
    if not isinstance(content, str):
        raise Malformed("bizContent is no text")
    return read_object(content)


def text_of(fields: Mapping[str, object], name: str) -> str:
    """A field as text; "" where it is missing or no text. Ids may come as numbers."""
    value = fields.get(name)
    if type(value) is int:
        return str(value)
    return value if isinstance(value, str) else ""


def _money(inner: Mapping[str, object]) -> Money | None:
    """The amount, None where it is none: numbers as JSON has them are refused, since they may have been rounded."""
    amount, currency = inner.get("amount"), text_of(inner, "currency")
    try:
        return read_money(amount, currency) if isinstance(amount, str) else None
    except BadInput:
        return None


def _moment(value: object) -> datetime | None:
    """Milliseconds since 1970, as text or number."""
    text = str(value) if type(value) in {str, int} else ""
    if not text.isascii() or not text.isdecimal() or len(text) > _LONGEST_TIME:
        return None
    return datetime.fromtimestamp(int(text) / 1000, UTC)
