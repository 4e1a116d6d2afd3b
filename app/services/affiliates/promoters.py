"""Promoters: becoming one, finding them, and what the boss may do with them."""

from collections.abc import Sequence

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core import clock
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotFound
from app.core.i18n import N_
from app.core.ids import one_time_code
from app.domain.affiliates import MAX_NOTE, EntryKind, PromoterState
from app.domain.money import MAX_MINOR, Money, exponent
from app.models import Member, Promoter, PromoterBinding
from app.services import audit
from app.services.affiliates import terms
from app.services.affiliates.ledger import Change, post


class PromotingOff(Conflict):
    code = "promoting_off"
    message = N_("Promoting is not offered here at the moment.")


class NoteMissing(BadInput):
    code = "note_missing"
    message = N_("Please give a reason of at most %(most)s characters.")


class AmountMissing(BadInput):
    code = "amount_missing"
    message = N_("Please give an amount other than zero.")


def become(tenant_id: int, telegram_id: int, *, by_boss: bool = False) -> Promoter:
    """Makes a member a promoter, or finds that he is one. Raises PromotingOff, and NotFound for who is no member.

    Whoever he is bound to at that moment stands above him for good. Nobody can be below himself: who becomes a
    promoter has nobody below him yet, and a link of somebody below him binds him to nobody (`binding.touch`).
    """
    found = find(tenant_id, telegram_id)
    if found is not None:
        return found
    if not by_boss and not terms.load(tenant_id).enabled:
        raise PromotingOff
    member = exists().where(Member.tenant_id == tenant_id, Member.telegram_id == telegram_id)
    if not db.session.scalar(select(member)):
        raise NotFound
    new = insert(Promoter).values(
        tenant_id=tenant_id,
        telegram_id=telegram_id,
        code=one_time_code(),
        parent_id=_brought_by(tenant_id, telegram_id),
    )
    made: Promoter | None = db.session.scalar(
        new.on_conflict_do_nothing(index_elements=["tenant_id", "telegram_id"]).returning(Promoter)
    )
    if made is None:
        return get(find_id(tenant_id, telegram_id))
    audit.record(tenant_id, "promoter.created", _target(made))
    return made


def find(tenant_id: int, telegram_id: int) -> Promoter | None:
    """The promoter who is this Telegram user."""
    return db.session.scalar(
        select(Promoter).where(Promoter.tenant_id == tenant_id, Promoter.telegram_id == telegram_id)
    )


def find_id(tenant_id: int, telegram_id: int) -> int:
    """His number. Raises NotFound."""
    found = find(tenant_id, telegram_id)
    if found is None:
        raise NotFound
    return found.id


def get(promoter_id: int) -> Promoter:
    """Raises NotFound."""
    promoter = db.session.scalar(select(Promoter).where(Promoter.id == promoter_id))
    if promoter is None:
        raise NotFound
    return promoter


def some(promoter_ids: Sequence[int]) -> Sequence[Promoter]:
    """Those of these ids, in no order."""
    return db.session.scalars(select(Promoter).where(Promoter.id.in_(promoter_ids))).all()


def pause(promoter_id: int) -> None:
    """From now on he binds nobody and earns nothing; what he has he keeps and may withdraw."""
    _set_state(promoter_id, PromoterState.PAUSED, "promoter.paused")


def resume(promoter_id: int) -> None:
    """He binds and earns again."""
    _set_state(promoter_id, PromoterState.ACTIVE, "promoter.resumed")


def _set_state(promoter_id: int, state: PromoterState, action: str) -> None:
    promoter = get(promoter_id)
    changed = db.session.execute(
        update(Promoter)
        .where(Promoter.id == promoter_id, Promoter.state != state, Promoter.telegram_id > 0)
        .values(state=state)
        .returning(Promoter.id)
    ).first()
    if changed is not None:
        audit.record(promoter.tenant_id, action, _target(promoter))


def adjust(promoter_id: int, currency: str, amount: int, note: str, reference: str) -> bool:
    """The boss gives or takes; False when this `reference` was posted before. Nothing is taken that is not there.

    The reason stands in the entry alone: the log can't be changed, and a reason may name somebody who asks to be erased.
    Raises BadInput.
    """
    promoter, note = get(promoter_id), note.strip()
    exponent(currency)
    if not amount or abs(amount) > MAX_MINOR:
        raise AmountMissing
    if not note or len(note) > MAX_NOTE:
        raise NoteMissing(most=MAX_NOTE)
    change = Change(
        promoter.id, currency, EntryKind.ADJUSTED, amount, f"adjust:{promoter.id}:{reference}", note=note
    )
    posted = post(promoter.tenant_id, change, overdraw=False) is not None
    if posted:
        changes: dict[str, object] = {"sum": str(Money(amount, currency))}
        audit.record(promoter.tenant_id, "promoter.adjusted", _target(promoter), changes)
    return posted


def _brought_by(tenant_id: int, telegram_id: int) -> int | None:
    return db.session.scalar(
        select(PromoterBinding.promoter_id).where(
            PromoterBinding.tenant_id == tenant_id,
            PromoterBinding.telegram_id == telegram_id,
            PromoterBinding.until > clock.now(),
        )
    )


def _target(promoter: Promoter) -> tuple[str, int, str]:
    return "promoter", promoter.id, promoter.code
