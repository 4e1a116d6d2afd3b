"""PingPong Checkout V4: card payments on a page of the vendor's, over its salted signature.

Every message is an envelope with JSON text in `bizContent`. The envelope's `code` says whether the request was taken,
the status inside what became of the money.
"""

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from app.domain.payments import MoneyStatus, Receipt
from app.domain.strict_json import Malformed, read_object
from app.gateways.payments import signing
from app.gateways.payments.base import (
    Made,
    Notice,
    ProviderFailed,
    ProviderRefused,
    RefundAnswer,
    RefundWish,
    Wish,
)
from app.gateways.payments.pingpong_messages import (
    content_of,
    plain,
    read,
    receipt_of,
    refund_answer,
    text_of,
)

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 20.0
MAX_ANSWER: Final = 256 * 1024
CREATE: Final = "/v4/payment/prePay"
QUERY: Final = "/v4/payment/query"
REFUND: Final = "/v4/payment/refund"
REFUND_QUERIES: Final = ("/v4/refund/query", "/v4/payment/getRefund")
"""The vendor's pages of different years name different paths; the second is asked where the first is not there."""
TAKEN: Final = frozenset({"000000", "001000", "002000"})
NOT_FOUND: Final = "107001"
DUPLICATE: Final = "107000"
_KEY_BAD: Final = ("101", "103000", "104000")
_REFUSED: Final = ("102", "105", "106", "107", "108", "109")
_ANY_ADDRESS: Final = "127.0.0.1"
"""The vendor asks for the payer's address, which Telegram tells nobody."""
_MISSING: Final = 404
_PAGE: Final = re.compile(r"[!-~]{1,2048}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A merchant's account, and how it signs."""

    client_id: str
    acc_id: str
    salt: str = field(repr=False)
    scheme: str


class PingPong:
    """One account at one host."""

    def __init__(self, credentials: Credentials, url: str) -> None:
        self._account = credentials
        self._url = url

    def create(self, wish: Wish) -> Made:
        """The page on which the buyer pays."""
        content: dict[str, object] = {
            "merchantTransactionId": wish.reference,
            "amount": str(wish.amount.decimal()),
            "currency": wish.amount.currency,
            "captureDelayHours": "0",
            "payResultUrl": wish.return_url,
            "payCancelUrl": wish.return_url,
            "shopperIP": _ANY_ADDRESS,
            "timeExpire": str(int(wish.expires_at.timestamp())),
            "remark": plain(wish.remark),
            "goods": [
                {"name": plain(wish.title), "number": "1", "unitPrice": str(wish.amount.decimal())},
            ],
        }
        if wish.notify_url:
            content["notificationUrl"] = wish.notify_url
        inner = self._inner(self._call(CREATE, content))
        if text_of(inner, "merchantTransactionId") != wish.reference:
            raise ProviderFailed("the answer names no page for this payment")
        return Made(page_of(text_of(inner, "paymentUrl"), self._url), text_of(inner, "transactionId"))

    def query(self, reference: str, transaction: str = "") -> Receipt:
        """What became of a payment; `unknown` where PingPong never heard of it."""
        answer = self._call(QUERY, {"merchantTransactionId": reference}, allowed=(NOT_FOUND,))
        if answer.get("code") == NOT_FOUND:
            return Receipt(reference, MoneyStatus.UNKNOWN)
        inner = self._inner(answer)
        if text_of(inner, "merchantTransactionId") not in {"", reference}:
            raise ProviderFailed("the answer is about another payment")
        return receipt_of({"merchantTransactionId": reference, **inner}, transaction)

    def refund(self, wish: RefundWish) -> RefundAnswer:
        """Gives money back. One that is known already is asked for."""
        content: dict[str, object] = {
            "merchantTransactionId": wish.reference,
            "merchantRefundId": wish.refund_reference,
            "amount": str(wish.amount.decimal()),
            "currency": wish.amount.currency,
        }
        if wish.notify_url:
            content["notificationUrl"] = wish.notify_url
        answer = self._call(REFUND, content, allowed=(DUPLICATE,))
        if answer.get("code") == DUPLICATE:
            return self.query_refund(wish)
        return refund_answer(self._inner(answer), wish.refund_reference)

    def query_refund(self, wish: RefundWish) -> RefundAnswer:
        """What became of a refund; `unknown` where there is no such one."""
        content: dict[str, object] = {
            "merchantTransactionId": wish.reference,
            "merchantRefundId": wish.refund_reference,
        }
        for path in REFUND_QUERIES:
            answer = self._call(path, content, allowed=(NOT_FOUND,), may_miss=path != REFUND_QUERIES[-1])
            if answer.get("code") == NOT_FOUND:
                return RefundAnswer(MoneyStatus.UNKNOWN)
            if answer:
                return refund_answer(self._inner(answer), wish.refund_reference)
        return RefundAnswer(MoneyStatus.UNKNOWN)

    def verify(self, notice: Notice) -> bool:
        """Whether this account's salt signed it."""
        return signing.is_signed(self._account.scheme, self._account.salt, notice.envelope)

    def check(self) -> None:
        """Asks for a payment that is nobody's: raises ProviderRefused where the account or its salt are wrong."""
        self.query("CONNECTION-TEST")

    def _call(
        self,
        path: str,
        content: Mapping[str, object],
        *,
        allowed: tuple[str, ...] = (),
        may_miss: bool = False,
    ) -> dict[str, object]:
        """The answer's envelope; empty where `may_miss` and there is no such path. Raises ProviderFailed."""
        fields: dict[str, object] = {
            "accId": self._account.acc_id,
            "clientId": self._account.client_id,
            "signType": signing.SIGN_TYPE,
            "version": "1.0",
            "bizContent": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
        }
        fields["sign"] = signing.sign(self._account.scheme, self._account.salt, fields)
        status, body = _post(f"{self._url}{path}", json.dumps(fields, ensure_ascii=False).encode())
        if status == _MISSING and may_miss:
            return {}
        return self._checked(status, body, allowed)

    def _checked(self, status: int, body: bytes, allowed: tuple[str, ...]) -> dict[str, object]:
        try:
            answer = read_object(body)
        except Malformed:
            raise ProviderFailed(f"HTTP {status} without an answer of PingPong") from None
        code = text_of(answer, "code")
        if code not in TAKEN and code not in allowed:
            raise _failure(code or f"HTTP {status}", text_of(answer, "description"))
        signed = signing.is_signed(self._account.scheme, self._account.salt, answer)
        if "sign" in answer and not signed:
            raise ProviderFailed("the answer's signature is wrong")
        if text_of(answer, "accId") not in {"", self._account.acc_id}:
            raise ProviderFailed("the answer is for another account")
        return answer

    @staticmethod
    def _inner(answer: Mapping[str, object]) -> dict[str, object]:
        try:
            return content_of(answer)
        except Malformed as error:
            raise ProviderFailed(f"the answer has no content: {error}") from None


def page_of(url: str, host: str) -> str:
    """The page where a buyer pays, as it becomes his button: https, or a page of the very `host` that we call, which
    is how the sandbox has it. Raises ProviderFailed.
    """
    try:
        page, ours = urlsplit(url), urlsplit(host)
        safe = page.scheme == "https" or (page.scheme, page.netloc) == (ours.scheme, ours.netloc)
        if safe and page.hostname and "@" not in page.netloc and _PAGE.fullmatch(url):
            return url
    except ValueError:
        pass
    raise ProviderFailed("the answer names no page for this payment")


def _failure(code: str, description: str) -> ProviderFailed:
    reason = f"{code} {description}".strip()[:200]
    if code.startswith(_KEY_BAD):
        return ProviderRefused(reason, key_bad=True)
    return ProviderRefused(reason) if code.startswith(_REFUSED) else ProviderFailed(reason)


_local = threading.local()


def _session() -> requests.Session:
    """One for each thread: the library does not promise that threads may share one."""
    session: requests.Session | None = getattr(_local, "session", None)
    if session is None:
        session = _local.session = requests.Session()
        session.trust_env = False
    return session


def _post(url: str, body: bytes) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    try:
        with _session().post(
            url,
            data=body,
            headers=headers,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,
            stream=True,
        ) as response:
            read = response.raw.read(MAX_ANSWER + 1, decode_content=True)
            status = response.status_code
    except (requests.RequestException, HTTPError, OSError) as error:
        # The library's own text may hold addresses and parts of messages.
        raise ProviderFailed(type(error).__name__) from None
    if len(read) > MAX_ANSWER:
        raise ProviderFailed("the answer is too long")
    return status, read


__all__ = ["Credentials", "PingPong", "read"]
