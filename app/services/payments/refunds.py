"""Giving money back: reserved on the receipt first, so that never more goes back than came in, then sent until it is clear
what became of it. An order is refunded when all of its accepted receipt is on its way back.
"""

import secrets

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.queue import TaskName, enqueue
from app.domain.money import Money, shown_money
from app.domain.orders import Actor, OrderState
from app.domain.payments import Provider, Receipt, RefundState
from app.domain.shop_alerts import AlertKind
from app.models import Order, PaymentReceipt, Refund
from app.services.orders import lookup as orders
from app.services.orders import moves
from app.services.payments import lookup, messages
from app.services.payments.errors import NotByHand, NothingReceived, RefundTooLarge, RefundWholeOnly
from app.services.shop_alerts import raise_alert

# Reserved in the same statement that looks whether it fits.
_RESERVE = text("""
UPDATE payment_receipt SET refunded_minor = refunded_minor + :amount
WHERE id = :id AND refunded_minor + :amount <= amount_minor RETURNING id
""")
_UNRESERVE = text("UPDATE payment_receipt SET refunded_minor = refunded_minor - :amount WHERE id = :id")


def ask(
    order_id: int,
    *,
    amount_minor: int | None = None,
    reason: str,
    name: str = "",
    receipt_id: int | None = None,
    actor: Actor | None = None,
    by_hand: bool = False,
    key: str = "",
) -> Refund:
    """Writes a refund down and has it sent. Without an amount, all that is left of the receipt; without a receipt, the
    one that the order was paid with. `name` is who of the staff asked; without one it is the program. `by_hand` = the boss
    pays it back himself and marks it, without the provider. The same `key` again is the same refund.

    An order that is not completed yet and is paid back as a whole becomes `refunded` at once, so that nothing is
    delivered any more; a completed one when the money is back. Raises NothingReceived, RefundTooLarge, RefundWholeOnly.
    """
    order = orders.get(order_id, lock=True)
    actor = actor or (Actor.STAFF if name else Actor.WORKER)
    reference = f"{order.code}-R{key or secrets.token_hex(4)}"
    known = db.session.scalar(
        select(Refund).where(Refund.order_id == order.id, Refund.reference == reference)
    )
    if known is not None:
        return known
    receipt = _receipt(order, receipt_id)
    amount = _amount(order, receipt, amount_minor)
    _reserve(order, receipt, amount)
    refund = _write(receipt, reference, amount, (reason[:300], _who(actor, name)), by_hand=by_hand)
    details = {"amount": amount, "currency": receipt.currency, "refund": refund.id, "reason": reason[:300]}
    moves.note(order, "refund_asked", actor, name=name, details=details)
    if order.state is not OrderState.COMPLETED:
        _leave(order, receipt, actor, name)
    if refund.state is RefundState.QUEUED:
        enqueue(TaskName.PAYMENTS_REFUND, refund.id)
    return refund


def _amount(order: Order, receipt: PaymentReceipt, wanted: int | None) -> int:
    """How much goes back. Raises RefundTooLarge, RefundWholeOnly."""
    left = receipt.amount_minor - receipt.refunded_minor
    amount = left if wanted is None else wanted
    if amount <= 0 or amount > left:
        raise RefundTooLarge(left=shown_money(left, receipt.currency, order.locale))
    if receipt.provider is Provider.STARS and amount != receipt.amount_minor:
        raise RefundWholeOnly
    return amount


def _write(
    receipt: PaymentReceipt, reference: str, amount: int, wish: tuple[str, str], *, by_hand: bool
) -> Refund:
    """`wish` = why, and who asked."""
    reason, who = wish
    refund = Refund(
        tenant_id=receipt.tenant_id,
        order_id=receipt.order_id,
        receipt_id=receipt.id,
        reference=reference,
        amount_minor=amount,
        currency=receipt.currency,
        state=RefundState.BY_HAND if by_hand or _by_hand(receipt) else RefundState.QUEUED,
        reason=reason,
        asked_by=who,
    )
    db.session.add(refund)
    db.session.flush()
    return refund


def _who(actor: Actor, name: str) -> str:
    return f"{actor.value}:{name}" if name else actor.value


