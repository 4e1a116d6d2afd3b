"""What the description of the credit API allows, and much that it does not, is sent to it by Schemathesis.

No answer may be a crash or differ from what is described: status, type and shape. Each request is signed on its way in,
as a project would do it. More examples: `SCHEMATHESIS_EXAMPLES=300 pytest tests/http/test_credits_schemathesis.py`.
"""

import io
import json
import os
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from app.core.db import db
from app.core.queue import transaction
from app.domain.plans import Plan
from app.domain.strict_json import Malformed, read_object
from app.models import Tenant
from tests.cast import Cast
from tests.crediting import Project
from tests.credits_calling import API, SHE, busy_project, give, posting, welcome_everybody
from wsgi import app as the_app

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "6"))
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
CALLS = [
    ("POST", "/sync"),
    ("POST", "/batch"),
    ("GET", "/balance/{telegram_id}"),
    ("POST", "/balances"),
    ("GET", "/history/{telegram_id}"),
    ("GET", "/changes"),
    ("POST", "/compare"),
    ("POST", "/holds"),
    ("GET", "/holds/{hold_id}"),
    ("POST", "/holds/{hold_id}/capture"),
    ("POST", "/holds/{hold_id}/void"),
]


class Signing:
    """Puts a project's signature on every call: of version 1 where the body is one of version 1."""

    def __init__(self, app: WSGIApplication, project: Project) -> None:
        self._app = app
        self._project = project

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith(API):
            return self._app(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ = {name: value for name, value in environ.items() if name not in _SIGNED_HEADERS}
        fields = _fields(body)
        if "token" in fields:
            body = json.dumps(self._with_token(fields)).encode()
            environ["HTTP_X_API_KEY"] = self._project.api_key
        else:
            headers = self._project.headers(environ["REQUEST_METHOD"], environ["RAW_URI"], body)
            environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return self._app(environ, start_response)

    def _with_token(self, fields: dict[str, object]) -> dict[str, object]:
        right = self._project.v1_body(str(fields.get("telegram_id")), str(fields.get("amount")))
        return fields | {"source": right["source"], "timestamp": right["timestamp"], "token": right["token"]}


_SIGNED_HEADERS = {"HTTP_X_API_KEY", "HTTP_X_TIMESTAMP", "HTTP_X_NONCE", "HTTP_X_SIGNATURE"}


def _fields(body: bytes) -> dict[str, object]:
    try:
        return read_object(body)
    except Malformed:
        return {}


@pytest.fixture
def shop(app: Flask, cast: Cast) -> Project:
    """A project that may call without end, in a business whose boss welcomes everybody."""
    with transaction():
        db.session.get(Tenant, cast.tenant.id).plan = Plan.ENTERPRISE
    welcome_everybody(cast.tenant.id)
    give(cast.tenant.id, SHE, 10**6)
    return busy_project(cast.tenant.id, allow_v1=True)


@pytest.fixture
def held(client: FlaskClient, shop: Project) -> int:
    """The number of a hold."""
    return shop.call(client, "POST", f"{API}/holds", posting(amount=5)).json["hold_id"]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
@pytest.mark.parametrize(("method", "path"), CALLS, ids=[f"{method} {path}" for method, path in CALLS])
def test_every_answer_is_as_described(shop: Project, held: int, method: str, path: str, mode: GenerationMode):
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app=Signing(the_app, shop))
    operation = schema[f"{API}{path}"][method]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink] if EXAMPLES > 20 else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
    def attack(case: schemathesis.Case, real: bool) -> None:
        if real and mode is GenerationMode.POSITIVE and case.path_parameters:
            case.path_parameters |= {
                name: held if name == "hold_id" else SHE for name in case.path_parameters
            }
        case.call_and_validate(checks=CHECKS)

    attack()


def test_no_call_is_left_out(client: FlaskClient):
    paths = client.get("/api/openapi.json").json["paths"]
    described = {
        (method.upper(), path.removeprefix(API))
        for path, item in paths.items()
        for method in item
        if path.startswith(f"{API}/")
    }
    assert described == set(CALLS)
