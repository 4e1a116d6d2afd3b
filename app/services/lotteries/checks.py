"""Asking candidates the conditions again, in the draw's order, and only as many as there are prizes without a winner.

What the database knows is asked in one statement for many. What Telegram knows is asked by `bots/draw_checks.py`
between two transactions: a candidate is claimed with a lease, and whoever comes late with an answer changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Row, text, update

from app.core import clock
from app.core.db import db
from app.core.i18n import N_, translate
from app.core.queue import TaskName, enqueue
from app.core.settings import get_settings
from app.domain.draw import STAFF
from app.domain.lotteries import CandidateState, Condition, ConditionKind, DrawPhase, is_erased
from app.domain.lottery_spec import read_conditions
from app.models import Lottery, LotteryDraw
from app.services.lotteries import conditions, events, invites, lookup, spec
from app.services.lotteries.conditions import Checked, Known, Result
from app.services.lotteries.errors import IllegalMove
from app.services.lotteries.moves import audit_act, public_reason
from app.services.lotteries.streaming import in_bulk

ASKED_AT_ONCE = 48
"""Candidates of one lottery whom Telegram is being asked about, by all workers together."""
STUCK_SECONDS = 60.0
NO_BOT = N_(
    "The bot of this lottery is switched off, removed, or its token was revoked. The draw waits for it."
)
NO_SIGHT = N_(
    "The bot cannot see who is in %(chat)s any more. The draw waits: make the bot an administrator there."
)

# Whoever fails makes room for the next in order. A prize that is drawn again needs one more who passes.
_OPEN = """
SELECT d.slots + (SELECT count(*) FROM lottery_winner w WHERE w.lottery_id = d.lottery_id AND w.state = 'replaced')
    - (SELECT count(*) FROM lottery_candidate c WHERE c.lottery_id = d.lottery_id AND c.state = 'passed') AS open
FROM lottery_draw d WHERE d.lottery_id = :lottery_id AND d.phase = 'ordered'
"""
_PROGRESS = text(f"""
SELECT open, EXISTS (SELECT FROM lottery_candidate c
    WHERE c.lottery_id = :lottery_id AND c.state IN ('waiting', 'checking')) AS undecided
FROM ({_OPEN}) AS wanted
""")  # noqa: S608 - a constant
_CLAIM = text(f"""
WITH room AS (
    SELECT rank FROM lottery_candidate
    WHERE lottery_id = :lottery_id AND state IN ('waiting', 'checking')
    ORDER BY rank LIMIT greatest(0, coalesce(({_OPEN}), 0))
), due AS MATERIALIZED (
    SELECT c.rank, c.entry_id FROM lottery_candidate c
    WHERE c.lottery_id = :lottery_id AND c.rank <= (SELECT max(rank) FROM room)
      AND ((c.state = 'waiting' AND (c.not_before IS NULL OR c.not_before <= now()))
        OR (c.state = 'checking' AND c.lease_until < now()))
    ORDER BY c.rank LIMIT greatest(0, least(:most, :at_once - (
        SELECT count(*) FROM lottery_candidate b
        WHERE b.lottery_id = :lottery_id AND b.state = 'checking' AND b.lease_until >= now())))
    FOR UPDATE OF c SKIP LOCKED
)
UPDATE lottery_candidate c SET state = 'checking', lease_token = c.lease_token + 1,
    lease_until = now() + make_interval(secs => :seconds)
FROM due WHERE c.lottery_id = :lottery_id AND c.rank = due.rank
RETURNING c.rank, c.lease_token AS lease, c.entry_id
""")  # noqa: S608 - a constant
# OFFSET 0 keeps the planner, which knows little about rows that were just written, from reading all entries.
_FACTS = text(f"""
SELECT e.id, e.telegram_id, e.conditions, e.paid, m.first_seen_at AS since,
    (SELECT count(*) FROM lottery_invite i
     WHERE i.lottery_id = :lottery_id AND i.inviter = e.telegram_id AND {invites.COUNTED}) AS friends
FROM unnest(CAST(:entries AS bigint[])) AS wanted (id) CROSS JOIN LATERAL (
    SELECT e.* FROM lottery_entry e WHERE e.lottery_id = :lottery_id AND e.id = wanted.id OFFSET 0
) AS e LEFT JOIN LATERAL (
    SELECT m.first_seen_at FROM member m
    WHERE m.tenant_id = e.tenant_id AND m.telegram_id = e.telegram_id OFFSET 0
) AS m ON true
""")  # noqa: S608 - a constant
_DECIDE = text("""
UPDATE lottery_candidate c SET state = a.state, checks = a.checks, checked_at = :at, lease_until = NULL
FROM unnest(CAST(:ranks AS bigint[]), CAST(:leases AS bigint[]), CAST(:states AS text[]), CAST(:checks AS text[]))
  AS a (rank, lease, state, checks)
