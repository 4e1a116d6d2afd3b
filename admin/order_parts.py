"""Words of the orders' pages, and which order a request means."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import request
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from admin.acts import row_id
from admin.guard import tenant_id
from app.core.errors import NotFound
from app.domain.orders import Actor, OrderState, Step, StepState
from app.domain.outbox import OutboxState
from app.domain.payments import MoneyStatus, PaymentState, Provider, RefundState, Verdict
from app.models import Order
from app.services.fulfilment import reasons
from app.services.orders import lookup, standing
from app.services.orders.standing import Standing

Words = Mapping[Any, tuple[str, Any]]
_TONES: Mapping[Standing, str] = {
    Standing.PENDING: "idle",
    Standing.CLAIMED: "warn",
    Standing.PAID: "info",
    Standing.LATER: "warn",
    Standing.GENERATING: "busy",
    Standing.BY_HAND: "warn",
    Standing.COMPLETED: "ok",
    Standing.EXPIRED: "idle",
    Standing.FAILED: "bad",
    Standing.REFUNDED: "warn",
}
STANDINGS: Words = {stands: (tone, _l(standing.WORDS[stands])) for stands, tone in _TONES.items()}
STATES: Words = {state: STANDINGS[Standing(state.value)] for state in OrderState}
WAYS: dict[Provider, Any] = {provider: _l(words) for provider, words in standing.WAYS.items()}
ACTORS: dict[str, Any] = {
    Actor.BUYER: _l("Buyer"),
    Actor.CALLBACK: _l("Payment provider"),
    Actor.RECONCILIATION: _l("Asked the provider"),
    Actor.STARS: "Telegram",
    Actor.STAFF: _l("Staff"),
    Actor.SWEEP: _l("By itself"),
    Actor.WORKER: _l("By itself"),
}
REASONS: dict[str, Any] = {code: _l(words) for code, words in reasons.REASONS.items()}
NEXT: dict[OrderState, Any] = {
    OrderState.PENDING: _l("Nothing to do: it is delivered by itself as soon as it is paid."),
    OrderState.PAID: _l("Nothing to do: it is taken up in a moment."),
    OrderState.GENERATING: _l("Nothing to do: it is being made and delivered."),
    OrderState.COMPLETED: _l("The buyer has everything."),
    OrderState.EXPIRED: _l("It was not paid. Money that comes all the same is honoured."),
    OrderState.FAILED: _l("It could not be delivered. Try again, or pay it back."),
    OrderState.REFUNDED: _l("The money went back. Nothing more is delivered."),
}
STEPS: dict[Step, Any] = {
    Step.CONFIRM: _l("Payment confirmed"),
    Step.CHART: _l("Birth chart"),
    Step.TEXT: _l("Words of the report"),
    Step.PDF: _l("Report as PDF"),
    Step.HANDOUT: _l("Handed out"),
    Step.DELIVERY: _l("Messages written"),
}
SOURCES: dict[str, Any] = {
    "yuanfenju": _l("Yuanfenju"),
    "deepseek": "DeepSeek",
    "pingpong": "PingPong",
    "built_in": _l("built in"),
    "nobody": _l("nobody needs to be asked"),
    "ledger": _l("credit ledger"),
    "outbox": _l("outbox"),
    "boss": _l("by hand"),
}
STEP_STATES: Words = {
    StepState.CALLING: ("busy", _l("Under way")),
    StepState.FAILED: ("bad", _l("Failed")),
    StepState.DONE: ("ok", _l("Done")),
}
PAYMENT_STATES: Words = {
    PaymentState.CREATING: ("busy", _l("Being made")),
    PaymentState.OPEN: ("info", _l("Can be paid")),
    PaymentState.PAID: ("ok", _l("Paid")),
    PaymentState.CLOSED: ("idle", _l("Payment closed")),
}
_REFUND_TONES: Mapping[RefundState, str] = {
    RefundState.QUEUED: "info",
    RefundState.SENDING: "busy",
    RefundState.BY_HAND: "warn",
    RefundState.DONE: "ok",
    RefundState.FAILED: "bad",
}
REFUND_STATES: Words = {state: (tone, _l(standing.REFUNDS[state])) for state, tone in _REFUND_TONES.items()}
MONEY: Words = {
    MoneyStatus.PROCESSING: ("info", _l("Being processed")),
    MoneyStatus.SUCCESS: ("ok", _l("Paid")),
    MoneyStatus.FAILED: ("bad", _l("Failed")),
    MoneyStatus.CLOSED: ("idle", _l("Payment closed")),
    MoneyStatus.REFUNDED: ("warn", _l("Refunded")),
    MoneyStatus.UNKNOWN: ("idle", _l("Not known there")),
}
VERDICTS: Words = {
    Verdict.ACCEPTED: ("ok", _l("Valid, taken in")),
    Verdict.REPEATED: ("idle", _l("Told before")),
    Verdict.NOTED: ("idle", _l("Noted, nothing to do")),
    Verdict.BAD_SIGNATURE: ("bad", _l("Wrong signature, refused")),
    Verdict.MALFORMED: ("bad", _l("Not readable, refused")),
    Verdict.WRONG_ACCOUNT: ("bad", _l("Another account, refused")),
    Verdict.UNKNOWN_PAYMENT: ("warn", _l("No payment of ours")),
    Verdict.AMOUNT_MISMATCH: ("bad", _l("Wrong amount or currency, not counted")),
    Verdict.PAID_TWICE: ("warn", _l("Paid twice, goes back")),
}
OUTBOX: Words = {
    OutboxState.QUEUED: ("info", _l("Waits")),
    OutboxState.SENDING: ("busy", _l("Being sent")),
    OutboxState.SENT: ("ok", _l("Delivered")),
    OutboxState.UNKNOWN: ("warn", _l("Unclear")),
    OutboxState.HELD: ("warn", _l("Waits for the bot")),
    OutboxState.DEAD: ("bad", _l("Failed")),
}


def chosen_order() -> Order:
    """The order that `id` names. NotFound for another tenant's, and where two are named."""
    ids = set(request.values.getlist("id"))
    if len(ids) != 1:
        raise NotFound
    order = lookup.get(row_id(ids.pop()))
    if order.tenant_id != tenant_id():
        raise NotFound
    return order


