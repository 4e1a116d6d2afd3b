"""A signed call counts once: whoever sends it again, wherever, and whatever Redis has forgotten."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.core.redis import quick
from app.services import retention
from app.services.credits import settings
from tests.cast import Cast
from tests.crediting import Project, database_seconds, project
from tests.http.signed_views import ECHO, V1, client, code, site, used_nonces

__all__ = ["client"]

NONCE = "n" * 22


@pytest.fixture
def shop(cast: Cast) -> Project:
    return project(cast.tenant.id, allow_v1=True)


def together(path: str, body: bytes, headers: dict[str, str]) -> Counter[int]:
    """The same call 64 times on 16 threads: how often which status was answered."""
    headers = {**headers, "Content-Type": "application/json"}

    def ask(_number: int) -> int:
        return site().test_client().post(path, data=body, headers=headers, csrf=False).status_code

    with ThreadPoolExecutor(16) as threads:
        return Counter(threads.map(ask, range(64)))


def unlimited(shop: Project) -> None:
    db.session.execute(text("UPDATE credit_client SET rate = 1000, burst = 1000"))
    db.session.commit()


def test_one_of_64_equal_calls_is_accepted_also_after_redis_forgot_all(app: Flask, shop: Project):
    unlimited(shop)
    headers = shop.headers("POST", ECHO, b"{}")
    assert together(ECHO, b"{}", headers) == {200: 1, 409: 63}
    quick().flushall()
    assert together(ECHO, b"{}", headers) == {409: 64}


def test_a_nonce_is_no_good_for_another_call(client: FlaskClient, shop: Project):
    assert shop.call(client, "POST", ECHO, {"a": 1}, nonce=NONCE).status_code == 200
    assert code(shop.call(client, "POST", ECHO, {"a": 2}, nonce=NONCE)) == (409, "replayed")
    assert code(shop.call(client, "POST", ECHO, {"a": 2})) == (200, "")


def test_two_keys_have_nonces_of_their_own(client: FlaskClient, cast: Cast, shop: Project):
    for one in (shop, project(cast.tenant.id), project(cast.other_tenant.id)):
        assert one.call(client, "POST", ECHO, {}, nonce=NONCE).status_code == 200


def test_a_call_that_was_refused_before_its_nonce_may_come_again(client: FlaskClient, shop: Project):
    assert shop.call(client, "POST", ECHO, {}, nonce=NONCE, secret="x").status_code == 401
    assert shop.call(client, "POST", ECHO, {}, nonce=NONCE).status_code == 200


def test_nonces_are_forgotten_after_a_quarter_of_an_hour(client: FlaskClient, shop: Project):
    shop.call(client, "POST", ECHO, {})
    kept = db.session.scalar(
        text("SELECT extract(epoch FROM expires_at - clock_timestamp()) FROM credit_nonce")
    )
    assert 890 < kept <= 900
    retention.forget_some("nonces")
    assert used_nonces() == 1
    db.session.execute(text("UPDATE credit_nonce SET expires_at = now() - interval '1 second'"))
    retention.forget_some("nonces")
    db.session.commit()
    assert used_nonces() == 0


def test_a_crash_of_postgresql_forgets_no_nonce(app: Flask):
    kept = text("SELECT relpersistence FROM pg_class WHERE relname = 'credit_nonce'")
    assert db.session.scalar(kept) == "p"


# --- version 1
def test_version_1_gets_in_with_its_fields(client: FlaskClient, shop: Project):
    answer = shop.call_v1(client, 123, "-5", path=V1, reason="gift", reference="r1")
    assert code(answer) == (200, "")
    assert (answer.json["version"], answer.json["fields"]["amount"]) == (1, "-5")


def test_a_token_comes_again_only_as_it_came_first(client: FlaskClient, shop: Project):
    body = shop.v1_body(123, 5, reason="gift", reference="r1")
    for fields in (body, body):
        answer = client.post(V1, json=fields, headers={"X-Api-Key": shop.api_key})
        assert (answer.status_code, answer.json["fields"]) == (200, body)
    others = [
        {**body, "reference": "r2"},
        {**body, "reason": "theft"},
        {**body, "more": 1},
        {**body, "token": body["token"].upper()},
        dict(reversed(body.items())),
    ]
    for other in others:
        raw = json.dumps(other, sort_keys=False)
        answer = client.post(V1, data=raw, headers={"X-Api-Key": shop.api_key})
        assert code(answer) == (409, "replayed")
    assert code(client.post(f"{V1}?a=1", json=body, headers={"X-Api-Key": shop.api_key})) == (409, "replayed")
    assert used_nonces() == 1


def test_of_a_token_with_two_bodies_at_once_one_wins(app: Flask, shop: Project):
    unlimited(shop)
    signed = shop.v1_body(123, 5, reason="gift", reference="r1")
    bodies = [json.dumps({**signed, "reference": f"r{n % 2}"}).encode() for n in range(64)]

    def ask(body: bytes) -> tuple[int, bytes]:
        headers = {"X-Api-Key": shop.api_key}
        return site().test_client().post(V1, data=body, headers=headers, csrf=False).status_code, body

    with ThreadPoolExecutor(16) as threads:
        ends = Counter(threads.map(ask, bodies))
    assert sorted(ends.values()) == [32, 32]
    assert {status for status, _ in ends} == {200, 409}


def test_a_posting_by_version_1_comes_again_with_its_first_result(app: Flask, shop: Project):
    with transaction():
        settings.save(shop.tenant_id, auto_create=True)
    client, body = app.test_client(), shop.v1_body(123, 5, reason="gift", reference="r1")
    first, again = (
        client.post("/api/credits/sync", json=body, headers={"X-Api-Key": shop.api_key}) for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (200, 200), first.json
    assert (again.json["transaction_id"], again.json["balance"]) == (first.json["transaction_id"], 5)
    assert (first.json["duplicate"], again.json["duplicate"]) == (False, True)
    stolen = shop.call_v1(client, 123, 5, timestamp=body["timestamp"], reason="gift", reference="r2")
    assert code(stolen) == (409, "replayed")


@pytest.mark.parametrize(
    ("field", "value"), [("telegram_id", "1:2"), ("amount", "2:3"), ("source", "3:4"), ("timestamp", "x")]
)
def test_nothing_shifts_across_a_colon(client: FlaskClient, shop: Project, field: str, value: str):
    fields = {**shop.v1_body("1", "2"), field: value}
    answer = client.post(V1, json=fields, headers={"X-Api-Key": shop.api_key})
    assert code(answer) == (400, "validation_error")
    assert list(answer.json["fields"]) == [field]
    assert used_nonces() == 0


def test_a_changed_field_does_not_fit_its_token(client: FlaskClient, shop: Project):
    fields = {**shop.v1_body(123, 5), "amount": 50}
    answer = client.post(V1, json=fields, headers={"X-Api-Key": shop.api_key})
    assert code(answer) == (401, "invalid_signature")


@pytest.mark.parametrize(("seconds", "status"), [(-302, 401), (-298, 200), (298, 200), (302, 401)])
def test_version_1_has_the_same_window(client: FlaskClient, shop: Project, seconds: int, status: int):
    answer = shop.call_v1(client, 1, 5, path=V1, timestamp=int(database_seconds()) + seconds)
    assert code(answer) == (status, "timestamp_expired" if status == 401 else "")


def test_version_1_is_only_for_keys_and_views_that_allow_it(client: FlaskClient, cast: Cast, shop: Project):
    assert code(project(cast.tenant.id).call_v1(client, 1, 5, path=V1)) == (403, "v1_refused")
    assert code(shop.call_v1(client, 1, 5, path=ECHO)) == (401, "invalid_signature")


def test_half_of_version_2_is_not_version_1(client: FlaskClient, shop: Project):
    answer = client.post(V1, json=shop.v1_body(1, 5), headers={"X-Api-Key": shop.api_key, "X-Nonce": NONCE})
    assert code(answer) == (401, "invalid_signature")
