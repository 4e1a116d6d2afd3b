"""A worker for orders alone that kills itself at the points that are named: `python -m tests.faults.fulfiller <folder>`.

Each file in the folder is named like a point; who comes there first removes it and dies by SIGKILL. A life is a fork of
this process, which has read all code and opened no connection. Prints how many lives ended so; ends when no order waits.
"""

import os
import signal
import sys
import threading
import traceback
from pathlib import Path

from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.services.fulfilment import claims, outcome
from bots import order_signs, order_worker
from bots.telegram import gate
from tasks import orders, telegram
from tests.e2e.surroundings import die_with_parent
from tests.faults.deaths import arm
from tests.faults.order_deaths import POINTS
from wsgi import app

LEASE = 1.0


def main(folder: Path) -> int:
    deaths = 0
    while (status := life(folder)) != 0:
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            return 1
        deaths += 1
    sys.stdout.write(f"{deaths}\n")
    return 0


def life(folder: Path) -> int:
    """How one process ended, as `waitpid` says it."""
    child = os.fork()
    if child == 0:
        die_with_parent()
        try:
            live(folder)
        except BaseException:  # noqa: BLE001 - the child must not go on as the parent
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def live(folder: Path) -> None:
    arm(folder, POINTS)
    hurry()
    nobody = threading.Event()
    while unfinished():
        orders.sweep_orders()
        with app.app_context(), system_scope():
            order_worker.run(app, nobody)
        for bot_id in ids("SELECT DISTINCT bot_id FROM outbox WHERE state IN ('queued', 'sending')"):
            telegram.send_outbox(bot_id)


def hurry() -> None:
    """Leases of a second, and no patience anywhere: not with Telegram's limits either, which the sandbox has none of."""
    claims.LEASE_SECONDS = LEASE
    order_worker.RENEW_SECONDS = LEASE / 4
    order_worker.SLOT_SECONDS = LEASE
    order_worker.LINGER_SECONDS = 0.2
    order_worker.LOOK_SECONDS = 0.05
    order_signs.EDIT_SECONDS = order_signs.TYPE_SECONDS = 0.0
    orders.SWEEP_SECONDS = 0.05
    outcome.wait_after = lambda _attempts: 0.0
    gate.wait_turn = lambda *_: None
    get_settings().lease_seconds = LEASE / 2.5


def unfinished() -> list[int]:
    return ids("SELECT id FROM orders WHERE state IN ('paid', 'generating')")


def ids(query: str) -> list[int]:
    with app.app_context(), system_scope(), transaction():
        return list(db.session.scalars(text(query)))


if __name__ == "__main__":
    die_with_parent()
    sys.exit(main(Path(sys.argv[1])))
