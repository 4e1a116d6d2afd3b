"""The description of our JSON API: `/api/openapi.json`, and a page to read and try it at `/api/docs`."""

from typing import Any, cast

from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import Blueprint, Flask, Response, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from app.core.errors import BadInput
from app.factory import ROOT
from app.http import credits_docs, errors
from app.http.auth import bare, public
from app.http.i18n import select_locale

PREFIX = "/api/"
SDK = "credit_sync_client.py"
KEYS_URL = "/admin/credit-clients/"
DESCRIPTION = """
Everything a boss can do with his bots by buttons, programs can do here.

Send your API key as `X-Api-Key`; the calls under Credits are signed with the key of a project instead. Unknown fields are refused. Every error is a problem document (RFC 9457) with a stable
`code` and a `message` for people; the language follows `Accept-Language`.
"""
PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["status", "code", "message"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; for programs"},
        "message": {"type": "string", "description": "For people, in the caller's language"},
        "fields": {
            "type": "object",
            "description": "What is wrong with which field, where the input was refused",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "request_id": {"type": "string"},
    },
}
VECTOR = {
    "key_id": "k_test_1",
    "method": "POST",
    "path": "/api/v2/ledger/debit",
    "timestamp": "1700000000",
    "nonce": "b64u-nonce-0123456789abcdef",
    "body": '{"telegram_id":"123456789","amount":"10","currency":"CRD","reason":"order 42","external_reference":"shop-42"}',
    "secret_hex": bytes(range(32)).hex(),
    "string": "LEDGER-HMAC-SHA256-V2\nk_test_1\nPOST\n/api/v2/ledger/debit\n\n1700000000\n"
    "b64u-nonce-0123456789abcdef\n9c5a6b3144d88080753b779ab959156ef9fb7a13407fd2c08f352c827b5ca225",
    "signature": "2df0433aea46f6b6cdee5993a6cb5e8fcb1ff4ad53ffaa63c8481c0b6a234945",
}
"""The specification's example of a signature, for who signs by himself."""
pages = Blueprint("openapi", __name__)


@pages.get("/api/openapi.json")
@public
def spec() -> ResponseReturnValue:
    """The description as JSON."""
    return jsonify(cast(APIFlask, current_app)._get_spec("json"))  # noqa: SLF001 - `.spec` builds it anew each time


@pages.get("/api/docs")
@public
def docs() -> ResponseReturnValue:
    """The page; its assets are our own."""
    locale = select_locale()
    codes = [
        (each.status, each.code, credits_docs.words(each, locale))
        for each in credits_docs.errors(current_app)
    ]
    return render_template(
        "api/docs.html",
        base_url=request.url_root.rstrip("/"),
        keys_url=KEYS_URL,
        codes=codes,
        vector=VECTOR,
    )


@pages.get(f"/api/sdk/{SDK}")
@bare
def sdk() -> ResponseReturnValue:
    """Our client for Python, one file to copy. It is only served: nothing of ours uses it."""
    response = Response((ROOT / "sdk" / SDK).read_bytes(), content_type="text/x-python; charset=utf-8")
    response.headers["Content-Disposition"] = f"attachment; filename={SDK}"
    response.add_etag()
    return response.make_conditional(request)


def refuse(error: HTTPError) -> Response:
    """Input that the models of a route do not accept, in the form of all our errors."""
    detail = error.detail if isinstance(error.detail, dict) else {}
    fields = {
        name: words for place in detail.values() if isinstance(place, dict) for name, words in place.items()
    }
    return errors.answer(error.status_code, BadInput.code, fields=fields)


def only_the_api(description: dict[str, Any] | str) -> dict[str, Any] | str:
    """Leaves out pages and what is not meant for programs; adds the credit API, which describes itself."""
    if isinstance(description, str):
        return description
    paths = description.get("paths", {})
    description["paths"] = {path: item for path, item in paths.items() if path.startswith(PREFIX)}
    credits_docs.describe(description)
    return description


def init_app(app: Flask) -> None:
    """Describes the API and serves the description."""
    api = cast(APIFlask, app)
    # Not by `error_processor`, which would catch every 404 of the pages too.
    api.error_callback = refuse
    api.spec_processor(only_the_api)
    api.config.update(
        DESCRIPTION=DESCRIPTION,
        SECURITY_SCHEMES={"ApiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}},
        VALIDATION_ERROR_SCHEMA=PROBLEM,
        HTTP_ERROR_SCHEMA=PROBLEM,
        VALIDATION_ERROR_DESCRIPTION="The input was refused",
    )
    app.register_blueprint(pages)
