"""A row of another tenant does not exist, whatever names it."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.models import AuditEvent
from app.services import api_keys
from tests.architecture.filled import CODE, MARK, SECRET
from tests.architecture.test_routes import calls
from tests.cast import Cast, sign_in

OF_A_ROW = (
    "bots/details/",
    "bots/details/live/",
    "audit/details/",
    "bot-texts/",
    "broadcasts/details/",
    "broadcasts/details/live/",
    "broadcasts/edit/",
    "broadcasts/results/",
    "credit-holds/void/",
    "credit-postings/details/",
    "credits/details/",
    "lotteries/details/",
    "lotteries/details/head/",
    "lotteries/details/live/",
    "lotteries/details/record/",
    "lottery-files/entries/",
    "lottery-files/winners/",
    "lottery-templates/repeat/",
    "orders/details/",
    "orders/details/live/",
    "pictures/",
    "product-form/edit/",
    "product-stock/",
    "products/details/",
)
BODIES = {
    f"PUT {CODE}": {
        "title": "x",
        "prizes": [{"name": "x"}],
        "closes_at": (clock.now() + timedelta(days=1)).isoformat(),
    },
    "POST cancel": {"reason": "x"},
    "POST entries": {"telegram_ids": [1]},
    "POST redraw": {"reason": "x"},
    "POST hand-over": {"note": "x"},
}
"""Such as are right, by method and end of the path: a wrong one would be refused before the row is looked for."""


def test_another_tenants_row_is_not_found(app: Flask, cast: Cast, filled: dict[str, object]):
    client = sign_in(app, cast.stranger)
    for path in OF_A_ROW:
        for given in (filled["id"], filled["public_id"], cast.tenant.uuid, cast.tenant.slug):
            assert client.get(f"/admin/{path}", query_string={"id": given}).status_code == 404, path


def test_another_tenants_row_is_not_found_by_the_api(app: Flask, cast: Cast, filled: dict[str, object]):
    with transaction():
        key = api_keys.create(cast.other_tenant.id, "theirs").key
    client, found = app.test_client(), []
    for call in calls(filled):
        if call.rule.arguments and call.path.startswith(("/api/lotteries", "/api/broadcasts", "/api/bots")):
            body = BODIES.get(f"{call.method} {call.path.rsplit('/', 1)[-1]}")
            answer = call.send(client, headers={"X-Api-Key": key}, **({"json": body} if body else {}))
            if answer.status_code != 404 or MARK in answer.text:
                found.append(f"{call}: {answer.status_code}")
    assert found == []


def test_the_owner_finds_the_rows_that_strangers_do_not(app: Flask, cast: Cast, filled: dict[str, object]):
    """Or the tests above would prove nothing."""
    client = sign_in(app, cast.owner)
    for path in OF_A_ROW:
        given = db.session.scalar(select(AuditEvent.id)) if path.startswith("audit") else filled["id"]
        with client.get(f"/admin/{path}", query_string={"id": given, "kind": "csv"}) as answer:
            assert answer.status_code == 200, path
            assert SECRET not in answer.text
