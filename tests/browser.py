"""A browser for tests: sends the CSRF token by itself, and gives each request an app context of its own."""

import re
from hashlib import sha1
from typing import Any

from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


class Browser(FlaskClient):
    """`csrf=False` leaves the token out. Without a context of its own a request would share `g` with the test."""

    def open(self, *args: Any, csrf: bool = True, **kwargs: Any) -> TestResponse:
        if csrf and str(kwargs.get("method", "GET")).upper() in CHANGING:
            headers = dict(kwargs.pop("headers", None) or {})
            headers.setdefault("X-CSRFToken", self.csrf_token(kwargs.get("base_url")))
            kwargs["headers"] = headers
        with self.application.app_context():
            return super().open(*args, **kwargs)

    def csrf_token(self, base_url: str | None = None) -> str:
        """What a form of this browser's session carries."""
        with self.session_transaction(base_url=base_url) as session:
            raw = session.setdefault("csrf_token", sha1(b"test").hexdigest())
        return str(URLSafeTimedSerializer(self.application.secret_key, salt="wtf-csrf-token").dumps(raw))


def plain(page: TestResponse, *without: str) -> str:
    """A page without what differs each time (tokens, request ids), and without some words."""
    text = re.sub(r'(value|nonce)="[^"]*"|<code>[0-9a-f]{16}</code>', "", page.text)
    for word in without:
        text = text.replace(word, "")
    return text
