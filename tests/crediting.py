"""Partner projects for tests: a client with a key, which signs its calls and sends them by Flask's test client."""

import json as json_module
import secrets
import time
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core.db import at_once
from app.core.queue import transaction
from app.domain import credit_signing as signing
from app.services.credit_clients import manage


def database_seconds() -> float:
    """PostgreSQL's time."""
    with at_once() as connection:
        return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())


@dataclass
class Project:
    """A project with one key. `call` signs by version 2, `call_v1` by version 1."""

    tenant_id: int
    client_id: int
    key_row_id: int
    api_key: str
    secret: str
    source: str

    @property
    def key_id(self) -> str:
        return signing.key_id_of(self.api_key)

    def headers(self, method: str, path: str, body: bytes = b"", **overrides: Any) -> dict[str, str]:
        """The headers of version 2 for `path`, which may have a query."""
        pure, _, query = path.partition("?")
        timestamp = str(overrides.get("timestamp", int(time.time())))
        nonce = overrides.get("nonce", secrets.token_urlsafe(18))
        message = signing.string_to_sign(
            self.key_id, method=method, path=pure, query=query, timestamp=timestamp, nonce=nonce, body=body
        )
        signature = overrides.get("signature", signing.sign_v2(overrides.get("secret", self.secret), message))
        return {
            "X-Api-Key": overrides.get("api_key", self.api_key),
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Signature": signature,
        }

    def call(
        self, client: FlaskClient, method: str, path: str, json: Any = None, **overrides: Any
    ) -> TestResponse:
        """Signs and sends. Overrides: api_key, secret, timestamp, nonce, signature; `body` (raw) instead of `json`;
        `sent` = another body than the signed one; `signed_method`, `signed_path`; `headers` = more or others (None
        leaves one out); `environ` = e.g. {"REMOTE_ADDR": "203.0.113.9"}.
        """
        body = overrides.pop("body", b"" if json is None else json_module.dumps(json).encode())
        headers = self.headers(
            overrides.get("signed_method", method), overrides.get("signed_path", path), body, **overrides
        )
        headers = {**headers, "Content-Type": "application/json", **overrides.get("headers", {})}
        return client.open(
            path,
            method=method,
            data=overrides.get("sent", body),
            headers={name: value for name, value in headers.items() if value is not None},
            environ_overrides=overrides.get("environ"),
            csrf=False,
        )

    def v1_body(self, telegram_id: int | str, amount: int | str, **fields: Any) -> dict[str, Any]:
        """The body of version 1 with its token."""
        source, timestamp = fields.pop("source", self.source), fields.pop("timestamp", int(time.time()))
        token = signing.sign_v1(self.secret, str(telegram_id), str(amount), source, str(timestamp))
        return {
            "telegram_id": telegram_id,
            "amount": amount,
            "source": source,
            "timestamp": timestamp,
            "token": token,
            **fields,
        }

    def call_v1(
        self, client: FlaskClient, telegram_id: int | str, amount: int | str, **fields: Any
    ) -> TestResponse:
        """Posts by version 1."""
        path = fields.pop("path", "/api/credits/sync")
        return client.post(
            path,
            json=self.v1_body(telegram_id, amount, **fields),
            headers={"X-Api-Key": self.api_key},
            csrf=False,
        )


def project(tenant_id: int, source: str = "shop", **key: Any) -> Project:
    """A project with a key (`scopes`, `allow_v1`, `networks`, `expires_at`); one more key where the source exists."""
    with transaction():
        client = manage.find_client(tenant_id, source) or manage.create_client(tenant_id, source, source)
        made = manage.create_key(client.id, **key)
    return Project(tenant_id, client.id, made.key.id, made.api_key, made.secret_key, source)
