"""How often projects may call: each by itself, all of a tenant in an hour, and strangers who try keys."""

from collections import Counter
from collections.abc import Iterator

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from app.core import call_limits
from app.core.redis import quick
from app.domain import plans
from app.domain.credit_clients import BURST
from app.domain.plans import Plan
from app.services.credit_clients import lookup
from tests.cast import Cast
from tests.crediting import Project, database_seconds, project
from tests.http.signed_views import ECHO, READ, client, code, shop

__all__ = ["client", "shop"]


@pytest.fixture(params=["redis", "no redis"])
def _with_and_without(request: pytest.FixtureRequest, app: Flask, monkeypatch) -> Iterator[None]:
    """Once with Redis, once without a way to connect to it."""
    monkeypatch.setattr(call_limits, "_local", call_limits._Local())
    if request.param == "no redis":
        quick().connection_pool.disconnect()

        def refuse(*_: object, **__: object) -> None:
            raise redis.exceptions.ConnectionError("refused")

        monkeypatch.setattr(call_limits, "run", refuse)
        for kind in (redis.connection.Connection, redis.connection.UnixDomainSocketConnection):
            monkeypatch.setattr(kind, "_connect", refuse)
    yield
    quick().connection_pool.disconnect()


@pytest.mark.usefixtures("_with_and_without")
def test_a_burst_is_taken_and_no_more(client: FlaskClient, cast: Cast, shop: Project, monkeypatch):
    # So slow that no time passes: nothing flows back while this runs.
    limits = call_limits.Limits("c", 1, BURST, "t", 1_000)
    taken = [call_limits.take(limits) for _ in range(BURST + 2)]
    assert [each.ok for each in taken] == [True] * BURST + [False] * 2
    assert (taken[-1].what, taken[-1].limit, taken[-1].remaining) == ("rate", BURST, 0)
    assert taken[-1].retry_after in {1, 2}
    assert [each.remaining for each in taken[:2]] == [999, 998]
    assert shop.call(client, "POST", ECHO, {}).status_code == 200


@pytest.mark.usefixtures("_with_and_without")
def test_calls_that_come_together_are_counted_one_by_one():
    mine, other = (call_limits.Limits(name, 1, 2, "t", 4) for name in ("a", "b"))
    taken = call_limits.take_many([mine, mine, mine, other, other])
    assert [each.ok for each in taken] == [True, True, False, True, True]
    assert [each.remaining for each in taken] == [3, 2, 0, 1, 0]


@pytest.mark.usefixtures("_with_and_without")
def test_the_hours_calls_are_the_tenants_and_then_used_up(client: FlaskClient, cast: Cast, monkeypatch):
    monkeypatch.setitem(plans.API_CALLS, Plan(cast.tenant.plan), 5)
    shop, other, foreign = (
        project(cast.tenant.id),
        project(cast.tenant.id, "other"),
        project(cast.other_tenant.id),
    )
    answers = [one.call(client, "GET", READ) for one in (shop, other, shop, other, shop)]
    assert [a.status_code for a in answers] == [200] * 5
    assert [a.headers["X-RateLimit-Remaining"] for a in answers] == ["4", "3", "2", "1", "0"]
    refused = other.call(client, "GET", READ)
    assert code(refused) == (429, "quota_exceeded")
    left = int(refused.headers["Retry-After"])
    assert 0 < left <= 3600
    assert abs(int(refused.headers["X-RateLimit-Reset"]) - left - database_seconds()) < 5
    assert foreign.call(client, "GET", READ).status_code == 200


def test_a_project_that_is_too_fast_hears_when_to_come_again(client: FlaskClient, shop: Project):
    answers = [shop.call(client, "POST", ECHO, {}) for _ in range(3 * BURST)]
    counted = Counter(map(code, answers))
    assert counted[200, ""] >= BURST
    assert set(counted) == {(200, ""), (429, "rate_limited")}
    refused = next(a for a in answers if a.status_code == 429)
    assert refused.headers["Retry-After"] == "1"
    assert (refused.headers["X-RateLimit-Limit"], refused.headers["X-RateLimit-Remaining"]) == ("20", "0")


def test_a_call_that_was_too_fast_may_come_again_as_it_is(client: FlaskClient, shop: Project, monkeypatch):
    late = call_limits.Allowance(
        ok=False, what=call_limits.Limit.RATE, limit=20, remaining=0, reset=0, retry_after=1
    )
    with monkeypatch.context() as slow:
        slow.setattr("app.services.credit_clients.checking.take", lambda _limits: late)
        assert shop.call(client, "POST", ECHO, {}, nonce="n" * 22).status_code == 429
    assert shop.call(client, "POST", ECHO, {}, nonce="n" * 22).status_code == 200


def test_who_knows_only_the_key_uses_up_nothing(client: FlaskClient, shop: Project):
    for _ in range(2 * BURST):
        assert shop.call(client, "POST", ECHO, {}, secret="wrong").status_code == 401
    assert shop.call(client, "POST", ECHO, {}).headers["X-RateLimit-Remaining"] == "9999"


def test_who_tries_keys_is_slowed_down_and_his_neighbour_is_not(client: FlaskClient, shop: Project):
    assert shop.call(client, "POST", ECHO, {}).status_code == 200
    strange = [
        shop.call(client, "GET", READ, api_key=f"ck_{number:016}." + "a" * 43).status_code
        for number in range(lookup.STRANGE + 20)
    ]
    assert strange[: lookup.STRANGE - 1] == [401] * (lookup.STRANGE - 1)
    assert strange[-1] == 429
    lookup.forget()
    assert shop.call(client, "POST", ECHO, {}).status_code == 200


def test_strangers_of_another_address_are_asked_anew(client: FlaskClient, shop: Project):
    for number in range(lookup.STRANGE + 20):
        shop.call(client, "GET", READ, api_key=f"ck_{number:016}." + "a" * 43)
    new = project(shop.tenant_id, "new")
    assert new.call(client, "GET", READ).status_code == 429
    assert new.call(client, "GET", READ, environ={"REMOTE_ADDR": "203.0.113.9"}).status_code == 200
