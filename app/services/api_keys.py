"""API keys of tenants: shown once, kept as a fingerprint."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, or_, select, update

from app.core import clock, crypto
from app.core.db import db
from app.core.errors import LimitReached, NotFound
from app.core.i18n import N_
from app.core.ids import api_key
from app.models import ApiKey, Tenant
from app.services import audit, tenants

USED_EVERY = timedelta(minutes=1)
MOST = 50


class TooManyKeys(LimitReached):
    code = "too_many_keys"
    message = N_("At most %(limit)s keys are possible. Revoke one that is not needed.")


@dataclass(frozen=True)
class NewKey:
    """A key as it is shown once."""

    row: ApiKey
    key: str


def fingerprint(key: str) -> str:
    """What is kept of a key. It has 256 random bits, so it needs no secret pepper, which could never be changed."""
    return crypto.fingerprint("api key", key)


def create(tenant_id: int, name: str, user_id: int | None = None) -> NewKey:
    """A new key with all rights of a manager. Raises BadInput, TooManyKeys."""
    working = select(func.count()).where(ApiKey.tenant_id == tenant_id, ApiKey.revoked_at.is_(None))
    if (db.session.scalar(working) or 0) >= MOST:
        raise TooManyKeys(limit=MOST)
    key = api_key()
    row = ApiKey(
        tenant_id=tenant_id,
        name=tenants.clean_name(name),
        shown=crypto.mask(key),
        fingerprint=fingerprint(key),
        user_id=user_id,
    )
    db.session.add(row)
    db.session.flush()
    audit.record(tenant_id, "api_key.created", ("api_key", row.id, row.name), {"shown": row.shown})
    return NewKey(row, key)


def list_all(tenant_id: int) -> Sequence[ApiKey]:
    """The keys that work, newest first."""
    return db.session.scalars(
        select(ApiKey)
        .where(ApiKey.tenant_id == tenant_id, ApiKey.revoked_at.is_(None))
        .order_by(ApiKey.id.desc())
    ).all()


def revoke(tenant_id: int, key_id: int) -> None:
    """Ends a key: at once where the bell is heard, within seconds else. Raises NotFound."""
    name = db.session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.tenant_id == tenant_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .returning(ApiKey.name)
    ).scalar()
    if name is None:
        raise NotFound
    audit.record(tenant_id, "api_key.revoked", ("api_key", key_id, name))
    tenants.told(tenant_id)


def find(marks: str) -> dict[str, object] | None:
    """Key and tenant by fingerprint, as plain values for a cache; needs the system scope. Notes that it was used."""
    row = db.session.scalars(
        select(ApiKey).where(ApiKey.fingerprint == marks, ApiKey.revoked_at.is_(None))
    ).one_or_none()
    if row is None:
        return None
    now = clock.now()
    db.session.execute(
        update(ApiKey)
        .where(ApiKey.id == row.id)
        .where(or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < now - USED_EVERY))
        .values(last_used_at=now)
    )
    tenant = db.session.get_one(Tenant, row.tenant_id)
    return {"id": row.id, "name": row.name, "tenant": tenants.facts_of(tenant)}
