"""Wishes of promoters to be paid: the amount leaves the balance when he asks, and comes back when it is not paid."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.core import clock
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotFound
from app.core.i18n import N_
from app.domain.affiliates import MAX_NOTE, MAX_PAY_TO, EntryKind, WithdrawalState
from app.domain.money import Money
from app.domain.shop_alerts import AlertKind
from app.models import Promoter, PromoterAccount, ShopAlert, Withdrawal
from app.services import audit, shop_alerts
from app.services.affiliates import promoters, telling, terms
from app.services.affiliates.ledger import BalanceTooLow, Change, post

LEAST_PAY_TO: Final = 3
_OPEN: Final = (WithdrawalState.REQUESTED, WithdrawalState.APPROVED)
_APPROVED = N_("✅ Your withdrawal of %(amount)s is approved and will be paid soon.")
_PAID = N_("💸 Your withdrawal of %(amount)s has been paid. Thank you for promoting!")
_REFUSED = N_(
    "Your withdrawal of %(amount)s could not be paid. The amount is back in your balance.\n\nReason: %(reason)s"
)


class TooLittle(BadInput):
    code = "withdrawal_too_little"
    message = N_("At least %(least)s can be withdrawn.")


class PayToNotValid(BadInput):
    code = "pay_to_not_valid"
    message = N_("Please write where the money shall go, in 3 to %(most)s characters.")


class AlreadyDecided(Conflict):
    code = "withdrawal_decided"
    message = N_("This withdrawal has been dealt with already.")


def request(promoter: Promoter, wanted: Money, pay_to: str, made_by: str) -> Withdrawal:
    """Writes down the wish and takes the amount from the balance, once for the press that made it.

    Raises TooLittle, PayToNotValid and BalanceTooLow; then the caller's transaction must be undone.
    """
    pay_to = read_pay_to(pay_to)
    least = max(terms.load(promoter.tenant_id).least_of(wanted.currency), 1)
    if wanted.minor < least:
        raise TooLittle(least=str(Money(least, wanted.currency)))
    new = insert(Withdrawal).values(
        tenant_id=promoter.tenant_id,
        promoter_id=promoter.id,
        account_id=_account_id(promoter, wanted.currency),
        amount=wanted.minor,
        currency=wanted.currency,
        pay_to=pay_to,
        made_by=made_by,
    )
    made: Withdrawal | None = db.session.scalar(
        new.on_conflict_do_nothing(index_elements=["tenant_id", "made_by"]).returning(Withdrawal)
    )
    if made is None:
        return _made_before(promoter, made_by)
    _post(made, EntryKind.WITHDRAWAL, -made.amount, f"withdraw:{made.id}")
    shop_alerts.raise_alert(made.tenant_id, AlertKind.WITHDRAWAL_REQUESTED, _alert_key(made))
    return made


def _account_id(promoter: Promoter, currency: str) -> int:
    found = db.session.scalar(
        select(PromoterAccount.id).where(
            PromoterAccount.promoter_id == promoter.id, PromoterAccount.currency == currency
        )
    )
    if found is None:
        raise BalanceTooLow
    return found


def read_pay_to(text: str) -> str:
    """Where the money shall go, in the promoter's words. Raises PayToNotValid."""
    text = text.strip()
    if not LEAST_PAY_TO <= len(text) <= MAX_PAY_TO:
        raise PayToNotValid(most=MAX_PAY_TO)
    return text


def find_made_by(promoter: Promoter, made_by: str) -> Withdrawal | None:
    """What a press of this promoter's has made already."""
    return db.session.scalar(
        select(Withdrawal).where(
            Withdrawal.tenant_id == promoter.tenant_id,
            Withdrawal.made_by == made_by,
            Withdrawal.promoter_id == promoter.id,
        )
    )


def _made_before(promoter: Promoter, made_by: str) -> Withdrawal:
    """Presses of others have other names: who asks for somebody else's finds nothing."""
    found = find_made_by(promoter, made_by)
    if found is None:
        raise NotFound
    return found


def get(withdrawal_id: int) -> Withdrawal:
    """Raises NotFound."""
    found = db.session.scalar(select(Withdrawal).where(Withdrawal.id == withdrawal_id))
    if found is None:
        raise NotFound
    return found


