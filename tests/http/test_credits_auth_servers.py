"""Signed calls over real servers with two workers each: what both kinds of server let a check see."""

import http.client
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.services.credit_clients import manage
from tests.cast import Cast
from tests.crediting import Project, project
from tests.servers import Server, gunicorn

PATH = "/api/credits/changes?after=0"
SERVERS = {"asgi": ("-k", "asgi", "asgi:app"), "wsgi": ("-k", "gthread", "--threads", "8", "wsgi:app")}


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with gunicorn(*SERVERS[request.param], workers=2) as running:
        yield running


@pytest.fixture
def shop(app: Flask, cast: Cast) -> Project:
    made = project(cast.tenant.id)
    db.session.execute(text("UPDATE credit_client SET rate = 1000, burst = 1000"))
    db.session.commit()
    return made


def ask(
    server: Server,
    path: str,
    headers: list[tuple[str, str]],
    body: bytes | Iterator[bytes] | None = None,
    method: str = "GET",
) -> int:
    """The status; headers are sent as they are listed."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.putrequest(method, path)
    for name, value in headers:
        connection.putheader(name, value)
    chunked = body is not None and not isinstance(body, bytes)
    if chunked:
        connection.putheader("Transfer-Encoding", "chunked")
    elif body:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body, encode_chunked=chunked)
    answer = connection.getresponse()
    assert answer.getheader("X-Server-Time")
    answer.read()
    connection.close()
    return answer.status


def test_two_workers_accept_a_call_once(server: Server, shop: Project):
    headers = list(shop.headers("GET", PATH).items())
    with ThreadPoolExecutor(16) as threads:
        ends = Counter(threads.map(lambda _: ask(server, PATH, headers), range(64)))
    assert ends == {200: 1, 409: 63}


def test_the_path_and_the_query_are_signed_as_they_are_sent(server: Server, shop: Project):
    odd = "/api/credits/changes?after=%30"
    assert ask(server, odd, list(shop.headers("GET", odd).items())) == 200
    encoded = "/api/credits/%63hanges?after=0"
    assert ask(server, encoded, list(shop.headers("GET", encoded).items())) == 200
    assert ask(server, encoded, list(shop.headers("GET", PATH).items())) == 401


@pytest.mark.parametrize("name", ["X-Api-Key", "X-Timestamp", "X-Nonce"])
def test_a_header_that_comes_twice_is_refused(server: Server, shop: Project, name: str):
    headers = list(shop.headers("GET", PATH).items())
    twice = [*headers, *((each, value) for each, value in headers if each == name)]
    assert ask(server, PATH, twice) == 401
    assert ask(server, PATH, headers) == 200


def test_no_header_leads_to_another_path_than_the_signed_one(server: Server, shop: Project):
    headers = list(shop.headers("GET", PATH).items())
    assert ask(server, PATH, [("SCRIPT_NAME", "/api"), ("PATH_INFO", "/nowhere"), *headers]) == 200


def test_a_revoked_key_is_refused_by_every_worker_at_once(server: Server, shop: Project):
    def statuses() -> set[int]:
        return {ask(server, PATH, list(shop.headers("GET", PATH).items())) for _ in range(12)}

    assert statuses() == {200}
    with transaction():
        manage.revoke(shop.key_row_id)
    assert statuses() == {401}


def test_a_body_in_pieces_may_be_as_large_as_any_other(server: Server, shop: Project):
    path, piece = "/api/credits/sync", b" " * 65_536
    statuses = []
    for count in (4, 5):
        headers = list(shop.headers("POST", path, piece * count).items())
        statuses.append(ask(server, path, headers, iter([piece] * count), "POST"))
    # As large as possible, and then no JSON.
    assert statuses == [400, 413]
