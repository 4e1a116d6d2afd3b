"""What requests must look like. Stricter than the vendor is known to be wherever his pages state a rule."""

import ipaddress
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import orjson

from sandbox.pingpong.book import Account, Book
from sandbox.pingpong.currencies import decimals, read_amount
from sandbox.pingpong.signatures import is_right
from sandbox.shapes import Json

OK, ACCEPTED, PROCESSING = "000000", "001000", "002000"
DISABLED, BAD_PARAMETER, BAD_AUTH, BAD_SIGNATURE, EXPIRED = "101000", "102000", "103000", "104000", "105000"
BAD_CURRENCY, DUPLICATE, NOT_FOUND, NO_ORIGINAL = "106000", "107000", "107001", "107002"
ABOVE_ORIGINAL, NOT_REFUNDABLE, ABOVE_BALANCE = "108000", "108001", "108003"
GATEWAY = "500000"
WORDS = {
    OK: "Transaction succeeded",
    ACCEPTED: "Successful request",
    PROCESSING: "Transaction processing",
    DISABLED: "Merchant is disabled",
    BAD_PARAMETER: "Invalid or missing parameter",
    BAD_AUTH: "Invalid authentication",
    BAD_SIGNATURE: "Invalid signature",
    EXPIRED: "Invalid or expired transaction",
    BAD_CURRENCY: "Invalid transaction currency",
    DUPLICATE: "Transaction failed (duplicated Transaction)",
    NOT_FOUND: "Transaction failed (transaction does not exist)",
    NO_ORIGINAL: "Transaction failed (original transaction does not exist)",
    ABOVE_ORIGINAL: "Refund failed (refund amount exceeded original transaction)",
    NOT_REFUNDABLE: "Refund failed (out of the range)",
    ABOVE_BALANCE: "Refund failed (refund amount exceeded refund balance)",
    GATEWAY: "Error on the internal gateway",
    "301002": "Transaction declined (Do not honor)",
    "303000": "Refund failed(refund volume exceeded or tx reversed or invalid workflow)",
}
TOP = ("accId", "clientId", "signType", "sign", "version", "bizContent")


@dataclass(slots=True)
class Unwilling(Exception):
    """A refusal: one of the codes above, with a word about what was wrong."""

    code: str
    detail: str = ""

    @property
    def text(self) -> str:
        """As `description` says it."""
        return WORDS[self.code] + (f": {self.detail}" if self.detail else "")


def open_envelope(book: Book, body: bytes) -> tuple[Account, Json, Json]:
    """The account that asks, the envelope and what is in it; raises Unwilling."""
    if b"<" in body or b">" in body:
        raise Unwilling(BAD_PARAMETER, "illegal characters")
    envelope = read_object(body)
    for name in TOP:
        if not isinstance(envelope.get(name), str) or not envelope[name]:
            raise Unwilling(BAD_PARAMETER, name)
    if envelope["version"] != "1.0":
        raise Unwilling(BAD_PARAMETER, "version")
    account = book.accounts.get(envelope["accId"])
    if account is None or account.client_id != envelope["clientId"]:
        raise Unwilling(BAD_AUTH)
    if any(isinstance(value, dict | list) for value in envelope.values()) or not is_right(account, envelope):
        raise Unwilling(BAD_SIGNATURE)
    return account, envelope, read_object(envelope["bizContent"].encode())


def read_object(text: bytes) -> Json:
    """A JSON object; raises Unwilling."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Unwilling(BAD_PARAMETER, "JSON") from None
    if not isinstance(found, dict):
        raise Unwilling(BAD_PARAMETER, "JSON")
    return found


def text_of(biz: Json, name: str, longest: int, *, needed: bool = True) -> str:
    """A text field; raises Unwilling."""
    value = biz.get(name)
    if value in {None, ""} and not needed:
        return ""
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise Unwilling(BAD_PARAMETER, name)
    return value


def address_of(biz: Json, name: str, *, needed: bool = False, bare: bool = False) -> str:
    """A web address; a `bare` one has no query string. Raises Unwilling.

    The vendor wants a host that can be reached from outside; here any will do.
    """
    value = text_of(biz, name, 255, needed=needed)
    if not value:
        return ""
    parts = urlsplit(value)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or (bare and (parts.query or "#" in value))
    ):
        raise Unwilling(BAD_PARAMETER, name)
    return value


def money_of(biz: Json) -> tuple[str, str]:
    """Amount and currency as they were written; raises Unwilling."""
    currency = text_of(biz, "currency", 3)
    if decimals(currency) is None:
        raise Unwilling(BAD_CURRENCY)
    if read_amount(biz.get("amount"), currency) is None:
        raise Unwilling(BAD_PARAMETER, "amount")
    return cast("str", biz["amount"]), currency


def refuse_bad_payer(biz: Json) -> None:
    """Raise Unwilling unless the payer's address is one, and the money is wanted at once."""
    try:
        ipaddress.ip_address(text_of(biz, "shopperIP", 128))
    except ValueError:
        raise Unwilling(BAD_PARAMETER, "shopperIP") from None
    # -1 is a capture by hand, which nothing here asks for.
    if biz.get("captureDelayHours") not in (0, "0") or isinstance(biz["captureDelayHours"], bool):
        raise Unwilling(BAD_PARAMETER, "captureDelayHours")


def closing_time(biz: Json, now: float, longest: float) -> float:
    """When the payment closes: `timeExpire`, else when its link ends; raises Unwilling."""
    text = text_of(biz, "timeExpire", 10, needed=False)
    if not text:
        return now + longest
    if not text.isascii() or not text.isdigit() or int(text) <= now:
        raise Unwilling(BAD_PARAMETER, "timeExpire")
    return min(float(text), now + longest)
