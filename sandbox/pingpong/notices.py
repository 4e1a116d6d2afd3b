"""Notifications to merchants: what they say, and the ladder of attempts until one is taken."""

import asyncio
import random
import secrets
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from itertools import count
from typing import Any

import orjson

from sandbox.outbound import Client, NoAnswer
from sandbox.pingpong.book import HMAC_ACCOUNT, Account, Book, Charge, Payment, Refund, Switches
from sandbox.pingpong.checks import OK, WORDS
from sandbox.pingpong.currencies import six_decimals
from sandbox.pingpong.signatures import sign
from sandbox.settings import Settings
from sandbox.shapes import Json

LADDER = (5, 5, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800)
DISPUTE_LADDER = (5, 5, 5)
PATIENCE = 10.0
KEPT_ATTEMPTS = 20_000
OTHER_ACCOUNT = replace(HMAC_ACCOUNT, acc_id="990000000000000009001", scheme="salted-sha256")


@dataclass(slots=True)
class Notice:
    """One notification: where to, the code of the envelope, what is in it, and the waits between attempts.

    A flat one has its fields at the top, beside `sign`, instead of in `bizContent`.
    """

    account: Account
    url: str
    code: str
    biz: Json
    ladder: tuple[int, ...] = LADDER
    is_flat: bool = False


@dataclass(slots=True)
class Attempt:
    """One delivery and its end. `answer` is an HTTP status, 0 when there was none; `taken` ends the ladder."""

    number: int
    at: float
    url: str
    reference: str
    type: str
    status: str
    try_number: int
    answer: int
    answer_text: str
    taken: bool
    body: str


class Notifier:
    """Sends notices as the switches of their account say."""

    def __init__(self, book: Book, client: Client, settings: Settings) -> None:
        self._book = book
        self._client = client
        self._settings = settings
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = count(1)
        self.attempts: deque[Attempt] = deque(maxlen=KEPT_ATTEMPTS)
        self.held: list[Notice] = []

    def clear(self) -> None:
        """Stop all ladders and forget all attempts."""
        for task in self._tasks:
            task.cancel()
        self.attempts.clear()
        self.held.clear()

    def send(self, notice: Notice) -> None:
        """Send one, or don't, or hold it, as ordered."""
        switches = self._book.knobs.find(notice.account.acc_id)
        if not notice.url or switches.notify == "off":
            return
        if switches.hold:
            self.held.append(notice)
            return
        for _ in range(switches.copies):
            wait = switches.delay + random.uniform(0, switches.jitter)
            self.later(self._climb(notice, switches, wait))

    def release(self, order: str) -> int:
        """Send what was held, in the "sent", "reversed" or "shuffled" order, one after the other; returns how many."""
        notices, self.held = self.held, []
        if order == "reversed":
            notices.reverse()
        elif order == "shuffled":
            random.shuffle(notices)
        self.later(self._one_by_one(notices))
        return len(notices)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in the background, until it is done or everything is forgotten."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def under_way(self) -> int:
        """How many ladders still run."""
        return len(self._tasks)

    async def _one_by_one(self, notices: list[Notice]) -> None:
        for notice in notices:
            switches = self._book.knobs.find(notice.account.acc_id)
            for _ in range(switches.copies):
                await self._climb(notice, switches, 0)

    async def _climb(self, notice: Notice, switches: Switches, wait: float) -> None:
        """Try until it is taken or the ladder ends. The wire is made once: every attempt sends the same bytes."""
        if wait:
            await asyncio.sleep(wait)
        body = wire(notice, switches)
        for number, step in enumerate((*notice.ladder, None), 1):
            if await self._attempt(notice, body, number) or step is None:
                return
            await asyncio.sleep(step * self._settings.retry_scale)

    async def _attempt(self, notice: Notice, body: bytes, number: int) -> bool:
        try:
            answer = await self._client.post(notice.url, {"Accept": "application/json"}, body, PATIENCE)
            status, text = answer.status, answer.body[:200].decode("utf-8", "replace")
        except (NoAnswer, ValueError) as error:
            status, text = 0, str(error)
        taken = 200 <= status <= 299 and text.strip().upper() != "FAIL"
        self.attempts.append(
            Attempt(
                number=next(self._numbers), at=self._book.clock.now(), url=notice.url,
                reference=str(notice.biz.get("merchantTransactionId") or notice.biz.get("merchantReference", "")),
                type=str(notice.biz.get("notifyType") or notice.biz.get("eventCode", "")),
                status=str(notice.biz.get("status", "")), try_number=number, answer=status, answer_text=text,
                taken=taken, body=body.decode(),
            )
        )  # fmt: skip
        return taken

    def told(self, reference: str, after: int) -> list[Json]:
        """The attempts about one payment (or all), with a number above `after`, oldest first."""
        return [
            asdict(one) for one in self.attempts
            if one.number > after and (not reference or one.reference == reference)
        ]  # fmt: skip


