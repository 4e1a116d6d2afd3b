"""Winners after the draw: claiming, handing over, letting claims run out, and drawing one prize again.

Who was told and paid is the matter of `settling`; finding the next holder of a prize is the draw's (`results`).
"""

from sqlalchemy import Update, select, text, update

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict
from app.core.i18n import N_
from app.core.queue import TaskName, enqueue
from app.domain.lotteries import REDRAWABLE, DrawPhase, LotteryState, WinnerState
from app.models import Lottery, LotteryDraw, LotteryWinner
from app.services.lotteries import events, lookup
from app.services.lotteries.errors import IllegalMove
from app.services.lotteries.moves import audit_act, public_reason

MAX_NOTE = 500

_EXPIRE = text("""
WITH over AS MATERIALIZED (
    SELECT lottery_id, slot, turn FROM lottery_winner
    WHERE state = 'won' AND claim_until < :now ORDER BY claim_until LIMIT :most FOR UPDATE SKIP LOCKED
)
UPDATE lottery_winner w SET state = 'expired' FROM over
WHERE w.lottery_id = over.lottery_id AND w.slot = over.slot AND w.turn = over.turn RETURNING w.slot
""")
_UNDO = text("""
UPDATE lottery_winner w SET handed_over_at = NULL,
    state = CASE WHEN w.claimed_at IS NULL THEN 'won' ELSE 'claimed' END
FROM lottery_prize p WHERE p.id = w.prize_id AND p.credits IS NULL
  AND w.lottery_id = :lottery_id AND w.slot = :slot AND w.state = 'handed_over' RETURNING w.turn
""")
# Entrants who neither failed nor ever held a prize, less the prizes that wait for one of them.
_LEFT = text("""
SELECT d.entries
    - (SELECT count(*) FROM lottery_candidate c WHERE c.lottery_id = d.lottery_id AND c.state = 'failed')
    - (SELECT count(*) FROM lottery_winner w WHERE w.lottery_id = d.lottery_id)
    - (SELECT count(*) FROM lottery_winner w WHERE w.lottery_id = d.lottery_id AND w.state = 'replaced'
       AND NOT EXISTS (SELECT FROM lottery_winner n
                       WHERE n.lottery_id = w.lottery_id AND n.slot = w.slot AND n.turn > w.turn))
FROM lottery_draw d WHERE d.lottery_id = :lottery_id
""")


class NothingToClaim(Conflict):
    code = "nothing_to_claim"
    message = N_("There is nothing for you to claim here.")


class ClaimOver(Conflict):
    code = "claim_over"
    message = N_("The time to claim this prize is over.")


class NotHandedOver(Conflict):
    code = "not_handed_over"
    message = N_("This is not possible with this prize now. Load the page again to see how it stands.")


class NotRedrawable(Conflict):
    code = "not_redrawable"
    message = N_("A prize that was claimed or handed over is not drawn again.")


class NobodyLeft(Conflict):
    code = "nobody_left"
    message = N_("There is nobody left who could win this prize.")


def list_winners(lottery_id: int) -> list[LotteryWinner]:
    """All who hold or held a prize, by slot and turn."""
    query = select(LotteryWinner).where(LotteryWinner.lottery_id == lottery_id)
    return list(db.session.scalars(query.order_by(LotteryWinner.slot, LotteryWinner.turn)))


def claim(lottery_id: int, telegram_id: int) -> LotteryWinner:
    """The winner says that he wants his prize; saying it again changes nothing. Raises NothingToClaim, ClaimOver."""
    now = clock.now()
    mine = (LotteryWinner.lottery_id == lottery_id, LotteryWinner.telegram_id == telegram_id)
    in_time = LotteryWinner.claim_until.is_(None) | (LotteryWinner.claim_until > now)
    changed = _change(
        update(LotteryWinner)
        .where(*mine, LotteryWinner.state == WinnerState.WON, in_time)
        .values(state=WinnerState.CLAIMED, claimed_at=now)
    )
    query = select(LotteryWinner).where(*mine, LotteryWinner.state != WinnerState.REPLACED)
    winner = db.session.scalar(query.execution_options(populate_existing=True))
    if winner is None:
        raise NothingToClaim
    if changed is None and winner.state in REDRAWABLE:
        raise ClaimOver
    return winner


def hand_over(lottery_id: int, slot: int, note: str = "") -> None:
    """The boss gave the prize to its winner; public without the note. Raises NotHandedOver, NotFound."""
    turn = _change(
        update(LotteryWinner)
        .where(
            LotteryWinner.lottery_id == lottery_id,
            LotteryWinner.slot == slot,
            LotteryWinner.state.in_([WinnerState.WON, WinnerState.CLAIMED]),
        )
        .values(state=WinnerState.HANDED_OVER, handed_over_at=clock.now(), note=note.strip()[:MAX_NOTE])
    )
    _tell(lottery_id, "handed_over", slot, turn)


def undo_hand_over(lottery_id: int, slot: int) -> None:
    """He did not after all; public too. Credits that were posted stay. Raises NotHandedOver, NotFound."""
    turn = db.session.execute(_UNDO, {"lottery_id": lottery_id, "slot": slot}).scalar()
    _tell(lottery_id, "hand_over_undone", slot, turn)


def _tell(lottery_id: int, kind: str, slot: int, turn: int | None) -> None:
    if turn is None:
        raise NotHandedOver
    lottery = lookup.get(lottery_id)
    events.append(lottery, kind, {"slot": slot, "turn": turn})
    audit_act(lottery, f"lottery.{kind}", {"slot": slot})


def expire(most: int = 500) -> int:
    """Ends claims whose time is over, in all lotteries that are seen; says how many."""
    return len(db.session.execute(_EXPIRE, {"now": clock.now(), "most": most}).all())


def redraw(lottery_id: int, slot: int, reason: str) -> None:
    """Takes an unclaimed prize back and has it drawn again, among those who never won; public, with the reason.

    The next holder is found by the draw's task, which may have to ask Telegram first. Raises BadReason, NotFound,
    IllegalMove before the draw, NotRedrawable, NobodyLeft.
    """
    words = public_reason(reason)
    draw = db.session.get(LotteryDraw, lottery_id, with_for_update=True, populate_existing=True)
    lottery = lookup.get(lottery_id, lock=True)
    if draw is None or lottery.state is not LotteryState.DRAWN:
        raise IllegalMove(lottery.state)
    if db.session.execute(_LEFT, {"lottery_id": lottery_id}).scalar_one() < 1:
        raise NobodyLeft
    turn = _change(
        update(LotteryWinner)
        .where(
            LotteryWinner.lottery_id == lottery_id,
            LotteryWinner.slot == slot,
            LotteryWinner.state.in_(REDRAWABLE),
        )
        .values(state=WinnerState.REPLACED, reason=words)
    )
    if turn is None:
        raise NotRedrawable
    _reopen(lottery, draw)
    audit_act(lottery, "lottery.redrawn", {"slot": slot, "reason": words})


def _reopen(lottery: Lottery, draw: LotteryDraw) -> None:
    """The draw goes on where it was; an unsettled lottery is found by the sweep, so this is never forgotten."""
    draw.phase, draw.not_before = DrawPhase.ORDERED, None
    lottery.settled_at = None
    enqueue(TaskName.LOTTERIES_DRAW, lottery.id)


def _change(statement: Update) -> int | None:
    """Runs an UPDATE of one current winner; his turn, or None where there was none to be changed."""
    changed = statement.returning(LotteryWinner.turn).execution_options(synchronize_session=False)
    found: int | None = db.session.execute(changed).scalar()
    return found