def list_of(promoter_id: int, limit: int = 10) -> Sequence[Withdrawal]:
    """A promoter's own, latest first."""
    query = select(Withdrawal).where(Withdrawal.promoter_id == promoter_id)
    return db.session.scalars(query.order_by(Withdrawal.id.desc()).limit(limit)).all()


def cancel(withdrawal_id: int, promoter: Promoter) -> Withdrawal:
    """The promoter thinks again, while nobody has decided. Raises NotFound for another's, AlreadyDecided."""
    found = get(withdrawal_id)
    if found.promoter_id != promoter.id:
        raise NotFound
    return _give_back(_move(found, (WithdrawalState.REQUESTED,), WithdrawalState.CANCELLED, ""))


def approve(withdrawal_id: int) -> Withdrawal:
    """The boss agrees and will pay. Raises NotFound, AlreadyDecided."""
    return _decide(get(withdrawal_id), (WithdrawalState.REQUESTED,), WithdrawalState.APPROVED, _APPROVED)


def mark_paid(withdrawal_id: int) -> Withdrawal:
    """The boss has paid. Raises NotFound, AlreadyDecided."""
    return _decide(get(withdrawal_id), _OPEN, WithdrawalState.PAID, _PAID)


def refuse(withdrawal_id: int, reason: str) -> Withdrawal:
    """The boss does not pay; the promoter reads the reason. Raises NotFound, AlreadyDecided, NoteMissing."""
    reason = reason.strip()
    if not reason or len(reason) > MAX_NOTE:
        raise promoters.NoteMissing(most=MAX_NOTE)
    return _give_back(_decide(get(withdrawal_id), _OPEN, WithdrawalState.REFUSED, _REFUSED, reason))


def refuse_open(promoter_id: int) -> None:
    """Gives back whatever is not paid yet, without a word to the promoter, who is being erased."""
    query = select(Withdrawal).where(Withdrawal.promoter_id == promoter_id, Withdrawal.state.in_(_OPEN))
    for found in db.session.scalars(query.order_by(Withdrawal.id)).all():
        _give_back(_move(found, _OPEN, WithdrawalState.REFUSED, ""))


def _decide(
    found: Withdrawal, from_: tuple[WithdrawalState, ...], to: WithdrawalState, words: str, reason: str = ""
) -> Withdrawal:
    changed = _move(found, from_, to, reason)
    changes: dict[str, object] = {"sum": str(Money(changed.amount, changed.currency))}
    audit.record(changed.tenant_id, f"withdrawal.{to}", ("withdrawal", changed.id, ""), changes)
    telling.decided(promoters.get(changed.promoter_id), changed, words)
    return changed


def _move(
    found: Withdrawal, from_: tuple[WithdrawalState, ...], to: WithdrawalState, reason: str
) -> Withdrawal:
    """One conditional UPDATE: of two who decide at once, one is too late."""
    now, by_boss = clock.now(), to is not WithdrawalState.CANCELLED
    values: dict[str, object] = {"state": to, "reason": reason}
    if by_boss:
        values |= {"decided_by": audit.acting().name, "decided_at": now}
    if to is WithdrawalState.PAID:
        values["paid_at"] = now
    changed: Withdrawal | None = db.session.scalar(
        update(Withdrawal)
        .where(Withdrawal.id == found.id, Withdrawal.state.in_(from_))
        .values(values)
        .returning(Withdrawal)
        .execution_options(populate_existing=True)
    )
    if changed is None:
        raise AlreadyDecided
    _settle_alert(changed)
    return changed


def _give_back(found: Withdrawal) -> Withdrawal:
    _post(found, EntryKind.RETURNED, found.amount, f"return:{found.id}")
    return found


def _post(found: Withdrawal, kind: EntryKind, amount: int, reference: str) -> None:
    change = Change(found.promoter_id, found.currency, kind, amount, reference, withdrawal_id=found.id)
    post(found.tenant_id, change, overdraw=False)


def _settle_alert(found: Withdrawal) -> None:
    db.session.execute(
        update(ShopAlert)
        .where(
            ShopAlert.tenant_id == found.tenant_id,
            ShopAlert.dedupe_key == _alert_key(found),
            ShopAlert.settled_at.is_(None),
        )
        .values(settled_at=clock.now(), settled_by=audit.acting().name)
    )


def _alert_key(found: Withdrawal) -> str:
    return f"withdrawal:{found.id}"