def wire(notice: Notice, switches: Switches) -> bytes:
    """The signed envelope, spoilt as ordered."""
    biz = {
        **notice.biz,
        **({"amount": six_decimals(Decimal(switches.amount))} if switches.amount else {}),
        **({"currency": switches.currency} if switches.currency else {}),
    }
    account = OTHER_ACCOUNT if switches.account == "other" else notice.account
    if switches.sign == "hmac":
        account = replace(account, scheme="hmac-sha256")
    sign_type = "MD5" if switches.sign == "md5" else "SHA256"
    envelope: Json = {"accId": account.acc_id, "signType": sign_type, **biz}
    if not notice.is_flat:
        envelope = {
            "accId": account.acc_id, "clientId": account.client_id, "code": notice.code,
            "description": WORDS.get(notice.code, ""), "signType": sign_type, "bizContent": orjson.dumps(biz).decode(),
        }  # fmt: skip
    envelope = sign(account, envelope)
    if switches.sign == "wrong":
        envelope["sign"] = sign(replace(account, salt="NOT0THE0SALT"), envelope)["sign"]
    elif switches.sign == "missing":
        del envelope["sign"]
    return orjson.dumps(envelope)


def of_payment(account: Account, payment: Payment, charge: Charge, status: str = "") -> Notice:
    """What the merchant is told about a charge."""
    status = status or charge.status
    ended = charge.ended_at or payment.created_at
    biz: Json = {
        "amount": six_decimals(Decimal(payment.amount)), "currency": payment.currency,
        "merchantTransactionId": payment.reference, "transactionId": charge.transaction, "notifyType": "RECHARGE",
        "requestId": f"RQ-{secrets.token_hex(6)}", "status": status,
        "transactionTime": milliseconds(payment.created_at), "transactionEndTime": milliseconds(ended),
        "captureDelayHours": 0, "threeDSecure": "N", "paymentMethod": {"type": "scheme"},
    }  # fmt: skip
    if payment.remark:
        biz["remark"] = payment.remark
    code = {"SUCCESS": OK, "FAILED": charge.result_code or "301002", "CLOSED": "105000"}.get(status, "002000")
    return Notice(account, payment.notify_url, code, biz)


def of_closing(account: Account, payment: Payment) -> Notice:
    """What the merchant is told about a payment that closed; only where he gave an address for that."""
    return replace(of_payment(account, payment, payment.charges[-1], "CLOSED"), url=payment.close_notify_url)


def of_refund(account: Account, refund: Refund) -> Notice:
    """What the merchant is told about a refund that ended."""
    biz: Json = {
        "amount": six_decimals(Decimal(refund.amount)), "currency": refund.currency,
        "merchantTransactionId": refund.reference, "transactionId": refund.transaction,
        "merchantRefundId": refund.refund_reference, "refundId": refund.refund_id, "notifyType": "REFUND",
        "requestId": f"RQ-{secrets.token_hex(6)}", "status": refund.status,
        "refundTime": milliseconds(refund.started_at), "refundEndingTime": milliseconds(refund.ended_at),
    }  # fmt: skip
    return Notice(account, refund.notify_url, "303000" if refund.status == "FAILED" else OK, biz)


def of_dispute(account: Account, payment: Payment, event: str, now: float) -> Notice:
    """What the merchant is told when a payer's bank takes the payer's side, or decides: a flat message."""
    biz: Json = {
        "amount": payment.amount, "chargebackReasonCode": "10.4", "chargebackSchemeCode": "VISA",
        "chargebackStatus": "PENDING", "currency": payment.currency, "disputeType": "FRAUD", "eventCode": event,
        "eventDate": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now)), "merchantReference": payment.reference,
        "originalReference": payment.transaction, "paymentMethod": "VISA",
        "disputePspReference": f"{secrets.randbelow(10**15):018}", "reason": "Other Fraud",
    }  # fmt: skip
    return Notice(account, payment.notify_url, OK, biz, DISPUTE_LADDER, is_flat=True)


def milliseconds(moment: float) -> str:
    """As the vendor writes times."""
    return str(int(moment * 1000))
