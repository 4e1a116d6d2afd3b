"""Calls of projects at a view of the tests' own: who gets in, and what everybody else is told."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from flask import Flask, g, jsonify
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.credit_clients import Scope
from app.http.credits_auth import PREFIX, signed
from tests.cast import Cast
from tests.crediting import Project, project
from wsgi import app as the_app

POST, READ, V1 = f"{PREFIX}/-test/post", f"{PREFIX}/-test/read", f"{PREFIX}/-test/v1"


def _seen() -> object:
    return jsonify(tenant=g.caller.tenant_id, source=g.caller.source, fields=g.fields)


@pytest.fixture(scope="module", autouse=True)
def _views() -> None:
    the_app._got_first_request = False
    the_app.add_url_rule(POST, "t-post", signed(Scope.POST)(lambda: _seen()), methods=["POST", "PUT"])
    the_app.add_url_rule(READ, "t-read", signed(Scope.READ)(lambda: _seen()), methods=["GET"])
    the_app.add_url_rule(V1, "t-v1", signed(Scope.POST, v1=True)(lambda: _seen()), methods=["POST"])


@pytest.fixture
def shop(cast: Cast) -> Project:
    return project(cast.tenant.id)


def test_a_signed_call_gets_in(client: FlaskClient, shop: Project):
    answer = shop.call(client, "POST", POST, {"a": 1})
    assert answer.status_code == 200, answer.json
    assert answer.json == {"tenant": shop.tenant_id, "source": "shop", "fields": {"a": 1}}
    print(answer.headers)
