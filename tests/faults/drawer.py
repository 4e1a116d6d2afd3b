"""A worker for draws alone, which kills itself at the points that are named: `python -m tests.faults.drawer <folder>`.

Each file in the folder is named like a point; who comes there first removes it and dies by SIGKILL. Ends with 0 when
every lottery is settled and every message sent.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.services.lotteries import sweep
from tasks import lotteries, telegram
from tests.faults.deaths import POINTS, arm
from wsgi import app


def main(folder: Path) -> None:
    arm(folder, POINTS)
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
        return list(db.session.scalars(text(query)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
