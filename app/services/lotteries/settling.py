"""What is left to do after the end of a lottery: tell the winners, post their credits, tell the channels; or, when it
was cancelled, give back what entrants paid. In batches, each of them one transaction.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Row, text

from app.core import clock
from app.core.db import db
from app.core.errors import AppError
from app.core.i18n import N_, locale_of
from app.core.queue import TaskName, enqueue
from app.domain.buttons import data
from app.domain.credits import LOTTERY
from app.domain.lotteries import LotteryState, is_erased
from app.domain.wording import Place
from app.models import Lottery
from app.services import credits, outbox  # noqa: A004 - ours, not Python's
from app.services.credits import NewPosting
from app.services.credits.statement import OPEN as POINTS
from app.services.lotteries import cards, lookup, posts, showing
from app.services.lotteries.wording import bold

BATCH = 500
CLAIM, RECEIPT = "lc", "lrec"
"""The buttons under a winner's message; their argument is the lottery's code."""

# He is told by the bot that he joined by, unless that one is gone or he never talked with it: staff added him, say.
_UNTOLD = text("""
SELECT w.slot, w.turn, w.telegram_id, w.claim_until, p.name, p.credits, coalesce((
           SELECT b.id FROM bot b JOIN bot_member t ON t.bot_id = b.id
           WHERE b.tenant_id = w.tenant_id AND b.removed_at IS NULL
             AND t.telegram_id = w.telegram_id AND t.blocked_at IS NULL
           ORDER BY (b.enabled AND b.state <> 'revoked') DESC, (b.id = e.bot_id) DESC, t.last_seen_at DESC LIMIT 1
       ), e.bot_id) AS bot_id,
       coalesce(m.locale, '') AS locale, coalesce(m.language_code, '') AS language
FROM lottery_winner w
JOIN lottery_prize p ON p.id = w.prize_id
CROSS JOIN LATERAL (SELECT e.bot_id FROM lottery_entry e
                    WHERE e.lottery_id = w.lottery_id AND e.id = w.entry_id OFFSET 0) AS e
LEFT JOIN member m ON m.tenant_id = w.tenant_id AND m.telegram_id = w.telegram_id
WHERE w.lottery_id = :lottery_id AND w.told_at IS NULL AND w.state <> 'replaced'
ORDER BY w.slot LIMIT :most FOR UPDATE OF w SKIP LOCKED
""")
# Who was erased can't be told or paid: his prize stays unclaimed, so that the boss may have it drawn again.
_TOLD = text("""
UPDATE lottery_winner w SET told_at = :now,
    state = CASE WHEN w.telegram_id < 0 THEN 'won' ELSE w.state END,
    handed_over_at = CASE WHEN w.telegram_id > 0 THEN w.handed_over_at END
FROM unnest(CAST(:slots AS bigint[]), CAST(:turns AS bigint[])) AS told (slot, turn)
WHERE w.lottery_id = :lottery_id AND w.slot = told.slot AND w.turn = told.turn
""")
_UNRETURNED = text("""
SELECT id, telegram_id, paid FROM lottery_entry
WHERE lottery_id = :lottery_id AND paid > 0 AND returned_at IS NULL
ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED
""")
_RETURNED = text("""
UPDATE lottery_entry SET returned_at = :now WHERE lottery_id = :lottery_id AND id = ANY(CAST(:ids AS bigint[]))
""")
_OPEN = text("""
SELECT EXISTS (SELECT FROM lottery_winner w
               WHERE w.lottery_id = l.id AND w.told_at IS NULL AND w.state <> 'replaced') AS untold,
       EXISTS (SELECT FROM lottery_entry e
               WHERE e.lottery_id = l.id AND e.paid > 0 AND e.returned_at IS NULL) AS unreturned,
       EXISTS (SELECT FROM lottery_draw d WHERE d.lottery_id = l.id AND d.phase <> 'done') AS undrawn
