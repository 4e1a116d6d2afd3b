"""The webhook's servers: several workers, the end of a process, a database that is away."""

import signal
import threading
from itertools import count

import pytest
import requests
from sqlalchemy import select

from app.core.db import db
from app.models import Bot, Update
from app.services import bots
from tests.http.test_webhook_contract import SECRET
from tests.inbox_tools import make_bot, raw
from tests.servers import ASGI, WSGI, Server, gunicorn
from tests.waiting import wait_for

NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:9/none"


@pytest.fixture
def bot(cast) -> Bot:
    return make_bot(cast.tenant)


def stored() -> set[int]:
    db.session.commit()
    return set(db.session.scalars(select(Update.update_id)))


class Senders:
    """Telegram's connections: they send one update after the other until the server is gone."""

    def __init__(self, server: Server, bot: Bot, number: int = 6) -> None:
        self.url = f"http://127.0.0.1:{server.port}/api/webhook/{bot.public_id}/"
        self.secret = bots.webhook_secret(bot)
        self.taken: list[int] = []
        self.refused: list[int] = []
        self._ids = count(1)
        self._threads = [threading.Thread(target=self._send) for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        with requests.Session() as http:
            http.trust_env = False
            while True:
                number = next(self._ids)
                try:
                    answer = http.post(
                        self.url, raw(number, number), headers={SECRET: self.secret}, timeout=10
                    )
                except requests.ConnectionError:
                    return
                (self.taken if answer.status_code == 200 else self.refused).append(number)

    def wait(self) -> None:
        for thread in self._threads:
            thread.join(30)


@pytest.mark.parametrize("server", [ASGI, WSGI], ids=["asgi", "wsgi"])
def test_what_was_answered_before_the_end_is_stored(server, bot):
    # Nobody reads the inbox here, and a quick machine fills the usual cap before the server has ended.
    with gunicorn(*server, workers=2, INBOX_CAP="1000000") as running:
        senders = Senders(running, bot)
        wait_for(lambda: len(senders.taken) > 100, seconds=20)
        running.process.send_signal(signal.SIGTERM)
        senders.wait()
        assert running.process.wait(30) == 0
    assert senders.refused == []
    assert set(senders.taken) <= stored()


@pytest.mark.parametrize("server", [ASGI, WSGI], ids=["asgi", "wsgi"])
def test_a_database_that_is_away_makes_telegram_wait_five_seconds(server, bot):
    with gunicorn(*server, DATABASE_URL=NOWHERE) as running:
        answer = requests.post(
            f"http://127.0.0.1:{running.port}/api/webhook/{bot.public_id}/",
            raw(1, 1),
            headers={SECRET: bots.webhook_secret(bot)},
            timeout=20,
        )
    assert (answer.status_code, answer.headers["Retry-After"], answer.content) == (503, "5", b"")
