"""Finds the lotteries that something is due for. Every query reads a partial index of just those rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Select, exists, or_, select

from app.core import clock
from app.core.db import db
from app.core.i18n import N_, translate
from app.core.queue import TaskName, enqueue
from app.domain.draw import BeaconChain
from app.domain.lotteries import CloseReason, LotteryState
from app.models import Lottery, LotteryDraw, LotteryTally, Tenant
from app.services.lotteries import lookup, manage, spec

BATCH: Final = 200
_TOO_LATE: Final = N_("It could not be opened before its closing time.")


@dataclass(frozen=True, slots=True)
class Due:
    """Ids of lotteries, the oldest first: to be opened, and to be closed for a reason."""

    opening: list[int]
    closing: list[tuple[int, CloseReason]]


def find() -> Due:
    """What is due now, a batch of each."""
    moment = clock.now()
    timed = [(one, CloseReason.TIME) for one in _past_closing(moment)]
    full = [(one, CloseReason.FULL) for one in _full(moment)]
    return Due(_past_opening(moment), timed + full)


def open_one(lottery_id: int, beacon: BeaconChain | None) -> bool:
    """Opens a scheduled lottery whose moment has come. Where the beacon is away it waits a minute for it."""
    lottery = lookup.get(lottery_id, lock=True)
    late = clock.now() - (lottery.opens_at or clock.now())
    if lottery.state is not LotteryState.SCHEDULED or late.total_seconds() < 0:
        return False
    if clock.now() >= lottery.closes_at:
        manage.cancel(lottery.id, translate(spec.locale(lottery.tenant_id), _TOO_LATE))
        return False
    if manage.beacon_missing(beacon) and late < manage.BEACON_PATIENCE:
        return False
    manage.open_now(lottery, beacon)
    return True


def close_one(lottery_id: int, reason: CloseReason) -> bool:
    """Closes an open lottery; False when another was first, or when it was cancelled."""
    lottery = lookup.get(lottery_id)
    return lottery.state is LotteryState.OPEN and manage.close(lottery_id, reason)


def ring() -> None:
    """Asks again for what a lost message or a dead worker may have left: draws, and the work after them."""
    # One that waits for its time must not take the place of others, however many of them wait.
    waits = exists().where(LotteryDraw.lottery_id == Lottery.id, LotteryDraw.not_before > clock.now())
    drawing = (
        select(Lottery.id).where(Lottery.state == LotteryState.DRAWING, ~waits).order_by(Lottery.closes_at)
    )
    unsettled = (
        select(Lottery.id)
        .where(
            ~waits,
            Lottery.settled_at.is_(None),
            or_(Lottery.state == LotteryState.DRAWN, Lottery.state == LotteryState.CANCELLED),
        )
        .order_by(Lottery.id)
    )
    for lottery_id in _ids(drawing):
        enqueue(TaskName.LOTTERIES_DRAW, lottery_id)
    for lottery_id in _ids(unsettled):
        enqueue(TaskName.LOTTERIES_SETTLE, lottery_id)


def closings(due: Due) -> Iterator[Callable[[], bool]]:
    """Each is a transaction of its own, so that nothing is held for longer than one lottery needs."""
    for lottery_id, reason in due.closing:
        yield partial(close_one, lottery_id, reason)


def openings(due: Due, beacon: BeaconChain | None) -> Iterator[Callable[[], bool]]:
    """The same for those that are to be opened."""
    for lottery_id in due.opening:
        yield partial(open_one, lottery_id, beacon)


def _past_opening(moment: datetime) -> list[int]:
    """Those of suspended tenants wait: their bots are silent, so nobody could join."""
    query = (
        select(Lottery.id)
        .join(Tenant, Tenant.id == Lottery.tenant_id)
        .where(
            Lottery.state == LotteryState.SCHEDULED,
            Lottery.opens_at <= moment,
            Tenant.suspended_at.is_(None),
        )
    )
    return _ids(query.order_by(Lottery.opens_at))


def _past_closing(moment: datetime) -> list[int]:
    query = select(Lottery.id).where(Lottery.state == LotteryState.OPEN, Lottery.closes_at <= moment)
    return _ids(query.order_by(Lottery.closes_at))


def _full(moment: datetime) -> list[int]:
    query = (
        select(Lottery.id)
        .join(LotteryTally, LotteryTally.lottery_id == Lottery.id)
        .where(
            Lottery.state == LotteryState.OPEN,
            Lottery.closes_when_full,
            Lottery.closes_at > moment,
            LotteryTally.shard == 0,
            LotteryTally.entries >= LotteryTally.most,
        )
    )
    return _ids(query.order_by(Lottery.id))


def _ids(query: Select[int]) -> list[int]:
    return list(db.session.scalars(query.limit(BATCH)))
