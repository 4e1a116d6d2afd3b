"""A slice: the task that holds shards of bots for a bounded time by renewing their leases."""

import logging
import os
import socket
import threading
import time
from typing import ClassVar
from uuid import uuid4

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.core.bells import Bell
from app.core.db import db
from app.core.queue import TaskName, ring, send, transaction
from app.core.redis import quick
from app.core.settings import Settings, get_settings
from app.core.stopping import stopping
from app.services import leases
from bots.telegram.polling.engine import Engine, Seat

log = logging.getLogger(__name__)

ORPHAN_LEASES = 2.0
"""A shard that nobody took for so many lengths of a lease is taken by somebody who already has one."""


class _Process:
    """What this process has one of."""

    lock: ClassVar[threading.Lock] = threading.Lock()
    engine: ClassVar[Engine | None] = None


def engine() -> Engine:
    """The engine of this process; a new one where there is none or its thread has ended."""
    with _Process.lock:
        if _Process.engine is None or not _Process.engine.alive:
            app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - for a thread
            _Process.engine = Engine(app, get_settings())
        return _Process.engine


def close() -> None:
    """Ends the engine of this process, if there is one."""
    with _Process.lock:
        if _Process.engine is not None:
            _Process.engine.close()
            _Process.engine = None


def run(stop: threading.Event = stopping) -> None:
    """Polls a shard for one slice, then hands over; returns at once where no shard is free."""
    settings, motor = get_settings(), engine()
    seat = motor.take_up() or _take(settings, motor)
    if seat is None:
        return
    try:
        ours = _hold(seat, settings, motor, stop)
    except BaseException:
        motor.leave(seat)
        raise
    if ours and not stop.is_set():
        motor.park(seat)
    else:
        motor.leave(seat)
        if ours:
            _release(seat)
    send(TaskName.POLLING_SLICE)


def _take(settings: Settings, motor: Engine) -> Seat | None:
    seat = Seat(f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}")
    if not _take_shard(seat, settings):
        return None
    motor.sit(seat)
    return seat


def _take_shard(seat: Seat, settings: Settings) -> bool:
    asked = time.monotonic()
    shards, seconds = settings.poll_shards, settings.lease_seconds
    with transaction():
        leases.create_shards(leases.POLL, shards)
        taken = leases.take(leases.POLL, seat.owner, shards=shards, most=1, seconds=seconds)
    seat.shards |= {lease.shard for lease in taken}
    seat.until = seat.until or asked + seconds
    return bool(taken)


def _hold(seat: Seat, settings: Settings, motor: Engine, stop: threading.Event) -> bool:
    """Renews until the slice is over or somebody wants us to stop; False when the shards are no longer ours."""
    end = time.monotonic() + settings.slice_seconds
    free_since: float | None = None
    while _renew(seat, settings, motor):
        # Without a broker nobody would hear of the next slice, so this one goes on.
        if stop.is_set() or (time.monotonic() >= end and _broker_answers()):
            return True
        free_since = _adopt(seat, settings, motor, free_since)
        stop.wait(min(settings.lease_seconds / 3, max(0.0, end - time.monotonic()) + 0.01))
        if not motor.alive:
            raise RuntimeError("the polling thread has ended")
    return False


def _renew(seat: Seat, settings: Settings, motor: Engine) -> bool:
    """Prolongs the leases. A database that is away is asked again while they last."""
    asked = time.monotonic()
    try:
        with transaction():
            kept = frozenset(leases.renew(leases.POLL, seat.owner, settings.lease_seconds))
    except SQLAlchemyError as error:
        log.warning("leases not renewed", extra={"reason": str(error)})
        db.session.remove()
        return asked < seat.until
    lost, seat.shards, seat.until = seat.shards - kept, kept, asked + settings.lease_seconds
    if lost:
        motor.changed()
    return bool(kept)


def _adopt(seat: Seat, settings: Settings, motor: Engine, since: float | None) -> float | None:
    """Takes a shard that stays free, as when there are fewer tasks than shards. Returns since when one is free."""
    now = time.monotonic()
    try:
        with transaction():
            held, _ = leases.held(leases.POLL, settings.poll_shards)
        if held >= settings.poll_shards:
            return None
        if since is None or now - since < ORPHAN_LEASES * settings.lease_seconds:
            return since or now
        if _take_shard(seat, settings):
            motor.changed()
    except SQLAlchemyError as error:
        log.warning("free shards not looked for", extra={"reason": str(error)})
        db.session.remove()
    return None


def _release(seat: Seat) -> None:
    try:
        with transaction():
            leases.release(leases.POLL, seat.owner, set(seat.shards))
            ring(Bell.LEASES, leases.POLL)
    except SQLAlchemyError as error:
        # They run out by themselves.
        log.warning("leases not released", extra={"reason": str(error)})
        db.session.remove()


def _broker_answers() -> bool:
    try:
        return bool(quick().ping())
    except RedisError:
        return False
