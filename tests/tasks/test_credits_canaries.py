"""Where secrets of projects and partners go: nowhere in the clear."""

import logging

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.core.redis import quick
from app.core.tenancy import system_scope
from app.services.credit_clients import manage
from app.services.credit_sync import partners
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.crediting import Project, project
from tests.syncing import ANN, Partner, post, says, turn

SYNC = "/api/credits/sync"


def database() -> str:
    """Every row of every table as text."""
    with system_scope(), transaction():
        tables = db.session.scalars(
            text(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND has_table_privilege(to_regclass(quote_ident(tablename)), 'SELECT')"
            )
        ).all()
        rows = [
            db.session.scalars(text(f'SELECT CAST(t AS text) FROM "{table}" t')).all() for table in tables
        ]
    assert sum(map(len, rows)) > 10
    return "\n".join(each for some in rows for each in some)


def redis_dump() -> str:
    """Every key of Redis with its value, as it lies there."""
    redis = quick()
    return "\n".join(f"{key!r} {redis.dump(key)!r}" for key in redis.scan_iter(count=1000))


def calls(app: Flask, shop: Project) -> str:
    """All that calls of all kinds are answered."""
    client, posting = app.test_client(), {"telegram_id": ANN, "amount": 1, "reason": "r", "reference": "r9"}
    answers = [
        shop.call(client, "POST", SYNC, posting),
        shop.call(client, "POST", SYNC, posting | {"amount": -(10**12)}),
        shop.call(client, "POST", SYNC, posting, secret="x" * 43),
        shop.call(client, "POST", SYNC, posting, timestamp="1000000000"),
        shop.call(client, "POST", SYNC, body=b"{"),
        shop.call(client, "GET", "/api/credits/nowhere"),
        shop.call_v1(client, ANN, 1, reason="r", reference="r10"),
        shop.call_v1(client, ANN, 1, reason="r", reference="r10", timestamp="x"),
    ]
    return "\n".join(
        f"{answer.status_code} {answer.headers} {answer.get_data(as_text=True)}" for answer in answers
    )


def test_no_secret_is_kept_logged_or_answered(
    app: Flask, cast: Cast, partner: Partner, time: Clockwork, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    shop = project(cast.tenant.id, allow_v1=True)
    with transaction():
        rotated = manage.create_key(shop.client_id)
        secret = partners.new_secret(partner.id).secret_key
    post(cast.tenant, "r1", ANN)
    said = calls(app, shop)
    # A partner that answers with all that it was sent.
    partner.mood = lambda _: says(422, " ".join(map(str, partner.requests[-1].headers)))({})
    turn(partner)
    partner.mood = says(500, "no")
    time.forward(hours=1)
    turn(partner)
    canaries = [
        shop.secret,
        shop.api_key,
        shop.api_key.partition(".")[2],
        rotated.secret_key,
        rotated.api_key,
        secret,
    ]
    for place, found in {
        "database": database(),
        "redis": redis_dump(),
        "log": caplog.text,
        "answers": said,
    }.items():
        assert [number for number, canary in enumerate(canaries) if canary in found] == [], place
