"""Views of the tests' own behind `@signed`: they say who called and with what."""

from flask import Response, g, jsonify
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.core.db import db
from app.domain.credit_clients import Scope
from app.http.credits_auth import PREFIX, signed
from app.models import CreditNonce
from tests.crediting import database_seconds
from wsgi import app

ECHO, READ, V1 = f"{PREFIX}/-test/echo", f"{PREFIX}/-test/read", f"{PREFIX}/-test/v1"


def _said() -> Response:
    return jsonify(
        tenant=g.caller.tenant_id, source=g.caller.source, version=g.caller.version, fields=g.fields
    )


@signed(Scope.POST)
def echo() -> Response:
    return _said()


@signed(Scope.READ)
def reading() -> Response:
    return _said()


@signed(Scope.POST, v1=True)
def either() -> Response:
    return _said()


# The application is the one of all tests, and may have answered before.
app._got_first_request = False
app.add_url_rule(ECHO, "test_signed_echo", echo, methods=["POST", "PUT"])
app.add_url_rule(READ, "test_signed_read", reading, methods=["GET"])
app.add_url_rule(V1, "test_signed_v1", either, methods=["POST"])


def code(answer: TestResponse) -> tuple[int, str]:
    """Status and code; every answer tells the time."""
    assert abs(int(answer.headers["X-Server-Time"]) - database_seconds()) < 5
    return answer.status_code, (answer.json or {}).get("code", "")


def used_nonces() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(CreditNonce)) or 0
