"""A merchant of PingPong, written from the contract and not from the sandbox: asks, and hears notifications."""

import hashlib
import hmac
import json
import time
from typing import Any

import requests

from tests.sandbox_client import PINGPONG_ACCOUNT, Json, Sandbox

ORDER = {
    "captureDelayHours": "0", "amount": "19.90", "currency": "USD", "payResultUrl": "https://pay.example.test/done",
    "payCancelUrl": "https://pay.example.test/cancel", "shopperIP": "203.0.113.7", "remark": "A1",
    "goods": [{"name": "八字报告"}],
}  # fmt: skip


def canonical(envelope: Json) -> str:
    return "&".join(f"{key}={envelope[key]}" for key in sorted(envelope) if key != "sign" and envelope[key])


def signature(salt: str, envelope: Json, way: str = "salted-sha256") -> str:
    text = canonical(envelope)
    if way == "hmac-sha256":
        return hmac.new(salt.encode(), text.encode(), "sha256").hexdigest().upper()
    name = "md5" if way == "md5" else "sha256"
    return hashlib.new(name, (salt + text).encode()).hexdigest().upper()


class Merchant:
    def __init__(self, sandbox: Sandbox, notify_url: str = "", account: Json | None = None) -> None:
        self.sandbox = sandbox
        self.notify_url = notify_url
        self.account = account or PINGPONG_ACCOUNT
        self.way = "salted-sha256"

    def envelope(self, biz: Json, **changes: Any) -> Json:
        """A signed envelope; `changes` go in before signing."""
        envelope = {
            "accId": self.account["acc_id"], "clientId": self.account["client_id"], "signType": "SHA256",
            "version": "1.0", "bizContent": json.dumps(biz), **changes,
        }  # fmt: skip
        return {**envelope, "sign": signature(self.account["salt"], envelope, self.way)}

    def post(self, path: str, envelope: Json) -> Json:
        answer = requests.post(f"{self.sandbox.pingpong_url}{path}", json=envelope, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, path: str, biz: Json, **changes: Any) -> tuple[str, Json]:
        """The code and what is in the answer, whose signature is checked where there is one."""
        told = self.post(path, self.envelope(biz, **changes))
        if "sign" not in told:
            return told["code"], {}
        assert told["sign"] == signature(self.account["salt"], told, self.way)
        return told["code"], json.loads(told["bizContent"])

    def create(self, reference: str = "ORD-1", **changes: Any) -> tuple[str, Json]:
        biz = {**ORDER, "merchantTransactionId": reference, **changes}
        if self.notify_url:
            biz["notificationUrl"] = self.notify_url
        return self.ask("/v4/payment/prePay", biz)

    def query(self, reference: str = "ORD-1", **more: Any) -> tuple[str, Json]:
        return self.ask("/v4/payment/query", {"merchantTransactionId": reference, **more})

    def refund(
        self, reference: str = "ORD-1", amount: str = "19.90", ours: str = "REF-1", **more: Any
    ) -> Any:
        biz = {
            "merchantTransactionId": reference,
            "merchantRefundId": ours,
            "amount": amount,
            "currency": "USD",
        }
        return self.ask("/v4/payment/refund", {**biz, **more})

    def query_refund(self, reference: str = "ORD-1", ours: str = "REF-1") -> tuple[str, Json]:
        return self.ask("/v4/refund/query", {"merchantTransactionId": reference, "merchantRefundId": ours})


def in_an_hour() -> str:
    return str(int(time.time()) + 3600)
