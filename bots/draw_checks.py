"""Asks Telegram about the candidates of a draw: claim (commit), ask with no connection held, write down (commit).

Several are asked at once, through the gate and behind whatever people wait for. Whoever is killed leaves candidates
whose lease runs out, since nobody renews it; they are asked again, which changes nothing at Telegram.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Event

from flask import Flask

from app.core import clock
from app.core.db import db
from app.core.queue import TaskName, enqueue, transaction
from app.domain.bots import BotConfig, BotState
from app.domain.lotteries import DrawPhase
from app.domain.sending import Priority
from app.models import Lottery, LotteryDraw
from app.services import directory
from app.services.lotteries import checks
from app.services.lotteries.checks import Question
from app.services.lotteries.conditions import Result
from app.services.lotteries.errors import ConditionUnavailable
from bots.heartbeat import scope_in_thread, this_app, wait_renewing
from bots.telegram.errors import Postpone, TokenRevoked, Unreachable
from bots.telegram.membership import is_member

SLICE_SECONDS = 30.0
THREADS = 8
BATCH = 24
"""Candidates of one round: about as many as Telegram's limit lets through in a second."""
AWAY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Heard:
    """What came of asking about one candidate: all answers by place, or why there are none."""

    question: Question
    results: dict[int, Result] = field(default_factory=dict)
    again: float = 0.0
    blind: tuple[int, str] | None = None
    revoked: bool = False

    @property
    def complete(self) -> bool:
        return len(self.results) == len(self.question.channels)


@dataclass(frozen=True, slots=True)
class _Round:
    """One bot's questions of one moment; there may be none, since some candidates need no question."""

    config: BotConfig
    questions: Sequence[Question]


def run(lottery_id: int, stopping: Event) -> bool:
    """Asks until nobody is left to ask, Telegram wants a pause or the slice is over; True when there is more to ask.

    Runs in a scope that sees the lottery's tenant. Several may do this at the same time.
    """
    until = time.monotonic() + SLICE_SECONDS
    app = this_app()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="draw") as pool:
        while not stopping.is_set():
            with transaction():
                asked = _claim(lottery_id)
            if asked is None:
                return False
            calls = [pool.submit(_ask, app, asked.config, question) for question in asked.questions]
            heard = wait_renewing(calls, checks.lease_seconds(), partial(checks.renew, asked.questions))
            with transaction():
                _write(lottery_id, heard)
            if not all(one.complete for one in heard) or time.monotonic() > until:
                return any(one.complete for one in heard)
    return True


def _claim(lottery_id: int) -> _Round | None:
    """The next questions; None where nobody is to be asked now, and where that was the last the draw goes on."""
    draw = db.session.get(LotteryDraw, lottery_id, populate_existing=True)
    if draw is None or draw.phase is not DrawPhase.ORDERED or _paused(draw):
        return None
    lottery = db.session.get_one(Lottery, lottery_id)
    config = directory.find(lottery.bot_id)
    gone = config is None or config.state is BotState.REVOKED
    if config is None or gone or not config.enabled:
        checks.wait_for_bot(lottery, draw, gone=gone)
        return None
    claimed = checks.claim(lottery, draw, BATCH)
    if claimed.decided or claimed.questions:
        return _Round(config, claimed.questions)
    found = checks.progress(lottery_id)
    if found.open <= 0 or not found.undecided:
        enqueue(TaskName.LOTTERIES_DRAW, lottery_id)
    return None


def _paused(draw: LotteryDraw) -> bool:
    return draw.not_before is not None and draw.not_before > clock.now()


def _ask(app: Flask, config: BotConfig, question: Question) -> _Heard:
    """All channels of one candidate; an answer that is missing leaves the others for the next time."""
    results: dict[int, Result] = {}
    place, chat = 0, ""
    try:
        with scope_in_thread(app, config.tenant_id):
            for place, chat in question.channels.items():
                inside = is_member(config, chat, question.telegram_id, Priority.IMPORTANT)
                results[place] = inside, int(clock.now().timestamp())
    except Postpone as error:
        return _Heard(question, again=error.seconds)
    except Unreachable:
        return _Heard(question, again=AWAY_SECONDS)
    except TokenRevoked:
        return _Heard(question, revoked=True)
    except ConditionUnavailable:
        return _Heard(question, blind=(place, chat))
    return _Heard(question, results)


def _write(lottery_id: int, heard: Sequence[_Heard]) -> None:
    """Keeps the answers; who has none waits, and where nobody can be asked the whole draw does."""
    checks.answer(lottery_id, [(one.question, one.results) for one in heard if one.complete])
    for one in heard:
        if not one.complete:
            checks.postpone(one.question, one.again)
    lottery = db.session.get_one(Lottery, lottery_id)
    blind = next((one.blind for one in heard if one.blind), None)
    if any(one.revoked for one in heard):
        checks.wait_for_bot(lottery, db.session.get_one(LotteryDraw, lottery_id), gone=True)
    elif blind is not None:
        checks.wait_for_sight(lottery, *blind)
    elif any(one.complete for one in heard):
        checks.go_on(lottery_id)
