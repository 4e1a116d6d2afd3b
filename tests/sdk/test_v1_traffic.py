"""Recorded calls of old partners, byte by byte, against the real application at the time at which they were recorded."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from app.core import database_clock
from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.models import CreditKey
from app.services.credit_clients import lookup
from sdk.credit_sync_client import sign_v1
from tests.cast import Cast
from tests.credits_calling import SHE, balances, busy_project, give

RECORD = json.loads(Path(__file__).with_name("v1_traffic.json").read_text())
EXCHANGES: list[dict[str, Any]] = RECORD["exchanges"]
# pg_catalog is looked through first unless the path names it elsewhere: so PostgreSQL's own clock can be stopped.
STOPPED = "SET search_path = stopped, public, pg_catalog"
STOP = f"""
CREATE SCHEMA stopped;
CREATE FUNCTION stopped.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT to_timestamp({RECORD["now"]})';
GRANT USAGE ON SCHEMA stopped TO PUBLIC
"""


@pytest.fixture
def _then(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """PostgreSQL's clock stands still at the time of the record."""

    def stop(connection: psycopg.Connection[Any], *_: object) -> None:
        connection.execute(STOPPED)
        connection.commit()

    owner = get_settings().database_owner_url.replace("+psycopg", "")
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(STOP)
        db.session.remove()
        db.engine.dispose()
        event.listen(db.engine, "checkout", stop)
        monkeypatch.setattr(database_clock._clock, "offset", None)
        yield
        event.remove(db.engine, "checkout", stop)
        db.session.remove()
        db.engine.dispose()
        connection.execute("DROP SCHEMA stopped CASCADE")


@pytest.fixture
def partner(cast: Cast, _then: None) -> None:
    """The old partner's project and key, and a user with 100 credits."""
    give(cast.tenant.id, SHE, 100)
    made = busy_project(cast.tenant.id, RECORD["source"], allow_v1=True)
    with transaction():
        key = db.session.get_one(CreditKey, made.key_row_id)
        key.key_id = RECORD["api_key"].partition(".")[0]
        key.fingerprint = lookup.fingerprint(RECORD["api_key"])
        key.secret = RECORD["secret_key"]


def test_everybody_hears_what_he_expects(client: FlaskClient, partner: None):
    for exchange in EXCHANGES:
        asked, expected = exchange["request"], exchange["response"]
        answer = client.open(
            asked["path"], method=asked["method"], headers=asked["headers"], data=asked["body"].encode()
        )
        assert answer.status_code == expected["status"], (exchange["about"], answer.text)
        assert expected["json"].items() <= answer.json.items(), (exchange["about"], answer.text)
    assert balances()[SHE] == 89


def test_the_client_signs_as_old_partners_do():
    first = json.loads(EXCHANGES[0]["request"]["body"])
    signed = {name: str(first[name]) for name in ("telegram_id", "amount", "source", "timestamp")}
    assert sign_v1(RECORD["secret_key"], **signed) == first["token"]
