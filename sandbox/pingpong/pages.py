"""The payment page: what the payer of a hosted payment sees."""

from decimal import Decimal
from typing import Any, Protocol

from sandbox.http import Request, Response
from sandbox.pingpong.book import FINAL, Payment
from sandbox.pingpong.desk import Desk, NotNow

SYMBOLS = {
    "CNY": "¥", "USD": "US$", "EUR": "€", "GBP": "£", "HKD": "HK$", "TWD": "NT$", "SGD": "S$", "JPY": "JP¥",
    "AUD": "A$", "CAD": "CA$", "KRW": "₩", "VND": "₫", "THB": "฿", "PHP": "₱", "MYR": "RM",
}  # fmt: skip


class Render(Protocol):
    """How pages are made from templates."""

    def __call__(self, request: Request, name: str, status: int = 200, **values: Any) -> Response:
        """A page."""


class PayPages:
    """Shows a payment and does what its buttons say."""

    def __init__(self, desk: Desk, render: Render) -> None:
        self._desk = desk
        self._render = render

    def handle(self, request: Request) -> Response:
        """The page at /pay/<token>, or a pressed button at /pay/<token>/<what>."""
        token, _, what = request.path.removeprefix("/pay/").partition("/")
        payment = self._desk.book.by_token(token)
        if payment is None:
            return self._render(request, "not_found.html", status=404)
        if request.method == "POST":
            return self._press(payment, what)
        if what or request.method not in {"GET", "HEAD"}:
            return self._render(request, "not_found.html", status=404)
        return self._render(
            request, "pay.html", payment=payment, shop=self._desk.account(payment).name, amount=shown(payment),
            is_final=payment.status in FINAL, times=sum(one.status == "SUCCESS" for one in payment.charges),
        )  # fmt: skip

    def _press(self, payment: Payment, what: str) -> Response:
        desk, here = self._desk, f"/pay/{payment.token}"
        acts = {"pay": desk.pay, "again": desk.pay_again, "decline": desk.decline, "close": desk.close}
        act = acts.get(what)
        if act is None:
            return Response(b"Not Found", 404, "text/plain")
        try:
            act(payment)
        except NotNow:
            # Somebody was faster on another page; what is shown now says so.
            return moved(here)
        ends = {"pay": payment.result_url, "again": payment.result_url, "close": payment.cancel_url}
        return moved(ends.get(what) or here)


def moved(place: str) -> Response:
    """Go and look there."""
    return Response(status=303, content_type="text/plain", headers={"Location": place})


def shown(payment: Payment) -> str:
    """The amount as payers read it."""
    digits = max(0, -int(Decimal(payment.amount).as_tuple().exponent))
    number = f"{Decimal(payment.amount):,.{digits}f}"
    symbol = SYMBOLS.get(payment.currency)
    return f"{symbol}{number}" if symbol else f"{number} {payment.currency}"
