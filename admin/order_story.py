"""An order's way from the first press to the delivery, put together for its page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import format_decimal, get_locale, gettext, ngettext
from flask_babel import lazy_gettext as _l

from admin.amounts import money
from admin.order_parts import REASONS, VERDICTS, WAYS, reason_words, who
from app.domain.form_answers import lines
from app.domain.orders import Step
from app.domain.payments import Provider
from app.models import Order, OrderEvent, OrderStep, OutgoingMessage, Payment, PaymentEvent, Refund
from app.services import outbox
from app.services.orders import lookup as orders
from app.services.payments import lookup as payments

EVENTS: dict[str, tuple[str, Any]] = {
    "created": ("", _l("Ordered")),
    "provider_changed": ("", _l("Another way of paying was chosen")),
    "transfer_claimed": ("warn", _l("The buyer says that he has transferred the money")),
    "paid": ("ok", _l("Paid")),
    "paid_late": ("warn", _l("Paid after its time; honoured")),
    "paid_again": ("", _l("The payment was confirmed once more")),
    "paid_twice": ("bad", _l("Paid twice; the second payment goes back")),
    "amount_mismatch": ("bad", _l("Money with a wrong amount or currency; not counted")),
    "transaction_reused": ("bad", _l("The same money was named for two payments; not counted")),
    "claimed": ("now", _l("Work began")),
    "waits": ("warn", _l("Work waits")),
    "handed_over": ("", _l("Handed over to another worker")),
    "lease_lost": ("warn", _l("The program stopped at work; another goes on")),
    "confirmed": ("ok", _l("The provider confirmed the payment")),
    "confirm_mismatch": ("bad", _l("The provider knows another amount")),
    "by_hand": ("warn", _l("Waits for delivery by hand")),
    "done_by_hand": ("ok", _l("Marked as delivered")),
    "delivering": ("", _l("Everything is made; being sent")),
    "copied": ("warn", _l("Sent once more as a message of its own")),
    "delivered": ("ok", _l("Delivered to the buyer")),
    "retry": ("", _l("Tried again")),
    "refund_asked": ("warn", _l("Refund begun")),
    "refund_done": ("ok", _l("Money paid back")),
    "refund_called_off": ("", _l("Refund by hand called off")),
    "refund_failed": ("bad", _l("Refund failed")),
    "credits_held": ("warn", _l("Bought credits are held")),
    "credits_let_go": ("ok", _l("The dispute was won, the credits are released")),
    "credits_taken_back": ("warn", _l("Bought credits were taken back")),
    "refund_refused": ("bad", _l("The refund could not begin")),
    "refund_mismatch": ("bad", _l("The provider tells of a refund that does not fit")),
    "refunded": ("warn", _l("Refunded")),
    "expired": ("", _l("Not paid, closed")),
    "cancelled": ("", _l("Cancelled")),
    "erased": ("bad", _l("The buyer's data was erased")),
    "disputed": ("bad", _l("The buyer disputes the payment at his bank")),
    "sent_again": ("", _l("Sent once more on request")),
    "message": ("", _l("The buyer writes")),
}
PARTS: dict[str, Any] = {
    "progress": _l("“Payment arrived”, then the progress"),
    "file": _l("What was ordered"),
    "copy": _l("What was ordered, sent anew"),
    "ready": _l("“Your order is complete”"),
    "late": _l("“It takes longer”"),
    "failed": _l("“It could not be delivered”"),
    "expired": _l("“Not paid, closed”"),
    "by_hand": _l("“The shop delivers in person”"),
    "pay": _l("How to pay"),
    "claimed": _l("“The shop checks the transfer”"),
    "refund": _l("“Your money went back”"),
    "again": _l("Sent once more on request"),
}
MOST_AGAIN = 20
"""Messages that one wish to have it again is looked for."""
HIDDEN = "••••"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline: when, its tone and title, details, and who it was."""

    at: datetime
    tone: str
    title: str
    details: str
    who: str


def timeline(
    events: Iterable[OrderEvent], callbacks: Iterable[PaymentEvent], *, open_words: bool
) -> list[Line]:
    """The history and the provider's callbacks in the order of time. `open_words` = buyers' own words may be read."""
    found = [_line(event, open_words=open_words) for event in events]
    found += [_callback(one) for one in callbacks]
    return sorted(found, key=lambda line: line.at)


def _line(event: OrderEvent, *, open_words: bool) -> Line:
    tone, title = EVENTS.get(event.why, ("bad" if event.why in REASONS else "", ""))
    if not title:
        title = gettext("Failed") if event.why in REASONS else event.why
    details = _details(event.why, event.details, open_words=open_words)
    return Line(event.at, tone, str(title), details, who(event.actor, event.actor_name))


