"""Several clerks and a reader of the feed, each a fork of this process, who may be killed at any moment and are replaced at once.

`python -m tests.faults.clerks` on the servers of a stack; it answers the questions of `banking.Bank`.
"""

import json
import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select

from app.core.db import db, is_away
from app.core.i18n import EN
from app.core.queue import TaskName, send, transaction
from app.domain.plans import Plan
from app.models import CreditPosting
from app.services import credits as ledger
from app.services import tenants
from app.services.credit_clients import manage
from app.services.credit_sync import partners
from app.services.credits import NewPosting, feed, holds, settings
from tests.e2e.surroundings import die_with_parent
from tests.faults.answering import serve
from tests.faults.clerk import FIRST, OVERDRAFT, PEOPLE, SOURCE, Clerk, Journal, whole_lines, work
from wsgi import app

READER: Final = "feed"
OVER: Final = "over"
BROKEN: Final = "broken"


def open_bank(name: str) -> int:
    """The id of a new tenant where everybody has 100 credits and may owe some."""
    with transaction():
        tenant = tenants.create(
            name, f"{name}@example.com", "correct horse battery", Plan.ENTERPRISE, EN
        ).tenant
        settings.save(tenant.id, transfers=True, overdraft=OVERDRAFT)
        gifts = [NewPosting(FIRST + who, 100, "admin", f"gift-{who}", "x") for who in range(PEOPLE)]
        ledger.post_many(tenant.id, gifts)
    return tenant.id


def open_project(tenant_id: int) -> list[str]:
    """API key and secret of a project that may call as often as it likes."""
    with transaction():
        client = manage.create_client(tenant_id, SOURCE, "Shop")
        manage.change_client(client.id, rate=1000, burst=1000)
        made = manage.create_key(client.id)
    return [made.api_key, made.secret_key]


def add_partner(tenant_id: int, url: str) -> list[str]:
    """Key id and secret of a partner who is sent everything."""
    with transaction():
        made = partners.create(tenant_id, "Mall", url, start="beginning")
    return [made.key_id, made.secret_key]


def post_some(tenant_id: int, reference: str) -> None:
    """Three batches of postings, of several people each."""
    for batch in range(3):
        new = [NewPosting(FIRST + who % 7, 1, SOURCE, f"{reference}-{batch}-{who}", "x") for who in range(40)]
        with transaction():
            ledger.post_many(tenant_id, new)


def ring(times: int) -> None:
    """As many beats do at the same moment."""
    for _ in range(times):
        send(TaskName.CREDITS_SYNC)


def check(tenant_id: int) -> list[int]:
    """What the program itself says of its ledger: accounts, postings, mistakes."""
    with transaction():
        found = ledger.check(tenant_id)
    return [found.accounts, found.postings, len(found.mismatches)]


def race(folder: str, tenant_id: int, clerks: int, seconds: float, more: dict[str, Any]) -> dict[str, object]:
    """Clerks who work for so many seconds, at a `mix` of deeds.

    One of them, or the reader, is killed about every `kill_every` seconds (0: nobody).
    """
    kill_every: float = more["kill_every"]
    crew = Crew(Path(folder), tenant_id, more["mix"], time.time() + seconds, mortal=kill_every > 0)
    crew.folder.mkdir()
    db.session.remove()
    db.engine.dispose()
    names = [READER, *(str(number) for number in range(clerks))]
    for name in names:
        crew.fork(name)
    while set(crew.living) - {READER}:
        crew.look()
        if kill_every and time.time() < crew.until and crew.chance.random() < 0.02 / kill_every:
            os.kill(crew.living[crew.chance.choice(list(crew.living))], signal.SIGKILL)
        time.sleep(0.02)
    (crew.folder / OVER).touch()
    while crew.living:
        crew.look()
        time.sleep(0.02)
    return {"deaths": crew.deaths, "broken": crew.broken()}


class Crew:
    """Processes by name."""

    def __init__(self, folder: Path, tenant_id: int, mix: str, until: float, *, mortal: bool) -> None:
        self.folder, self.tenant_id, self.mix, self.until, self.mortal = folder, tenant_id, mix, until, mortal
        self.living: dict[str, int] = {}
        self.deaths = 0
        self.chance = random.Random()

    def fork(self, name: str) -> None:
        """One more process, or one in the place of a dead one."""
        child = os.fork()
        if child:
            self.living[name] = child
            return
        die_with_parent()
        try:
            with app.app_context():
                self._live(name)
        except BaseException:  # noqa: BLE001 - the child must not go on as the parent
            with (self.folder / BROKEN).open("a") as file:
                file.write(f"{name}: {traceback.format_exc()}\n")
            os._exit(1)
        os._exit(0)

    def look(self) -> None:
        """Replaces those who were killed, and lets go of those who are done."""
        for name, child in list(self.living.items()):
            pid, status = os.waitpid(child, os.WNOHANG)
            if not pid:
                continue
            del self.living[name]
            if os.WIFSIGNALED(status):
                self.deaths += 1
                self.fork(name)

    def broken(self) -> str:
        """What processes said who failed."""
        file = self.folder / BROKEN
        return file.read_text() if file.exists() else ""

    def _live(self, name: str) -> None:
        if self.mortal:
            holds.expire_due = dies_after(holds.expire_due)
        if name == READER:
            read(self.tenant_id, self.folder / READER, self.folder / OVER)
        else:
            clerk = Clerk(int(name), Journal(self.folder / f"{name}.journal"), self.mix)
            work(self.tenant_id, clerk, self.until)


def dies_after(real: Callable[[int], int]) -> Callable[[int], int]:
    """Some never get to the commit."""

    def called(limit: int) -> int:
        found = real(limit)
        if random.random() < 0.2:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    return called


def read(tenant_id: int, path: Path, over: Path) -> None:
    """Writes the feed down while others post, until nothing more can come."""
    seen = [json.loads(line) for line in whole_lines(path)]
    cursor = seen[-1][0] if seen else 0
    with path.open("a") as file:
        while True:
            is_over = over.exists()
            try:
                with transaction():
                    settled = feed.advance()
                with transaction():
                    found = feed.changes(tenant_id, cursor, 2000)
                    last = db.session.scalar(select(func.max(CreditPosting.id)))
            except Exception as error:
                db.session.remove()
                if not is_away(error):
                    raise
                time.sleep(0.05)
                continue
            for one in found:
                file.write(json.dumps([one.id, one.account_id, one.amount, one.balance]) + "\n")
                cursor = one.id
            file.flush()
            if is_over and not found and settled >= last:
                return
            time.sleep(0.05)


ANSWERS: Final[dict[str, Callable[..., Any]]] = {
    each.__name__: each for each in (open_bank, open_project, add_partner, post_some, ring, check, race)
}

if __name__ == "__main__":
    die_with_parent()
    serve(ANSWERS)
