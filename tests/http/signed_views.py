"""A small application with views behind `@signed`, which say who called and with what."""

from functools import cache

import pytest
from flask import Flask, Response, g, jsonify
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.core.db import db
from app.domain.credit_clients import Scope
from app.factory import create_app
from app.http import credits_auth, errors, guard, i18n, requests, tenancy
from app.http.credits_auth import PREFIX, signed
from app.models import CreditNonce
from tests.browser import Browser
from tests.cast import Cast
from tests.crediting import Project, database_seconds, project

ECHO, READ, V1 = f"{PREFIX}/-test/echo", f"{PREFIX}/-test/read", f"{PREFIX}/-test/v1"


def _said() -> Response:
    return jsonify(
        tenant=g.caller.tenant_id, source=g.caller.source, version=g.caller.version, fields=g.fields
    )


@signed(Scope.POST)
def _echo() -> Response:
    return _said()


@signed(Scope.READ)
def _read() -> Response:
    return _said()


@signed(Scope.POST, v1=True)
def _either() -> Response:
    return _said()


@cache
def site() -> Flask:
    """The application; not the one of other tests, whose routes are listed and described."""
    made = create_app()
    made.test_client_class = Browser
    made.config.update(TESTING=True)
    for feature in (requests, errors, i18n, tenancy, credits_auth, guard):
        feature.init_app(made)
    made.add_url_rule(ECHO, view_func=_echo, endpoint="echo", methods=["POST", "PUT"])
    made.add_url_rule(READ, view_func=_read, endpoint="read", methods=["GET"])
    made.add_url_rule(V1, view_func=_either, endpoint="v1", methods=["POST"])
    return made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """At these views."""
    del app
    return site().test_client()


@pytest.fixture
def shop(cast: Cast) -> Project:
    """A project of tenant A."""
    return project(cast.tenant.id)


def code(answer: TestResponse) -> tuple[int, str]:
    """Status and code; every answer tells the time."""
    assert abs(int(answer.headers["X-Server-Time"]) - database_seconds()) < 5
    return answer.status_code, (answer.json or {}).get("code", "")


def used_nonces() -> int:
    """How many are kept."""
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(CreditNonce)) or 0