def state_of(order: Order, claimed_at: datetime | None = None) -> tuple[str, Any]:
    """Tone and words for how an order stands."""
    return STANDINGS[standing.standing_of(order, claimed_at)]


def reason_words(code: object) -> str:
    """Why an order waits or has failed; a code that nobody knows as it is."""
    return str(REASONS.get(str(code or ""), code or ""))


def who(actor: str, name: str) -> str:
    """Who did something to an order."""
    if not name:
        return str(ACTORS.get(actor, actor))
    return name if actor == Actor.STAFF else f"{ACTORS.get(actor, actor)} · {name}"


def told_by(text: str) -> str:
    """Who told of a receipt or asked for a refund, kept as `staff:Name`."""
    actor, _, name = text.partition(":")
    return who(actor, name)


def next_step(
    order: Order, claimed_at: datetime | None, *, mismatch: bool = False, disputed: bool = False
) -> str:
    """What happens next, or what is to be done.

    `mismatch` = money came in that was not what was asked for, `disputed` = credits are held because of a dispute.
    """
    stands = standing.standing_of(order, claimed_at)
    if stands is Standing.CLAIMED:
        return str(gettext("The buyer says that he has paid. Look into your account, then confirm it."))
    if stands is Standing.BY_HAND:
        return str(gettext("Deliver it to the buyer, then mark it as delivered."))
    if disputed and order.state is OrderState.COMPLETED:
        return str(
            gettext("The buyer disputes the payment at his bank. Say how it ended as soon as you know.")
        )
    if order.state in {OrderState.PAID, OrderState.FAILED} and order.error:
        return reason_words(order.error)
    if mismatch and order.state in {OrderState.PENDING, OrderState.EXPIRED}:
        return str(
            gettext(
                "The wrong amount came in and was not counted. Pay it back at the provider, or talk with the buyer."
            )
        )
    return str(NEXT[order.state])
