"""What the pages of projects and keys share: which one a request means, how a key is, and what a developer copies."""

import json
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import make_response, request
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from admin.acts import row_id
from admin.guard import tenant_id
from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.settings import get_settings
from app.domain.credit_clients import Scope
from app.models import CreditClient, CreditKey

SOON = timedelta(days=7)
SCOPES = {Scope.POST.value: _l("Post"), Scope.READ.value: _l("Read")}
Words = tuple[str, Any]


def chosen(model: Any, name: str = "id") -> Any:
    """The row of the open tenant that a request names; NotFound for others, and where two are named."""
    ids = set(request.values.getlist(name))
    if len(ids) != 1:
        raise NotFound
    row = db.session.scalar(
        select(model).where(model.tenant_id == tenant_id(), model.id == row_id(ids.pop()))
    )
    if row is None:
        raise NotFound
    return row


def key_state(key: CreditKey, now: datetime) -> Words:
    """Tone and words."""
    if key.revoked_at:
        return "idle", _l("Revoked")
    if key.expires_at and key.expires_at <= now:
        return "idle", _l("Expired")
    if key.expires_at and key.expires_at <= now + SOON:
        return "warn", _l("Ends soon")
    return "ok", _l("Works")


def works(key: CreditKey, now: datetime) -> bool:
    """Whether calls with it are taken."""
    return not key.revoked_at and (key.expires_at is None or key.expires_at > now)


def client_state(client: CreditClient, keys: list[CreditKey]) -> Words:
    """Tone and words."""
    if client.disabled_at:
        return "idle", _l("Switched off")
    if not any(works(key, clock.now()) for key in keys):
        return "warn", _l("No working key")
    if not any(key.last_used_at for key in keys):
        return "info", _l("Not used yet")
    return "ok", _l("In use")


def keys_by_client(client_ids: list[int]) -> dict[int, list[CreditKey]]:
    """The keys of several projects, newest first."""
    found: dict[int, list[CreditKey]] = defaultdict(list)
    query = select(CreditKey).where(CreditKey.tenant_id == tenant_id(), CreditKey.client_id.in_(client_ids))
    for key in db.session.scalars(query.order_by(CreditKey.id.desc())):
        found[key.client_id].append(key)
    return found


def last_use(keys: list[CreditKey]) -> CreditKey | None:
    """The key that was used last."""
    used = [key for key in keys if key.last_used_at]
    return max(used, key=lambda key: key.last_used_at or key.created_at, default=None)


def base_url() -> str:
    """Where partners reach us."""
    return get_settings().public_url or request.host_url.rstrip("/")


def sdk_example(client: CreditClient, api_key: str, secret: str) -> str:
    """Five lines that post credits."""
    return "\n".join(
        (
            "from credit_sync_client import CreditSyncClient",
            f'client = CreditSyncClient("{base_url()}", "{api_key}",',
            f'                          "{secret}", "{client.source}")',
            'result = client.add_credits(telegram_id=123456789, amount=10, reason="Welcome", reference="welcome-123456789")',
            "print(result.success, result.balance, result.message)",
        )
    )


def verifier_example(url: str, key_id: str, secret: str) -> str:
    """What a partner's receiver at this address does with a batch."""
    return "\n".join(
        (
            "from credit_sync_client import BatchVerifier, CreditSyncError",
            f'verifier = BatchVerifier("{key_id}", "{secret}")',
            "",
            f"@app.post({json.dumps(urlsplit(url).path or '/')})",
            "def credits():",
            "    query = request.query_string.decode()",
            "    try:",
            "        batch = verifier.verify(",
            "            request.method, request.path, query, request.headers, request.get_data())",
            "    except CreditSyncError as error:",
            '        return {"code": error.code}, error.status',
            "    for change in batch.changes:",
            "        save(change)  # each change.id once: a batch may come again",
            "    return batch.answer()",
        )
    )


def shown_once(page: str) -> Any:
    """A page with a secret: kept by nobody on the way."""
    answer = make_response(page)
    answer.headers["Cache-Control"] = "no-store"
    return answer
