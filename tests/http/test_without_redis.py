"""Redis away costs latency, nothing else: people sign in, keys work, limits hold."""

from collections.abc import Iterator

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from app.core.db import db
from app.core.queue import transaction
from app.core.redis import quick
from app.core.tenancy import tenant_scope
from app.http.limits import limiter
from app.services import api_keys
from tests.cast import Cast, sign_in


@pytest.fixture
def no_redis(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No connection to Redis can be made any more."""

    def refuse(*_: object, **__: object) -> None:
        raise redis.exceptions.ConnectionError("refused")

    for kind in (redis.connection.Connection, redis.connection.UnixDomainSocketConnection):
        monkeypatch.setattr(kind, "_connect", refuse)
    quick().connection_pool.disconnect()
    app.extensions["laoban-tenants"].forget()
    yield
    limiter._storage_dead = False


@pytest.mark.usefixtures("no_redis")
def test_people_sign_in_and_keys_work(app: Flask, cast: Cast):
    with tenant_scope(cast.tenant.id), transaction():
        key = api_keys.create(cast.tenant.id, "k").key
    assert sign_in(app, cast.owner).get("/admin/account/").status_code == 200
    assert app.test_client().get("/api/bots", headers={"X-Api-Key": key}).status_code == 200
    assert db.session.is_active


@pytest.mark.usefixtures("no_redis")
def test_limits_are_counted_in_memory(client: FlaskClient):
    answers = [client.post("/reset", data={"email": f"{n}@a.example"}).status_code for n in range(12)]
    # At the end of a minute the sliding window lets one or two more through.
    assert answers[:5] == [200] * 5
    assert answers[-1] == 429
