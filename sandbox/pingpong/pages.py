"""The payment page: what the payer of a hosted payment sees."""

import re
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import quote

from sandbox.http import Request, Response
from sandbox.pingpong.book import Payment
from sandbox.pingpong.desk import Desk, NotNow

SYMBOLS = {
    "CNY": "¥", "USD": "US$", "EUR": "€", "GBP": "£", "HKD": "HK$", "TWD": "NT$", "SGD": "S$", "JPY": "JP¥",
    "AUD": "A$", "CAD": "CA$", "KRW": "₩", "VND": "₫", "THB": "฿", "PHP": "₱", "MYR": "RM",
}  # fmt: skip


# Telegram itself is not here: what leads to a bot leads to its chat, as the person who came from a chat.
BOT_LINK = re.compile(r"https?://(?:t|telegram)\.me/(\w{3,32}bot)(?:\?start=([\w-]*))?", re.IGNORECASE)
LINK_LETTERS = "%/:=&?~#+!$,;'@()*[]"
PERSON = re.compile(r"[?&]user=(\d{1,18})")


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
        person = person_of(request)
        if request.method == "POST":
            return self._press(payment, what, person)
        if what or request.method not in {"GET", "HEAD"}:
            return self._render(request, "not_found.html", status=404)
        return self._render(
            request, "pay.html", payment=payment, shop=self._desk.account(payment).name, amount=shown(payment),
            user=person, result_url=way_back(payment.result_url, person),
            cancel_url=way_back(payment.cancel_url, person), times=sum(one.status == "SUCCESS" for one in payment.charges),
        )  # fmt: skip

    def _press(self, payment: Payment, what: str, person: str) -> Response:
        desk, here = self._desk, f"/pay/{payment.token}" + (f"?user={person}" if person else "")
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
        return moved(way_back(ends.get(what, ""), person) or here)


def person_of(request: Request) -> str:
    """The id of the person who came from his chat, "" when nobody says so."""
    found = PERSON.search(f"?{request.query}") or PERSON.search(request.headers.get("referer", ""))
    return found[1] if found else ""


def way_back(url: str, person: str) -> str:
    """Where a shop's address leads from here."""
    found = BOT_LINK.fullmatch(url)
    if found is None:
        return url
    query = [f"start={found[2]}"] if found[2] else []
    query += [f"user={person}"] if person else []
    return f"/chat/{found[1]}" + (f"?{'&'.join(query)}" if query else "")


def moved(place: str) -> Response:
    """Go and look there."""
    return Response(
        status=303, content_type="text/plain", headers={"Location": quote(place, safe=LINK_LETTERS)}
    )


def shown(payment: Payment) -> str:
    """The amount as payers read it."""
    digits = max(0, -int(Decimal(payment.amount).as_tuple().exponent))
    number = f"{Decimal(payment.amount):,.{digits}f}"
    symbol = SYMBOLS.get(payment.currency)
    return f"{symbol}{number}" if symbol else f"{number} {payment.currency}"
