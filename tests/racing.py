"""Many at the same moment, each over a connection of his own."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

from flask import current_app

from app.core.db import db
from app.core.errors import AppError
from app.core.queue import transaction
from app.core.tenancy import system_scope


def in_threads(jobs: Iterable[Callable[[], object]], threads: int = 16) -> list[object]:
    """Runs jobs in some threads that begin together; what each returned or raised, in order."""
    waiting = list(enumerate(jobs))
    results: list[object] = [None] * len(waiting)
    waiting.reverse()
    app, start = current_app._get_current_object(), threading.Barrier(threads)

    def work() -> None:
        start.wait(10)
        with app.app_context(), system_scope():
            while waiting:
                try:
                    place, job = waiting.pop()
                except IndexError:
                    return
                try:
                    results[place] = job()
                except Exception as error:  # noqa: BLE001 - the test looks at it
                    results[place] = error
            db.session.remove()

    crew = [threading.Thread(target=work) for _ in range(threads)]
    for one in crew:
        one.start()
    for one in crew:
        one.join(60)
    return results


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Each act in a thread and a transaction of its own; what it gave, or the code of its error."""
    ends = in_threads([partial(_act, one) for one in acts], threads=len(acts))
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return ends


def endings(*acts: Callable[[], object]) -> Counter[str]:
    """The same, as how often it ended how: `done`, or the code of an error."""

    def told(act: Callable[[], object]) -> None:
        act()

    return Counter(
        end if isinstance(end, str) else "done" for end in at_once(*(partial(told, one) for one in acts))
    )


def _act(act: Callable[[], object]) -> object:
    try:
        with transaction():
            return act()
    except AppError as error:
        return error.code
