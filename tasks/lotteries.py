"""Lotteries: opening, closing, drawing, telling the winners, channel posts, repeats."""

import logging
import time
from collections.abc import Callable, Iterable
from functools import partial

from celery import shared_task
from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError

from app.core.errors import AppError, OutsideFailed
from app.core.queue import TaskName, send, transaction
from app.core.stopping import stopping
from app.core.tenancy import system_scope
from app.domain.draw import BeaconChain
from app.gateways import drand_rounds
from app.services.lotteries import manage, order, posts, results, settling, templates, winners
from app.services.lotteries import sweep as sweeping
from app.services.lotteries.order import Awaited
from app.services.schedule import claim_slot
from bots import draw_checks

log = logging.getLogger(__name__)
SWEEP_SECONDS = 1.5
REPEAT_SECONDS = 15
RING = "lotteries.ring"
RING_SECONDS = 4.5
REFRESH_SECONDS = 4
"""Shorter than the schedule's step, so that a round ends before the next one is due."""


@shared_task(name=TaskName.LOTTERIES_SWEEP)
def sweep() -> None:
    """Opens and closes what is due, asks again for draws that are not done."""
    with system_scope():
        with transaction():
            if not claim_slot(TaskName.LOTTERIES_SWEEP, SWEEP_SECONDS):
                return
            due = sweeping.find()
            if claim_slot(RING, RING_SECONDS):
                sweeping.ring()
                winners.expire()
        # Closing comes first: it must not wait for relays that are slow.
        failed = _each(partial(_commit, step) for step in sweeping.closings(due))
        beacon = manage.prepare_beacon() if due.opening else None
        failed += _each(partial(_commit, step) for step in sweeping.openings(due, beacon))
    _raise(failed)


def _commit(step: Callable[[], object]) -> None:
    with transaction():
        step()


def _raise(failed: list[Exception]) -> None:
    if failed:
        raise ExceptionGroup("some of those that are due", failed)


def _each(steps: Iterable[Callable[[], object]]) -> list[Exception]:
    """Each has a transaction of its own; what one of them raises stops no other.

    A lottery that somebody holds for too long is only left for the next time.
    """
    failed: list[Exception] = []
    for step in steps:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - raised by the caller when all had their turn
            held = isinstance(error, OperationalError) and isinstance(error.orig, LockNotAvailable)
            if held:
                log.warning("a lottery that is due is held by somebody", extra={"reason": str(error)})
            else:
                failed.append(error)
    return failed


@shared_task(name=TaskName.LOTTERIES_REPEAT)
def repeat() -> None:
    """Makes the lotteries that come every day or week."""
    with system_scope():
        with transaction():
            if not claim_slot(TaskName.LOTTERIES_REPEAT, REPEAT_SECONDS):
                return
            due = templates.list_due()
        beacon = manage.prepare_beacon() if due else None
        failed = _each(partial(_repeat, template_id, beacon) for template_id in due)
    _raise(failed)


def _repeat(template_id: int, beacon: BeaconChain | None) -> None:
    try:
        with transaction():
            templates.run_turn(template_id, beacon)
    except AppError as error:
        with transaction():
            templates.give_up(template_id, error)


@shared_task(name=TaskName.LOTTERIES_REFRESH_POSTS)
def refresh_posts() -> None:
    """Brings the counters of posts in channels up to date."""
    with system_scope():
        with transaction():
            if not claim_slot(TaskName.LOTTERIES_REFRESH_POSTS, REFRESH_SECONDS):
                return
        until, more = time.monotonic() + REFRESH_SECONDS, True
        while more and time.monotonic() < until:
            with transaction():
                more = posts.sweep()


@shared_task(name=TaskName.LOTTERIES_DRAW)
def draw(lottery_id: int) -> None:
    """Takes a draw as far as it goes now."""
    with system_scope():
        more = True
        while more:
            with transaction():
                step = results.advance(lottery_id)
            more = _hear(step) if isinstance(step, Awaited) else step


def _hear(awaited: Awaited) -> bool:
    """Asks the beacon's relays and keeps what they say; True when the draw can go on."""
    try:
        signature = drand_rounds.signature(awaited.chain, awaited.round)
    except OutsideFailed as error:
        with transaction():
            order.miss(awaited.lottery_id, error)
        return False
    with transaction():
        return order.hear(awaited.lottery_id, signature)


@shared_task(name=TaskName.LOTTERIES_CHECK)
def check(lottery_id: int) -> None:
    """Asks Telegram about candidates, and asks for a successor when its time is over."""
    with system_scope():
        if draw_checks.run(lottery_id, stopping):
            send(TaskName.LOTTERIES_CHECK, lottery_id)


@shared_task(name=TaskName.LOTTERIES_SETTLE)
def settle(lottery_id: int) -> None:
    """Tells winners and channels, or gives back what was paid."""
    with system_scope():
        more = True
        while more:
            with transaction():
                more = settling.settle(lottery_id)
