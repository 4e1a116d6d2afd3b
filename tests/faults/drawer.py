"""A worker for draws alone, which kills itself at the points that are named: `python -m tests.faults.drawer <folder>`.

Each file in the folder is named like a point; who comes there first removes it and dies by SIGKILL. Ends with 0 when
every lottery is settled and every message sent.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.services.lotteries import sweep
from tasks import lotteries, telegram
from tests.faults.deaths import POINTS
from wsgi import app


def mortal(file: Path, real: Callable[..., Any]) -> Callable[..., Any]:
    """As `real`, but whoever is the first to come here while the file is there does not return."""

    def called(*args: object, **more: object) -> object:
        try:
            file.unlink()
        except FileNotFoundError:
            return real(*args, **more)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("nobody survives this")

    return called


def main(folder: Path) -> None:
    for point, path in POINTS.items():
        where, _, name = path.rpartition(".")
        module = resolve_name(where)
        setattr(module, name, mortal(folder / point, getattr(module, name)))
    while left := unsettled():
        close_due()
        for lottery_id in left:
            for task in (lotteries.draw, lotteries.check, lotteries.settle):
                task(lottery_id)
    for bot_id in ids("SELECT id FROM bot"):
        telegram.send_outbox(bot_id)


def close_due() -> None:
    """What the sweep does."""
    with app.app_context(), system_scope():
        with transaction():
            due = sweep.find()
        for step in sweep.closings(due):
            with transaction():
                step()


def unsettled() -> Sequence[int]:
    return ids("SELECT id FROM lottery WHERE settled_at IS NULL")


def ids(query: str) -> Sequence[int]:
    with app.app_context(), system_scope(), transaction():
        # Instead of a minute: leases of the dead run out, and nobody else asks here.
        db.session.execute(text("UPDATE lottery_candidate SET lease_until = now() - interval '1 s' WHERE lease_until < now() + interval '58 s'"))  # fmt: skip
        return list(db.session.scalars(text(query)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