def _callback(event: PaymentEvent) -> Line:
    tone, verdict = VERDICTS[event.verdict]
    said = f"{event.kind} · {verdict}" if event.kind else str(verdict)
    if event.times > 1:
        said += " · " + ngettext("%(num)s time", "%(num)s times", event.times)
    tone = tone if tone in {"ok", "warn", "bad"} else ""
    return Line(event.received_at, tone, str(gettext("Callback")), said, str(WAYS[event.provider]))


def _details(why: str, about: Mapping[str, Any], *, open_words: bool) -> str:
    if why == "message":
        return str(about.get("text", "")) if open_words else HIDDEN
    if why in REASONS and why not in EVENTS:
        return reason_words(why)
    if why == "claimed":
        return str(gettext("try %(number)s", number=about.get("attempt", 1)))
    parts = _sums(about)
    if about.get("reason") or about.get("error"):
        parts.append(reason_words(about.get("reason") or about.get("error")))
    if isinstance(seconds := about.get("seconds"), int):
        parts.append(str(gettext("again in %(minutes)s min", minutes=max(round(seconds / 60), 1))))
    if about.get("transaction"):
        parts.append(str(about["transaction"]))
    return " · ".join(parts)


def _sums(about: Mapping[str, Any]) -> list[str]:
    parts: list[str] = []
    if "amount" in about and "currency" in about:
        parts.append(money(int(about["amount"]), str(about["currency"])))
    if about.get("provider") in list(Provider):
        parts.append(str(WAYS[Provider(about["provider"])]))
    if "wanted" in about:
        got = about.get("received") or "?"
        parts.append(str(gettext("%(received)s instead of %(wanted)s", received=got, wanted=about["wanted"])))
    return parts + _credits(about)


def _credits(about: Mapping[str, Any]) -> list[str]:
    """How many of the bought credits were held, taken or released, and how many were gone."""
    words = {
        "held": gettext("%(number)s held"),
        "taken": gettext("%(number)s taken"),
        "let_go": gettext("%(number)s released"),
        "missing": gettext("%(number)s were spent already"),
    }
    return [
        str(said) % {"number": format_decimal(about[name])} for name, said in words.items() if about.get(name)
    ]


def callbacks_of(paid_by: Iterable[Payment]) -> list[PaymentEvent]:
    """What the provider told about an order's payments."""
    return list(payments.events_of([payment.id for payment in paid_by]))


def inputs_of(order: Order, *, open_words: bool) -> list[tuple[str, str]]:
    """(question, answer) as the buyer gave them, hidden from those who may only look."""
    found = lines(orders.questions_of(order), order.inputs, str(get_locale()))
    return found if open_words else [(question, HIDDEN) for question, _ in found]


def parts_of(
    order: Order,
    events: Iterable[OrderEvent],
    steps: Iterable[OrderStep],
    paid_by: Iterable[Payment],
    refunds: Iterable[Refund],
) -> list[tuple[str, OutgoingMessage]]:
    """(what it is, the row of the outbox) of every message about the order, the oldest first."""
    begin = f"order:{order.id}:"
    names = _of_turns(order, begin) | _of_steps(steps) | _of_wishes(events, begin)
    for payment in paid_by:
        names[f"{begin}pay:{payment.id}"] = "pay"
        names[f"{begin}pay:{payment.id}:claimed"] = "claimed"
    names |= {f"{begin}refund:{refund.id}": "refund" for refund in refunds}
    rows = outbox.list_by_keys(order.tenant_id, list(names))
    return [(_part(names[row.dedupe_key]), row) for row in sorted(rows, key=lambda row: row.id)]


def _part(name: str) -> str:
    return str(PARTS[name] if name in PARTS else gettext("Message %(number)s", number=name))


def _of_turns(order: Order, begin: str) -> dict[str, str]:
    kinds = ("progress", "file", "copy", "ready", "failed", "by_hand")
    names = {f"{begin}{kind}:{turn}": kind for turn in range(1, order.turn + 1) for kind in kinds}
    return names | {f"{begin}late": "late", f"{begin}expired": "expired"}


def _of_steps(steps: Iterable[OrderStep]) -> dict[str, str]:
    kept = [step.result.get("parts") for step in steps if step.step is Step.DELIVERY]
    keys = [key for one in kept if isinstance(one, list) for key in one]
    return {str(key): str(number) for number, key in enumerate(keys, start=1)}


def _of_wishes(events: Iterable[OrderEvent], begin: str) -> dict[str, str]:
    wishes = [event.details.get("key") for event in events if event.why == "sent_again"]
    return {f"{begin}again:{key}:{n}": "again" for key in wishes for n in range(1, MOST_AGAIN + 1)}
