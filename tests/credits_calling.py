"""Calls of the credit API for tests: postings with what they need, a project without limits, and who it posts to."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.db import db
from app.core.queue import transaction
from app.models import CreditAccount, CreditPosting
from app.services import credits  # noqa: A004 - ours, not Python's
from app.services.credit_clients import manage
from app.services.credits import settings
from tests.crediting import Project, project

API = "/api/credits"
SHE = 5_550_001
"""A user with an account."""
NOBODY = 5_559_999


def busy_project(tenant_id: int, source: str = "shop", **key: Any) -> Project:
    """A project that may call as often as it likes."""
    made = project(tenant_id, source, **key)
    with transaction():
        manage.change_client(made.client_id, rate=1000, burst=1000)
    return made


def give(tenant_id: int, telegram_id: int, amount: int) -> None:
    """Credits from nowhere, which also make the account."""
    with transaction():
        number = db.session.query(CreditPosting).count()
        credits.post(tenant_id, telegram_id, amount, source="admin", reference=f"g{number}", reason="A gift")


def welcome_everybody(tenant_id: int) -> None:
    """Anybody may have an account."""
    with transaction():
        settings.save(tenant_id, auto_create=True)


def posting(reference: str = "order-42", amount: object = 10, **changes: object) -> dict[str, object]:
    """The body of a posting."""
    return {"telegram_id": SHE, "amount": amount, "reason": "Order 42", "reference": reference, **changes}


def sync(
    client: FlaskClient, shop: Project, reference: str = "order-42", amount: object = 10, **changes: object
) -> TestResponse:
    """Posts."""
    return shop.call(client, "POST", f"{API}/sync", posting(reference, amount, **changes))


def batch(client: FlaskClient, shop: Project, items: list[object], **more: object) -> TestResponse:
    """Posts many."""
    return shop.call(client, "POST", f"{API}/batch", {"items": items, **more})


def balances() -> dict[int, int]:
    """Everybody's, from the database."""
    db.session.rollback()
    return {each.telegram_id: each.balance for each in db.session.query(CreditAccount)}


def refused(answer: TestResponse) -> tuple[int, str]:
    """Status and code of an error."""
    assert answer.content_type == "application/problem+json", answer.text
    assert answer.json["message"]
    assert answer.json["request_id"]
    return answer.status_code, answer.json["code"]