WHERE c.lottery_id = :lottery_id AND c.rank = ANY(CAST(:ranks AS bigint[]))
  AND c.rank = a.rank AND c.lease_token = a.lease AND c.state = 'checking'
RETURNING c.rank
""")
_RENEW = text("""
UPDATE lottery_candidate c SET lease_until = now() + make_interval(secs => :seconds)
FROM unnest(CAST(:ranks AS bigint[]), CAST(:leases AS bigint[])) AS held (rank, lease)
WHERE c.lottery_id = :lottery_id AND c.rank = ANY(CAST(:ranks AS bigint[]))
  AND c.rank = held.rank AND c.lease_token = held.lease AND c.state = 'checking'
""")
_RELEASE = text("""
UPDATE lottery_candidate SET state = 'waiting', lease_until = NULL,
    not_before = now() + make_interval(secs => :seconds)
WHERE lottery_id = :lottery_id AND rank = :rank AND lease_token = :lease AND state = 'checking'
""")


@dataclass(frozen=True, slots=True)
class Question:
    """A candidate whom Telegram has to be asked about. `channels` are chats by the place of their condition."""

    lottery_id: int
    rank: int
    lease: int
    telegram_id: int
    channels: Mapping[int, str]
    checked: tuple[Checked, ...]


@dataclass(frozen=True, slots=True)
class Claimed:
    """What came of taking the next candidates: how many were decided at once, and whom to ask Telegram about."""

    decided: int
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How many prizes still need somebody who passes, and whether candidates are left to ask."""

    open: int
    undecided: bool


@dataclass(frozen=True, slots=True)
class _Verdict:
    rank: int
    lease: int
    checks: str
    passed: bool


def progress(lottery_id: int) -> Progress:
    """Where the asking of a draw is; one that is over, perhaps since a moment ago, needs nobody."""
    row = db.session.execute(_PROGRESS, {"lottery_id": lottery_id}).first()
    return Progress(row.open, row.undecided) if row else Progress(0, undecided=False)


def asked_of_telegram(lottery: Lottery, draw: LotteryDraw) -> dict[int, Condition]:
    """The conditions that only Telegram can answer, by place, without those that were dropped."""
    found = enumerate(read_conditions(lottery.conditions))
    return {n: one for n, one in found if one.kind is ConditionKind.CHANNEL and n not in draw.dropped}


def claim(lottery: Lottery, draw: LotteryDraw, most: int) -> Claimed:
    """Takes the next candidates and decides those that need no Telegram; the others come back as questions."""
    values = {
        "lottery_id": lottery.id,
        "most": most,
        "at_once": ASKED_AT_ONCE if asked_of_telegram(lottery, draw) else most,
        "seconds": lease_seconds(),
    }
    taken = in_bulk(_CLAIM, values).all()
    entries = {"lottery_id": lottery.id, "entries": [row.entry_id for row in taken]}
    facts = {row.id: row for row in db.session.execute(_FACTS, entries)}
    asked, verdicts = list[Question](), list[_Verdict]()
    for row in taken:
        found = _look(lottery, draw, facts[row.entry_id], row.rank, row.lease)
        if isinstance(found, Question):
            asked.append(found)
        else:
            verdicts.append(found)
    decided = _decide(lottery.id, verdicts)
    return Claimed(decided, tuple(sorted(asked, key=lambda one: one.rank)))


def _look(
    lottery: Lottery, draw: LotteryDraw, row: Row[tuple[object, ...]], rank: int, lease: int
) -> Question | _Verdict:
    """What the database knows of a candidate: enough to decide, or what is left to ask."""
    if row.conditions == STAFF:
        return _Verdict(rank, lease, STAFF, passed=True)
    # What he paid stays paid, whatever his balance is now.
    known, at = Known(row.friends, row.paid, row.since), clock.now()
    channels = {place: one.chat for place, one in asked_of_telegram(lottery, draw).items()}
    # Nobody can be asked about somebody who was erased.
    told = {place: (False, int(at.timestamp())) for place in channels} if is_erased(row.telegram_id) else {}
    checked = conditions.check(read_conditions(lottery.conditions), known, told, at)
    failed = any(one.passed is False for one in checked)
    if failed or not channels:
        return _verdict(rank, lease, [(one.passed, one.at) for one in checked])
    return Question(lottery.id, rank, lease, row.telegram_id, channels, tuple(checked))


