"""Calls to Telegram with a lease that lives as long as whoever makes them: renewed while they last, free soon after his
death, however long a call may take. And what came of a call is written down, also where PostgreSQL is just restarting.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Final, TypeVar

from flask import Flask, current_app
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from app.core.db import is_away
from app.core.queue import transaction
from app.core.tenancy import tenant_scope

T = TypeVar("T")
log = logging.getLogger(__name__)
RENEWALS: Final = 3
"""So often is a lease renewed before it could run out."""
AGAIN_SECONDS: Final = 0.5
"""Between two tries to reach a PostgreSQL that is away."""


def wait_renewing(calls: Collection[Future[T]], seconds: float, renew: Callable[[], object]) -> list[T]:
    """The results in order, when all calls have ended; meanwhile leases of so many `seconds` are renewed.

    `renew` runs in a transaction of its own. Where PostgreSQL is away the calls go on: what became of them still counts.
    """
    left = set(calls)
    while left:
        left = wait(left, timeout=seconds / RENEWALS).not_done
        if left:
            _renew(renew)
    return [call.result() for call in calls]


def _renew(renew: Callable[[], object]) -> None:
    try:
        with transaction():
            renew()
    except (DBAPIError, NoConnectionFree) as error:
        if not is_away(error):
            raise
        log.warning("leases not renewed", extra={"reason": str(error)})


def write_down(write: Callable[[], T], seconds: float) -> T:
    """Runs `write` in a transaction of its own; where PostgreSQL is away, again and again for so many seconds.

    What happened outside can't be undone, and is worth some patience. `write` runs once more where it was committed and
    only the answer to that was lost. Raises what PostgreSQL last said.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            with transaction():
                return write()
        except (DBAPIError, NoConnectionFree) as error:
            if not is_away(error) or time.monotonic() >= until:
                raise
            log.warning("not written down yet", extra={"reason": str(error)})
        time.sleep(AGAIN_SECONDS)


def this_app() -> Flask:
    """The app itself, which threads need."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - what stands for it knows its thread alone
    return app


@contextmanager
def scope_in_thread(app: Flask, tenant_id: int) -> Iterator[None]:
    """A thread of a pool has neither app nor tenant."""
    with app.app_context(), tenant_scope(tenant_id):
        yield