FROM lottery l WHERE l.id = :lottery_id
""")


def settle(lottery_id: int, most: int = BATCH) -> bool:
    """Does the next batch; True when there is more to do. Several may settle one lottery at the same time."""
    lottery = lookup.get(lottery_id)
    if lottery.state is LotteryState.DRAWN:
        done = _tell_some(lottery, most)
    elif lottery.state is LotteryState.CANCELLED:
        done = _return_some(lottery, most)
    else:
        return False
    return done > 0 or _finish(lottery_id)


def _tell_some(lottery: Lottery, most: int) -> int:
    """Writes the messages and postings of some winners and marks them as told."""
    rows = db.session.execute(_UNTOLD, {"lottery_id": lottery.id, "most": most}).all()
    if not rows:
        return 0
    reached = [row for row in rows if not is_erased(row.telegram_id)]
    _post(
        lottery,
        [
            NewPosting(
                row.telegram_id,
                row.credits,
                LOTTERY,
                f"lottery:{lottery.id}:prize:{row.slot}:{row.turn}",
                lottery.title,
            )
            for row in reached
            if row.credits
        ],
    )
    common = showing.place_of(lottery)
    for row in reached:
        place = Place(locale_of(row.locale) or locale_of(row.language) or common.locale, common.zone)
        key = f"lottery:{lottery.id}:won:{row.slot}:{row.turn}"
        outbox.queue_message(
            lottery.tenant_id, row.bot_id, row.telegram_id, "sendMessage", _message(lottery, row, place), key
        )
    values = {"slots": [row.slot for row in rows], "turns": [row.turn for row in rows]}
    db.session.execute(_TOLD, values | {"lottery_id": lottery.id, "now": clock.now()})
    return len(rows)


def _message(lottery: Lottery, row: Row[tuple[object, ...]], place: Place) -> dict[str, object]:
    """What a winner reads: the prize, how he gets it, and where the proof is."""
    won = N_("🎉 Congratulations! In “%(title)s” you won: %(prize)s")
    lines = [bold(place.t(won, title=lottery.title, prize=row.name)), _next_step(row, place)]
    link = showing.public_link(lottery.code)
    if link:
        lines.append("🔍 " + place.e(N_("Check this draw yourself: %(link)s"), link=link))
    payload: dict[str, object] = {
        "text": "\n\n".join(lines),
        "parse_mode": cards.PARSE_MODE,
        "link_preview_options": {"is_disabled": True},
    }
    rows = [[{"text": place.t(N_("🔍 Receipt")), "callback_data": data(RECEIPT, lottery.code)}]]
    if row.claim_until:
        claim = {"text": place.t(N_("🎁 Claim my prize")), "callback_data": data(CLAIM, lottery.code)}
        rows.insert(0, [claim])
    if row.credits:
        rows.append([{"text": place.t(N_("💰 My credits")), "callback_data": data(POINTS)}])
    payload["reply_markup"] = {"inline_keyboard": rows}
    return payload


def _next_step(row: Row[tuple[object, ...]], place: Place) -> str:
    if row.credits:
        return place.e(N_("%(credits)s credits have been added to your account."), credits=f"{row.credits:,}")
    if row.claim_until:
        until = place.time(row.claim_until)
        return place.e(
            N_("Press the button to claim it by %(time)s. After that it may be drawn again."), time=until
        )
    return place.e(N_("The organiser will get in touch with you about the prize."))


def _return_some(lottery: Lottery, most: int) -> int:
    """Gives back what some entrants of a cancelled lottery paid."""
    rows = db.session.execute(_UNRETURNED, {"lottery_id": lottery.id, "most": most}).all()
    _post(
        lottery,
        [
            NewPosting(
                row.telegram_id,
                row.paid,
                LOTTERY,
                f"lottery:{lottery.id}:return:{row.telegram_id}",
                lottery.title,
            )
            for row in rows
        ],
    )
    if rows:
        values = {"lottery_id": lottery.id, "ids": [row.id for row in rows], "now": clock.now()}
        db.session.execute(_RETURNED, values)
    return len(rows)


def _post(lottery: Lottery, postings: Sequence[NewPosting]) -> None:
    """Raises the first refusal: an amount that is added is never refused but by a fault of ours."""
    if postings:
        _raise_refused(credits.post_many(lottery.tenant_id, postings))


def _raise_refused(results: Iterable[object]) -> None:
    for result in results:
        if isinstance(result, AppError):
            raise result


def _finish(lottery_id: int) -> bool:
    """Nothing is left for us. Others may still be at it: whoever sees the last of it done says so. False."""
    # The lock comes before the look, so that a redraw that begins now is seen or makes it unsettled again.
    lottery = lookup.get(lottery_id, lock=True)
    left = db.session.execute(_OPEN, {"lottery_id": lottery_id}).one()
    drawn = lottery.state is LotteryState.DRAWN
    if drawn and left.undrawn:
        enqueue(TaskName.LOTTERIES_DRAW, lottery_id)
    elif lottery.settled_at is None and not (left.untold if drawn else left.unreturned):
        lottery.settled_at = clock.now()
        if drawn:
            posts.queue_result(lottery)
        else:
            posts.refresh(lottery_id)
    return False
