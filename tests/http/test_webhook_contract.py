"""One contract for both doors: the raw ASGI path and the Flask view, each behind real gunicorn."""

import gzip
import socket
from collections.abc import Iterator
from datetime import timedelta
from statistics import quantiles
from time import perf_counter
from typing import NamedTuple

import pytest
import requests
from sqlalchemy import select, text

from app.core.bells import Bell, ring_now
from app.core.clock import now
from app.core.db import db
from app.core.queue import transaction
from app.domain.bots import SECRET_GRACE
from app.domain.inbox import MAX_BYTES, shard_of
from app.models import Bot, Junk, Update
from app.services import bots
from tests.inbox_tools import make_bot, raw
from tests.servers import ASGI, WSGI, Server, gunicorn
from tests.waiting import wait_for

SECRET = "X-Telegram-Bot-Api-Secret-Token"
CAP = 20


@pytest.fixture(scope="module", params=[ASGI, WSGI], ids=["asgi", "wsgi"])
def server(request) -> Iterator[Server]:
    with gunicorn(*request.param, INBOX_CAP=str(CAP)) as server:
        yield server


class Door(NamedTuple):
    url: str
    secret: str
    http: requests.Session

    def post(self, body: object, *, secret: object = None, path: str = "", method: str = "POST", **more):
        headers = {SECRET: self.secret if secret is None else secret} | more
        return self.http.request(method, self.url + path, data=body, headers=headers, timeout=30)


@pytest.fixture
def bot(cast) -> Bot:
    return make_bot(cast.tenant)


@pytest.fixture
def door(server, bot) -> Iterator[Door]:
    with requests.Session() as http:
        http.trust_env = False
        yield Door(
            f"http://127.0.0.1:{server.port}/api/webhook/{bot.public_id}/", bots.webhook_secret(bot), http
        )


def stored() -> dict[int, bytes]:
    db.session.commit()
    return {row.update_id: row.raw for row in db.session.execute(select(Update.update_id, Update.raw))}


def junk() -> list[bytes]:
    db.session.commit()
    return list(db.session.scalars(select(Junk.raw)))


def test_an_update_is_in_the_inbox_before_the_answer(door, bot):
    answer = door.post(raw(7, 5550001))
    assert (answer.status_code, answer.content) == (200, b"")
    row = db.session.scalars(select(Update)).one()
    assert (row.bot_id, row.tenant_id, row.update_id, row.chat_key) == (bot.id, bot.tenant_id, 7, 5550001)
    assert row.shard == shard_of(bot.id, 5550001, 32)


def test_the_slash_at_the_end_may_be_missing(door):
    assert door.http.post(door.url.rstrip("/"), raw(7, 1), headers={SECRET: door.secret}).status_code == 200
    assert set(stored()) == {7}


