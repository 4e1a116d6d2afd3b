"""Where a process may die while a lottery is drawn: what it calls there, by the name of the point.

`arm` prepares a process: while a folder holds a file that is named like a point, the first who comes there removes it
and dies by SIGKILL. A file `<point>.hold` keeps whoever comes there until it is gone; `<point>.here` says that somebody is.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Final

from tests.waiting import wait_for

POINTS: Final = {
    "closing": "app.services.lotteries.manage.audit_act",
    "sealing": "app.services.lotteries.sealing.root_of",
    "sealed": "app.services.lotteries.sealing.events.append",
    "ranking": "app.services.lotteries.order.best",
    "revealed": "app.services.lotteries.order.beacon",
    "claiming": "app.services.lotteries.checks._decide",
    "asking": "bots.draw_checks.is_member",
    "answering": "bots.draw_checks._write",
    "winning": "app.services.lotteries.results.move",
    "posting": "app.services.lotteries.settling._post",
    "telling": "app.services.lotteries.settling.outbox.queue_message",
    "finishing": "app.services.lotteries.settling.posts.queue_result",
    "redrawing": "app.services.lotteries.results._draw_again",
}
SENDING: Final = {
    "sending": "bots.telegram.outbox._call",
    "sent": "bots.telegram.outbox._sent",
}
"""Before a message leaves, and when Telegram has it but our database does not know."""


def arm(folder: Path, points: dict[str, str]) -> None:
    """Makes this process mortal at these points."""
    for point, path in points.items():
        where, _, name = path.rpartition(".")
        module = resolve_name(where)
        setattr(module, name, _mortal(folder / point, getattr(module, name)))


def _mortal(file: Path, real: Callable[..., Any]) -> Callable[..., Any]:
    def called(*args: object, **more: object) -> object:
        hold = file.with_suffix(".hold")
        if hold.exists():
            file.with_suffix(".here").touch()
            wait_for(lambda: not hold.exists(), seconds=25, what="being let go")
        try:
            file.unlink()
        except FileNotFoundError:
            return real(*args, **more)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("nobody survives this")

    return called