def mark_done(refund_id: int, name: str) -> Refund:
    """The boss has paid it back himself. Raises NotByHand for one that is sent by us."""
    refund = get(refund_id)
    order = orders.get(refund.order_id, lock=True)
    refund = get(refund_id, lock=True)
    if refund.state is RefundState.DONE:
        return refund
    if refund.state is not RefundState.BY_HAND:
        raise NotByHand
    finish(order, refund, Actor.STAFF, name=name)
    return refund


def call_off(refund_id: int, name: str) -> Refund:
    """The boss will not pay it back by hand after all: the money counts as his again.

    Raises NotByHand, also where the order has ended as refunded: its buyer was told so.
    """
    order = orders.get(get(refund_id).order_id, lock=True)
    refund = get(refund_id, lock=True)
    if refund.state is not RefundState.BY_HAND or order.state is OrderState.REFUNDED:
        raise NotByHand
    refund.state, refund.error = RefundState.FAILED, "called off"
    _unreserve(refund)
    moves.note(order, "refund_called_off", Actor.STAFF, name=name, details={"refund": refund.id})
    return refund


def get(refund_id: int, *, lock: bool = False) -> Refund:
    """Raises NotFound. Whoever locks a refund holds its order's lock already."""
    query = select(Refund).where(Refund.id == refund_id).execution_options(populate_existing=lock)
    refund = db.session.scalar(query.with_for_update() if lock else query)
    if refund is None:
        raise NotFound
    return refund


def finish(order: Order, refund: Refund, actor: Actor, *, name: str = "", transaction: str = "") -> None:
    """The money is back; the caller holds both locks."""
    refund.state, refund.done_at, refund.error, refund.lease_until = RefundState.DONE, clock.now(), None, None
    refund.transaction = transaction or refund.transaction
    db.session.flush()
    details = {"amount": refund.amount_minor, "currency": refund.currency, "refund": refund.id}
    moves.note(order, "refund_done", actor, name=name, details=details)
    receipt = db.session.get_one(PaymentReceipt, refund.receipt_id, populate_existing=True)
    if _given_back(receipt) == receipt.amount_minor:
        _leave(order, receipt, actor, name)
    messages.tell_refunded(order, refund)


def give_up(order: Order, refund: Refund, reason: str, *, refused: bool) -> None:
    """It can't be sent. `refused` = the provider said so, and the money may be asked back anew; else nobody knows what
    became of it, so it stays reserved and a person has to look.
    """
    refund.error, refund.lease_until = reason[:300], None
    refund.state = RefundState.FAILED if refused else RefundState.BY_HAND
    if refused:
        _unreserve(refund)
    moves.note(order, "refund_failed", Actor.WORKER, details={"refund": refund.id, "reason": reason[:300]})
    details: dict[str, object] = {"refund": refund.id, "reason": reason[:300]}
    raise_alert(
        order.tenant_id,
        AlertKind.REFUND_FAILED,
        f"refund_failed:{refund.id}",
        order_id=order.id,
        details=details,
    )


def hear(order: Order, receipt: PaymentReceipt, told: Receipt, actor: Actor) -> bool:
    """A provider says that money went back, by our wish or by somebody's in its own pages; False when that is known.

    The caller holds the order's lock.
    """
    named = Refund.reference == told.refund_reference
    # Stars go back as a whole and without a name of ours, so it is the one that there is.
    is_it = Refund.state.is_not(None) if receipt.provider is Provider.STARS else named
    of_it = select(Refund).where(Refund.receipt_id == receipt.id, is_it).order_by(Refund.id.desc()).limit(1)
    ours = db.session.scalar(of_it)
    if ours is not None:
        ours = get(ours.id, lock=True)
        if ours.state is RefundState.DONE:
            return False
        if ours.state is RefundState.FAILED and not _reserve_again(order, receipt, ours, actor):
            return False
        finish(order, ours, actor, transaction=told.refund_transaction)
        return True
    return _hear_theirs(order, receipt, told, actor)