def test_a_repeat_is_answered_and_dropped_and_the_first_body_counts(door):
    first, second = raw(7, 1, "first"), raw(7, 1, "second")
    assert [door.post(body).status_code for body in (first, second, first)] == [200, 200, 200]
    assert stored() == {7: first}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(door, method):
    answer = door.post(raw(7, 1), method=method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("secret", ["", "wrong", "s" * 43, "s" * 3000, "\xe9\xff".encode("latin-1")])
def test_a_wrong_secret_and_an_unknown_bot_hear_the_same(door, secret):
    wrong = door.post(raw(7, 1), secret=secret)
    nobody = door.post(raw(7, 1), path="../" + "x" * 22 + "/", secret=secret)
    assert (wrong.status_code, wrong.content) == (403, b"") == (nobody.status_code, nobody.content)
    assert stored() == {}


@pytest.mark.parametrize("name", ["%00", "%ff%fe", "%F0%9F%98%80", "%ed%a0%80", "x" * 3000, "%27%3B--"])
def test_strange_names_are_unknown_bots(door, name):
    root = door.url.rsplit("/", 2)[0]
    assert door.http.post(f"{root}/{name}/", b"{}", headers={SECRET: "x"}).status_code == 403
    assert door.post(raw(7, 1)).status_code == 200


def test_a_missing_secret_is_refused(door):
    assert door.http.post(door.url, raw(7, 1)).status_code == 403


def test_a_doubled_secret_is_refused(door, server):
    path = "/" + door.url.split("/", 3)[3]
    request = (
        f"POST {path} HTTP/1.1\r\nHost: test\r\n{SECRET}: {door.secret}\r\n{SECRET}: {door.secret}\r\n"
        "Content-Length: 15\r\nConnection: close\r\n\r\n"
    )
    assert talk(server, request.encode() + b'{"update_id":7}').startswith(b"HTTP/1.1 403")
    assert stored() == {}


@pytest.mark.parametrize("server", [ASGI], ids=["asgi"], indirect=True)
def test_who_is_refused_hears_that_the_connection_ends(door):
    """His body was not read, so the server closes; whoever does not know loses his next request."""
    assert door.post(b"{}", secret="wrong").headers["Connection"] == "close"


def test_a_wrong_secret_takes_as_long_as_an_unknown_bot(door):
    def time_of(path: str) -> float:
        started = perf_counter()
        door.post(b"{}", path=path, secret="wrong")
        return perf_counter() - started

    pairs = [(time_of(""), time_of("../" + "x" * 22 + "/")) for _ in range(80)]
    # The first quarter, since a busy machine adds to the rest.
    known, unknown = (quantiles(times, n=4)[0] for times in zip(*pairs, strict=True))
    assert abs(known - unknown) < 0.002


def test_the_secret_before_is_accepted_for_ten_minutes(door, bot):
    with transaction():
        bots.rotate_secret(bot.id)
    wait_for(lambda: door.post(raw(7, 1), secret=bots.webhook_secret(bot)).status_code == 200)
    assert door.post(raw(8, 1)).status_code == 200
    bot.secret_rotated_at = now() - timedelta(seconds=SECRET_GRACE + 1)
    touch(bot)
    wait_for(lambda: door.post(raw(9, 1)).status_code == 403)


@pytest.mark.parametrize(
    "body",
    [
        *(b"[]", b'""', b"null", b"{", b"", b"\0", b"\xff\xfe", b"[" * 5000),
        *(b'{"update_id":"7"}', b'{"update_id":-1}', b'{"update_id":1.5}', b'{"update_id":true}'),
        *(b'{"update_id":9223372036854775808}', b'{"update_id":7,"x":"\\ud800"}'),
    ],
)
def test_junk_with_the_right_secret_is_answered_and_set_aside(door, body):
    assert door.post(body).status_code == 200
    assert (junk(), stored()) == ([body], {})


def test_a_packed_body_is_not_unpacked(door):
    bomb = gzip.compress(b"0" * 20_000_000)
    assert door.post(bomb, **{"Content-Encoding": "gzip"}).status_code == 200
    assert (junk(), stored()) == ([bomb[: 8 * 1024]], {})


def test_the_quarantine_is_bounded(door):
    assert {door.post(b"junk").status_code for _ in range(60)} == {200}
    assert len(junk()) == 50


def test_unknown_kinds_of_updates_are_kept(door):
    body = b'{"update_id":7,"brand_new_thing":{"a":[1,2,{"b":null}]},"and":"more \\u0000"}'
    assert door.post(body).status_code == 200
    assert stored() == {7: body}


def test_a_body_at_the_limit_is_taken(door):
    body = raw(7, 1, "x" * (MAX_BYTES - len(raw(7, 1, ""))))
    assert (len(body), door.post(body).status_code) == (MAX_BYTES, 200)
    assert stored() == {7: body}


def test_a_larger_body_is_refused(door):
    assert door.post(raw(7, 1, "x" * 300_000)).status_code == 413
    assert stored() == {}


def test_a_body_in_parts_is_taken(door):
    body = raw(7, 1)
    assert door.post(iter([body[:10], body[10:50], body[50:]])).status_code == 200
    assert stored() == {7: body}


def test_reading_stops_when_a_body_in_parts_gets_too_large(door, server):
    path = "/" + door.url.split("/", 3)[3]
    head = (
        f"POST {path} HTTP/1.1\r\nHost: test\r\n{SECRET}: {door.secret}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    part = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    assert talk(server, head.encode(), *[part] * 80).startswith(b"HTTP/1.1 413")
    assert (stored(), junk()) == ({}, [])


def test_a_stopped_bot_leaves_its_updates_with_telegram(door, bot):
    bot.enabled = False
    touch(bot)
    wait_for(lambda: door.post(raw(7, 1)).status_code == 503)
    assert door.post(raw(7, 1)).headers["Retry-After"] == "60"
    assert stored() == {}


def test_a_removed_bot_is_unknown(door, bot):
    assert door.post(raw(7, 1)).status_code == 200
    bot.removed_at = now()
    touch(bot)
    wait_for(lambda: door.post(raw(8, 1)).status_code == 403)


def test_a_bot_with_too_many_open_updates_is_asked_to_wait(door, bot):
    answers = [door.post(raw(number, 1)) for number in range(CAP + 5)]
    assert [answer.status_code for answer in answers] == [200] * CAP + [503] * 5
    assert answers[-1].headers["Retry-After"] == "30"
    db.session.execute(text("UPDATE inbox SET state = 'done'"))
    db.session.commit()
    wait_for(lambda: door.post(raw(1000, 1)).status_code == 200)


def test_pages_are_served_beside_it(server):
    answer = requests.get(f"http://127.0.0.1:{server.port}/healthz", timeout=10)
    assert answer.json() == {"status": "ok"}


def touch(bot: Bot) -> None:
    """A change as the services make it: version and bell."""
    bot.version += 1
    db.session.commit()
    ring_now(Bell.BOTS, str(bot.id))


def talk(server: Server, *parts: bytes) -> bytes:
    """What a server says to bytes that no HTTP library would send."""
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except OSError:
            pass
        return connection.recv(1000)
