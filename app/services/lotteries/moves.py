"""What every change of a lottery does: the one UPDATE that moves its state, its prizes, and the record of it."""

from sqlalchemy import delete, update

from app.core.db import db
from app.domain.lotteries import MAX_REASON, MOVES, LotterySpec, LotteryState
from app.domain.lottery_fields import one_line
from app.models import Lottery, LotteryPrize
from app.services import audit
from app.services.lotteries import door
from app.services.lotteries.errors import BadReason, IllegalMove


def move(lottery: Lottery, to: LotteryState, **values: object) -> None:
    """The one UPDATE of a move; waits for joins, which hold the row. Raises IllegalMove."""
    door.shut(lottery.id)
    sources = [state for state in MOVES if to in MOVES[state]]
    moved = db.session.scalar(
        update(Lottery)
        .where(Lottery.id == lottery.id, Lottery.state.in_(sources))
        .values(state=to, **values)
        .returning(Lottery.id)
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(lottery)
    if moved is None:
        raise IllegalMove(lottery.state)


def write_prizes(lottery: Lottery, spec: LotterySpec) -> None:
    """The prizes in place of those that there were."""
    db.session.execute(delete(LotteryPrize).where(LotteryPrize.lottery_id == lottery.id))
    db.session.add_all(
        LotteryPrize(
            tenant_id=lottery.tenant_id,
            lottery_id=lottery.id,
            position=position,
            name=prize.name,
            quantity=prize.quantity,
            credits=prize.credits,
        )
        for position, prize in enumerate(spec.prizes)
    )
    db.session.flush()


def public_reason(reason: str) -> str:
    """A reason as it is published. Raises BadReason."""
    words = one_line(reason)
    if not 1 <= len(words) <= MAX_REASON:
        raise BadReason(most=MAX_REASON)
    return words


def audit_act(lottery: Lottery, action: str, changes: dict[str, object]) -> None:
    """Tells the audit log what was done with a lottery."""
    audit.record(lottery.tenant_id, action, ("lottery", lottery.id, lottery.title), changes)