def _reserve_again(order: Order, receipt: PaymentReceipt, refund: Refund, actor: Actor) -> bool:
    """A refund that we held for refused went out after all. False where the money was given back another way meanwhile:
    then it went back twice, which a person has to settle.
    """
    left = receipt.amount_minor - receipt.refunded_minor
    if refund.amount_minor <= left:
        _reserve(order, receipt, refund.amount_minor)
        return True
    _mismatch(order, refund.reference, str(Money(refund.amount_minor, refund.currency)), left, actor)
    return False


def _mismatch(order: Order, reference: str, refunded: str, left: int, actor: Actor) -> None:
    details: dict[str, object] = {"refunded": refunded, "left": left}
    moves.note(order, "refund_mismatch", actor, details=details)
    key = f"refund_mismatch:{reference}"
    raise_alert(order.tenant_id, AlertKind.AMOUNT_MISMATCH, key, order_id=order.id, details=details)


def _hear_theirs(order: Order, receipt: PaymentReceipt, told: Receipt, actor: Actor) -> bool:
    """One that was made in the provider's own pages."""
    mark = told.refund_transaction or told.refund_reference or receipt.transaction
    left = receipt.amount_minor - receipt.refunded_minor
    amount = told.refunded.minor if told.refunded is not None else left
    wrong = told.refunded is not None and told.refunded.currency != receipt.currency
    values = {
        "tenant_id": order.tenant_id,
        "order_id": order.id,
        "receipt_id": receipt.id,
        "reference": f"theirs-{receipt.provider.value}-{receipt.id}-{mark}",
        "transaction": told.refund_transaction or None,
        "amount_minor": max(amount, 1),
        "currency": receipt.currency,
        "state": RefundState.SENDING,
        "reason": "provider",
        "asked_by": actor.value,
    }
    known = select(Refund.id).where(Refund.reference == values["reference"])
    if db.session.scalar(known) is not None:
        return False
    if wrong or not 0 < amount <= left:
        _mismatch(order, str(values["reference"]), str(told.refunded), left, actor)
        return False
    _reserve(order, receipt, amount)
    made = db.session.scalar(insert(Refund).values(values).returning(Refund))
    if made is None:
        return False
    finish(order, made, actor, transaction=told.refund_transaction)
    return True


def _receipt(order: Order, receipt_id: int | None) -> PaymentReceipt:
    found = [
        one
        for one in lookup.receipts_of(order.id)
        if (one.accepted if receipt_id is None else one.id == receipt_id)
    ]
    if not found:
        raise NothingReceived
    return found[0]


def _reserve(order: Order, receipt: PaymentReceipt, amount: int) -> None:
    db.session.flush()
    if db.session.execute(_RESERVE, {"id": receipt.id, "amount": amount}).first() is None:
        left = receipt.amount_minor - receipt.refunded_minor
        raise RefundTooLarge(left=shown_money(left, receipt.currency, order.locale))
    db.session.refresh(receipt)


def _unreserve(refund: Refund) -> None:
    db.session.flush()
    db.session.execute(_UNRESERVE, {"id": refund.receipt_id, "amount": refund.amount_minor})
    db.session.expire(db.session.get_one(PaymentReceipt, refund.receipt_id))


def _by_hand(receipt: PaymentReceipt) -> bool:
    """PingPong gives money back by our id of the payment, which does not say which of two movements is meant."""
    if receipt.provider is Provider.MANUAL:
        return True
    return not receipt.accepted and receipt.provider is Provider.PINGPONG and _shared(receipt)


def _shared(receipt: PaymentReceipt) -> bool:
    query = select(func.count()).where(PaymentReceipt.payment_id == receipt.payment_id)
    return (db.session.scalar(query) or 0) > 1


def _given_back(receipt: PaymentReceipt) -> int:
    done = select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
        Refund.receipt_id == receipt.id, Refund.state == RefundState.DONE
    )
    return int(db.session.scalar(done) or 0)


def _leave(order: Order, receipt: PaymentReceipt, actor: Actor, name: str) -> None:
    """The order ends as refunded, where nothing of what it was paid with is left."""
    whole = receipt.accepted and receipt.refunded_minor == receipt.amount_minor
    if whole and order.state is not OrderState.REFUNDED:
        moves.move(order, OrderState.REFUNDED, actor=actor, why="refunded", name=name)
