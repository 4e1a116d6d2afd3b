"""The way of a claimed order: what each kind of product needs, step by step.

A worker asks for the next call, makes it between two transactions, and has its answer written down. Where no call is
left, the order was handed to the outbox or to the boss in the same transaction.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from app.core import clock
from app.core.errors import OutsideFailed
from app.domain.credits import ORDER
from app.domain.orders import Actor, Phase, Step
from app.domain.products import ProductKind
from app.domain.services import ServiceFailed
from app.domain.shop_alerts import AlertKind
from app.gateways.payments.base import ProviderRefused
from app.models import Order
from app.services import credits as ledger
from app.services import shop_alerts
from app.services.fulfilment import bazi, claims, confirming, delivery, guarding, outcome, steps, telling
from app.services.fulfilment.calls import Call, Ending, Write
from app.services.fulfilment.claims import Claimed
from app.services.fulfilment.errors import Later, Reason
from app.services.fulfilment.wording import words_of
from app.services.orders import moves

log = logging.getLogger(__name__)
Prepare = Callable[[Order, Claimed], Call | None]


def next_call(claimed: Claimed) -> Call | None:
    """What is to be asked outside next; None when the worker's part has ended.

    Raises LeaseLost, Later and Hopeless.
    """
    order = claims.hold(claimed)
    for prepare in (confirming.prepare, *_WAYS[claimed.kind]):
        call = prepare(order, claimed)
        if call is not None:
            return call
    return None


def keep(call: Call, write: Write) -> Ending:
    """A call was answered; what is written stays, also where that ends the work. Raises LeaseLost."""
    claims.hold(call.claimed)
    if steps.find_done(call.claimed.id, call.step) is not None:
        # It was committed before, and only the answer to that was lost.
        return None
    if call.service:
        guarding.answered(call.claimed, call.service)
    return write()


def missed(call: Call, error: Exception) -> None:
    """A call failed: the order waits, or has failed. Raises LeaseLost."""
    usage = error.usage if isinstance(error, ServiceFailed) else {}
    call.miss(str(error) or type(error).__name__, usage)
    outcome.postpone(call.claimed, _what_follows(call, error))


def _what_follows(call: Call, error: Exception) -> Later:
    if isinstance(error, Later):
        return error
    if not call.service or not isinstance(error, OutsideFailed):
        return Later(Reason.BROKEN)
    if isinstance(error, ServiceFailed) and error.permanent:
        return guarding.refused(call.claimed, call.service, error.reason)
    if isinstance(error, ProviderRefused) and error.key_bad:
        return guarding.refused(call.claimed, call.service, error.reason)
    return guarding.failed(call.claimed, call.service, str(error))


def _deliver(order: Order, claimed: Claimed) -> None:
    """Everything is there."""
    delivery.start(order, claimed)


def _post_credits(order: Order, claimed: Claimed) -> None:
    """Adds what was bought to the buyer's account; the reference lets it be added once."""
    if steps.find_done(order.id, Step.HANDOUT) is not None:
        return
    options = order.product["options"]
    amount = int(str(options["credits"])) if isinstance(options, dict) else 0
    name = order.product_name
    ledger.post(
        order.tenant_id, order.telegram_id, amount, source=ORDER, reference=f"order:{order.id}", reason=name
    )
    steps.keep(claimed, Step.HANDOUT, steps.Result("ledger", {"amount": amount}))


def _hand_to_boss(order: Order, claimed: Claimed) -> None:  # noqa: ARG001 - has the shape of all of them
    """The boss does the rest; whenever he is ready."""
    order.phase, order.lease_until, order.error = Phase.BY_HAND, None, None
    order.noted_at = order.noted_at or clock.now()
    moves.note(order, "by_hand", Actor.WORKER)
    telling.edit_progress(order, words_of(order).by_hand(), f"order:{order.id}:by_hand:{order.turn}")
    shop_alerts.raise_alert(
        order.tenant_id, AlertKind.MANUAL_ORDER, f"manual_order:{order.id}:{order.turn}", order_id=order.id
    )


_WAYS: Final[Mapping[ProductKind, tuple[Prepare, ...]]] = {
    ProductKind.BAZI_REPORT: (bazi.prepare_chart, bazi.prepare_text, bazi.prepare_pdf, _deliver),
    ProductKind.DIGITAL_GOODS: (_deliver,),
    ProductKind.CREDITS: (_post_credits, _deliver),
    ProductKind.MANUAL: (_hand_to_boss,),
}