def _verdict(rank: int, lease: int, results: Sequence[Result]) -> _Verdict:
    passed = all(passed is not False for passed, _ in results)
    return _Verdict(rank, lease, conditions.render(results), passed)


def answer(lottery_id: int, told: Sequence[tuple[Question, Mapping[int, Result]]]) -> int:
    """Keeps what Telegram said, by place, and says for how many: whose lease was lost is asked by somebody else."""
    verdicts = []
    for question, results in told:
        known = [(one.passed, one.at) for one in question.checked]
        whole = [results.get(place, result) for place, result in enumerate(known)]
        verdicts.append(_verdict(question.rank, question.lease, whole))
    return _decide(lottery_id, verdicts)


def _decide(lottery_id: int, verdicts: Sequence[_Verdict]) -> int:
    if not verdicts:
        return 0
    values = {
        "lottery_id": lottery_id,
        "at": clock.now(),
        "ranks": [one.rank for one in verdicts],
        "leases": [one.lease for one in verdicts],
        "states": [CandidateState.PASSED if one.passed else CandidateState.FAILED for one in verdicts],
        "checks": [one.checks for one in verdicts],
    }
    return len(in_bulk(_DECIDE, values).all())


def lease_seconds() -> float:
    """How long whoever asks may be silent before others ask in his place."""
    return get_settings().lease_seconds


def renew(questions: Sequence[Question]) -> None:
    """Telegram is still being asked about these, all of one lottery; a lease that was lost stays lost."""
    values = {
        "lottery_id": questions[0].lottery_id,
        "ranks": [one.rank for one in questions],
        "leases": [one.lease for one in questions],
        "seconds": lease_seconds(),
    }
    in_bulk(_RENEW, values)


def postpone(question: Question, seconds: float) -> None:
    """Telegram can't be asked about him now; that says nothing about him."""
    values = {"lottery_id": question.lottery_id, "rank": question.rank, "lease": question.lease}
    db.session.execute(_RELEASE, values | {"seconds": seconds})


def wait_for_bot(lottery: Lottery, draw: LotteryDraw, *, gone: bool) -> None:
    """Nobody can ask as this bot: the draw waits, and the boss reads why.

    One that is `gone` may never come back, so what only it could ask may be let go like a channel that shut it out.
    """
    place = min(asked_of_telegram(lottery, draw), default=None) if gone else None
    _wait(lottery, place, translate(spec.locale(lottery.tenant_id), NO_BOT))


def wait_for_sight(lottery: Lottery, place: int, chat: str) -> None:
    """Telegram does not tell the bot who is in a chat: the draw waits for the boss to mend it or let it go."""
    _wait(lottery, place, translate(spec.locale(lottery.tenant_id), NO_SIGHT, chat=chat))


def _wait(lottery: Lottery, place: int | None, words: str) -> None:
    again = clock.now() + timedelta(seconds=STUCK_SECONDS)
    db.session.execute(
        update(LotteryDraw)
        .where(LotteryDraw.lottery_id == lottery.id, LotteryDraw.phase == DrawPhase.ORDERED)
        .values(error=words, stuck=place, not_before=again)
    )


def go_on(lottery_id: int) -> None:
    """Telegram answers: whatever the draw waited for is over."""
    db.session.execute(
        update(LotteryDraw)
        .where(LotteryDraw.lottery_id == lottery_id, LotteryDraw.error.is_not(None))
        .values(error=None, stuck=None, not_before=None)
    )


def drop_condition(lottery_id: int, place: int, reason: str) -> None:
    """Goes on without a condition that can't be asked any more; public, with the reason.

    Raises IllegalMove where the draw does not wait for this one, BadReason, NotFound.
    """
    words = public_reason(reason)
    lottery = lookup.get(lottery_id)
    draw = db.session.get(LotteryDraw, lottery_id, with_for_update=True, populate_existing=True)
    if draw is None or draw.stuck != place:
        raise IllegalMove(lottery.state)
    draw.dropped = [*draw.dropped, place]
    draw.error = draw.stuck = draw.not_before = None
    events.append(lottery, "condition_dropped", {"place": place, "reason": words})
    audit_act(lottery, "lottery.condition_dropped", {"place": place, "reason": words})
    enqueue(TaskName.LOTTERIES_DRAW, lottery_id)
