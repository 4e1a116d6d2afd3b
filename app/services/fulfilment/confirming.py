"""Asking the provider whether the money is there, before anything is handed out."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from app.domain.orders import Step
from app.domain.payments import Receipt
from app.models import Order
from app.services.fulfilment import steps
from app.services.fulfilment.calls import Call, Ending, Signs, Write
from app.services.fulfilment.claims import Claimed
from app.services.fulfilment.errors import Hopeless, Later, Reason
from app.services.fulfilment.guarding import let_through
from app.services.orders import lookup
from app.services.payments import confirm
from app.services.payments.confirm import Mismatch, NotYet, Question
from app.services.products import stock
from app.services.products.errors import SoldOut


@dataclass(frozen=True, slots=True)
class ConfirmCall(Call):
    """The provider is asked."""

    step: ClassVar[Step] = Step.CONFIRM
    question: Question

    def make(self, signs: Signs) -> Write:  # noqa: ARG002 - it takes no time to speak of
        return partial(_hear, self.claimed, self.service, confirm.ask(self.question))


def prepare(order: Order, claimed: Claimed) -> Call | None:
    """The question to the provider; None when it was answered, or nobody can be asked."""
    if steps.find_done(order.id, Step.CONFIRM) is not None:
        return None
    question = confirm.question(order.id)
    if question is None:
        _settle(claimed, "")
        ending = _take(order)
        if ending is not None:
            raise ending
        return None
    service = order.provider.value
    let_through(claimed, service)
    steps.begin(claimed, Step.CONFIRM, service)
    return ConfirmCall(claimed, service, question)


def _hear(claimed: Claimed, service: str, receipt: Receipt) -> Ending:
    match confirm.judge(claimed.id, receipt):
        case NotYet():
            return Later(Reason.NOT_CONFIRMED)
        case Mismatch():
            return Hopeless(Reason.PAYMENT_MISMATCH)
    _settle(claimed, service)
    return _take(lookup.get(claimed.id))


def _settle(claimed: Claimed, service: str) -> None:
    steps.keep(claimed, Step.CONFIRM, steps.Result(service or "nobody"))


def _take(order: Order) -> Hopeless | None:
    """What was sold is his from now on. An order that was paid late may find nothing left."""
    try:
        stock.take(order)
    except SoldOut:
        return Hopeless(Reason.SOLD_OUT, refund=True)
    return None
