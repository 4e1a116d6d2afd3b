"""The door for merchants: /pingpong/v4/…"""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import orjson

from sandbox.http import Request, Response
from sandbox.pingpong import checks
from sandbox.pingpong.book import FINAL, LINK_LIFE, Account, Charge, Payment, Refund, Switches, new_token
from sandbox.pingpong.checks import Unwilling, address_of, text_of
from sandbox.pingpong.currencies import six_decimals
from sandbox.pingpong.desk import Desk
from sandbox.pingpong.notices import milliseconds
from sandbox.pingpong.signatures import sign
from sandbox.shapes import Json

Answer = tuple[str, Json]
DOWN = Response(b"<html><body><h1>502 Bad Gateway</h1></body></html>", 502, "text/html")


class Api:
    """Answers merchants. Refusals come with HTTP 200, as the vendor's do."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._book = desk.book
        self._calls: dict[str, tuple[str, Callable[[Account, Json, str], Answer]]] = {
            "/pingpong/v4/payment/prePay": ("create", self._create),
            "/pingpong/v4/payment/query": ("query", self._query),
            "/pingpong/v4/payment/refund": ("refund", self._refund),
            "/pingpong/v4/refund/query": ("query", self._query_refund),
            "/pingpong/v4/payment/getRefund": ("query", self._query_refund),
        }

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """One call."""
        found = self._calls.get(request.path)
        if found is None:
            return Response(b'{"status":404,"error":"Not Found"}', 404)
        if request.method != "POST":
            return Response(b'{"status":405,"error":"Method Not Allowed"}', 405)
        if not request.headers.get("content-type", "").startswith("application/json"):
            return Response(b'{"status":415,"error":"Unsupported Media Type"}', 415)
        kind, call = found
        try:
            account, envelope, biz = checks.open_envelope(self._book, request.body)
        except Unwilling as error:
            return Response(orjson.dumps({"code": error.code, "description": error.text}))
        switches = self._book.knobs.find(account.acc_id)
        seconds, mode = trouble(switches, kind)
        work = self._work(account, envelope, biz, (call, mode), request.headers.get("host", ""))
        return later(work, seconds) if seconds else work()

    def _work(
        self,
        account: Account,
        envelope: Json,
        biz: Json,
        what: tuple[Callable[[Account, Json, str], Answer], str],
        host: str,
    ) -> Callable[[], Response]:
        call, mode = what

        def work() -> Response:
            if mode == "down":
                return DOWN
            if mode == "cut":
                return Response(status=0)
            try:
                code, answer = refuse() if mode == "refuse" else call(account, biz, host)
                text = checks.WORDS[code]
            except Unwilling as error:
                code, answer, text = error.code, {}, error.text
            return Response(orjson.dumps(sign(account, {
                "accId": account.acc_id, "clientId": account.client_id, "code": code, "description": text,
                "signType": envelope["signType"], "bizContent": orjson.dumps(answer).decode(),
            })))  # fmt: skip

        return work

    def _create(self, account: Account, biz: Json, host: str) -> Answer:
        reference = text_of(biz, "merchantTransactionId", 64)
        amount, currency = checks.money_of(biz)
        checks.refuse_bad_payer(biz)
        now = self._book.clock.now()
        fresh = Payment(
            account.acc_id, reference, new_token(), amount, currency, now, checks.closing_time(biz, now, LINK_LIFE),
            [Charge(self._book.new_transaction())],
            notify_url=address_of(biz, "notificationUrl", bare=True),
            close_notify_url=address_of(biz, "closeNotificationUrl", bare=True),
            result_url=address_of(biz, "payResultUrl"), cancel_url=address_of(biz, "payCancelUrl", needed=True),
            remark=text_of(biz, "remark", 255, needed=False), goods=goods_of(biz),
        )  # fmt: skip
        # The same id again leaves what is stored as it is, and answers with it.
        payment = self._book.find(account.acc_id, reference) or self._book.add(fresh)
        if payment.status in FINAL:
            raise Unwilling(checks.DUPLICATE)
        return checks.OK, {
            "transactionId": payment.transaction, "merchantTransactionId": reference, "amount": payment.amount,
            "currency": payment.currency, "paymentUrl": f"{self._desk.scheme}://{host}/pay/{payment.token}", "token": payment.token,
            "innerJsUrl": "",
        }  # fmt: skip

    def _query(self, account: Account, biz: Json, _host: str) -> Answer:
        reference = text_of(biz, "merchantTransactionId", 64, needed=False)
        transaction = text_of(biz, "transactionId", 64, needed=False)
        if not reference and not transaction:
            raise Unwilling(checks.BAD_PARAMETER, "merchantTransactionId")
        payment = self._book.find(account.acc_id, reference, transaction)
        if payment is None:
            raise Unwilling(checks.NOT_FOUND)
        charge = self._book.charge(payment, transaction) or payment.charges[0]
        status = payment.status if charge is payment.charges[0] else charge.status
        if self._book.knobs.find(account.acc_id).query == "processing":
            status = "PROCESSING"
        result = {"SUCCESS": checks.OK, "FAILED": charge.result_code, "CLOSED": checks.EXPIRED}.get(
            status, checks.PROCESSING
        )
        answer: Json = {
            "transactionId": charge.transaction, "merchantTransactionId": payment.reference,
            "amount": six_decimals(Decimal(payment.amount)), "currency": payment.currency, "status": status,
            "captureDelayHours": 0, "transactionTime": milliseconds(payment.created_at), "resultCode": result,
            "resultDescription": checks.WORDS[result],
        }  # fmt: skip
        if charge.ended_at and status != "PROCESSING":
            answer["transactionEndingTime"] = milliseconds(charge.ended_at)
        return checks.ACCEPTED, answer

    def _refund(self, account: Account, biz: Json, _host: str) -> Answer:
        reference = text_of(biz, "merchantTransactionId", 64)
        refund_reference = text_of(biz, "merchantRefundId", 64)
        amount, currency = checks.money_of(biz)
        notify_url = address_of(biz, "notificationUrl", bare=True)
        payment = self._book.find(account.acc_id, reference)
        if payment is None:
            raise Unwilling(checks.NO_ORIGINAL)
        known = self._book.refunds.get((account.acc_id, refund_reference))
        if known is None:
            self._refuse_refund(payment, Decimal(amount), currency)
            known = Refund(
                account.acc_id, reference, refund_reference, self._book.new_transaction(), payment.transaction, amount,
                currency, self._book.clock.now(), notify_url or payment.notify_url,
            )  # fmt: skip
            self._desk.start_refund(known)
        elif (known.reference, Decimal(known.amount), known.currency) != (
            reference,
            Decimal(amount),
            currency,
        ):
            raise Unwilling(checks.DUPLICATE)
        return refund_code(known), refund_answer(known)

    def _refuse_refund(self, payment: Payment, amount: Decimal, currency: str) -> None:
        if payment.status != "SUCCESS":
            raise Unwilling(checks.NOT_REFUNDABLE)
        if currency != payment.currency:
            raise Unwilling(checks.BAD_CURRENCY)
        if amount > Decimal(payment.amount):
            raise Unwilling(checks.ABOVE_ORIGINAL)
        if amount > self._desk.left(payment):
            raise Unwilling(checks.ABOVE_BALANCE)

    def _query_refund(self, account: Account, biz: Json, _host: str) -> Answer:
        reference = text_of(biz, "merchantTransactionId", 64)
        ours = text_of(biz, "merchantRefundId", 64, needed=False)
        theirs = text_of(biz, "refundId", 64, needed=False)
        if not ours and not theirs:
            raise Unwilling(checks.BAD_PARAMETER, "merchantRefundId")
        for refund in self._book.refunds.values():
            same = refund.acc_id == account.acc_id and refund.reference == reference
            if same and ours in {"", refund.refund_reference} and theirs in {"", refund.refund_id}:
                return checks.ACCEPTED, refund_answer(refund)
        raise Unwilling(checks.NOT_FOUND)


def refuse() -> Answer:
    """The answer to everything, when that was ordered; raises Unwilling."""
    raise Unwilling(checks.DISABLED)


def trouble(switches: Switches, kind: str) -> tuple[float, str]:
    """How long the answer is held back, and what it is."""
    return getattr(switches, f"{kind}_seconds"), getattr(switches, kind)


async def later(work: Callable[[], Response], seconds: float) -> Response:
    """Work whose answer is held back: what was asked for is done by then."""
    answer = work()
    await asyncio.sleep(seconds)
    return answer


def goods_of(biz: Json) -> str:
    """What the page says is sold; raises Unwilling for a list of something else."""
    goods = biz.get("goods") or []
    if not isinstance(goods, list) or not all(isinstance(one, dict) for one in goods):
        raise Unwilling(checks.BAD_PARAMETER, "goods")
    return "、".join(text_of(one, "name", 255) for one in goods)


def refund_code(refund: Refund) -> str:
    """The code of the envelope."""
    return checks.PROCESSING if refund.status == "PROCESSING" else checks.OK


def refund_answer(refund: Refund) -> Json:
    """A refund as answers tell it."""
    answer = {
        "merchantTransactionId": refund.reference, "transactionId": refund.transaction,
        "merchantRefundId": refund.refund_reference, "refundId": refund.refund_id,
        "amount": six_decimals(Decimal(refund.amount)), "currency": refund.currency, "status": refund.status,
        "refundTime": milliseconds(refund.started_at),
    }  # fmt: skip
    if refund.ended_at:
        answer["refundEndingTime"] = milliseconds(refund.ended_at)
    return answer
