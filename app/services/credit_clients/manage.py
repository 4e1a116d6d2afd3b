"""A tenant's projects and their keys. A key is shown once; two work side by side while a project changes over."""

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.i18n import N_
from app.domain.credit_clients import BURST, MAX_KEYS, RATE, Scope, SourceTaken, TooManyKeys
from app.domain.credits import OWN_SOURCES, SOURCE
from app.models import CreditClient, CreditKey
from app.services import audit, tenants
from app.services.credit_clients.lookup import fingerprint

ALL: Final = (Scope.READ, Scope.POST)
LONGEST_OVERLAP: Final = timedelta(days=7)
MOST_NETWORKS: Final = 50
FASTEST: Final = 1_000
"""Calls per second that a project may be allowed at most, also at once."""


@dataclass(frozen=True)
class NewKey:
    """A key with what is shown only once."""

    key: CreditKey
    api_key: str
    secret_key: str


def create_client(tenant_id: int, source: str, name: str) -> CreditClient:
    """A project; its postings carry `source`. Raises BadInput, SourceTaken."""
    if not SOURCE.fullmatch(source):
        raise BadInput(
            N_("A source has 1 to 32 letters, digits, dots, hyphens and underscores of the Latin alphabet.")
        )
    if source.lower() in OWN_SOURCES:
        raise BadInput(N_("This source is one of our own. Please choose another."))
    client = CreditClient(
        tenant_id=tenant_id, source=source, name=tenants.clean_name(name), rate=RATE, burst=BURST
    )
    try:
        with db.session.begin_nested():
            db.session.add(client)
    except IntegrityError:
        raise SourceTaken from None
    audit.record(tenant_id, "credit_client.created", _target(client), {"source": source})
    return client


def get_client(client_id: int) -> CreditClient:
    """Raises NotFound."""
    client = db.session.scalars(select(CreditClient).where(CreditClient.id == client_id)).one_or_none()
    if client is None:
        raise NotFound
    return client


def find_client(tenant_id: int, source: str) -> CreditClient | None:
    """A project by its source."""
    return db.session.scalars(
        select(CreditClient).where(CreditClient.tenant_id == tenant_id, CreditClient.source == source)
    ).one_or_none()


def list_clients(tenant_id: int) -> Sequence[CreditClient]:
    """All of a tenant's projects by name."""
    mine = select(CreditClient).where(CreditClient.tenant_id == tenant_id)
    return db.session.scalars(mine.order_by(CreditClient.name, CreditClient.id)).all()


def change_client(
    client_id: int,
    *,
    name: str | None = None,
    rate: int | None = None,
    burst: int | None = None,
    disabled: bool | None = None,
) -> CreditClient:
    """Changes what is given; a disabled project's calls are refused. Raises NotFound, BadInput."""
    client = get_client(client_id)
    wanted: dict[str, object] = {}
    if name is not None:
        wanted["name"] = tenants.clean_name(name)
    for field, number in (("rate", rate), ("burst", burst)):
        if number is not None:
            wanted[field] = _bounded(number)
    changes: dict[str, object] = {
        field: [getattr(client, field), value]
        for field, value in wanted.items()
        if getattr(client, field) != value
    }
    for field in changes:
        setattr(client, field, wanted[field])
    if disabled is not None and disabled != (client.disabled_at is not None):
        client.disabled_at = clock.now() if disabled else None
        changes["disabled"] = disabled
    if changes:
        audit.record(client.tenant_id, "credit_client.changed", _target(client), changes)
        tenants.told(client.tenant_id)
    return client


def create_key(
    client_id: int,
    *,
    scopes: Collection[Scope] = ALL,
    allow_v1: bool = False,
    networks: Iterable[str] = (),
    expires_at: datetime | None = None,
    user_id: int | None = None,
) -> NewKey:
    """One more key of a project. Raises NotFound, BadInput, TooManyKeys."""
    if not scopes:
        raise BadInput(N_("A key needs at least one scope."))
    if expires_at is not None and expires_at <= clock.now():
        raise BadInput(N_("A key must expire in the future."))
    made = _make(
        client_id,
        scopes=[scope.value for scope in ALL if scope in scopes],
        allow_v1=allow_v1,
        networks=list(clean_networks(networks)),
        expires_at=expires_at,
        user_id=user_id,
    )
    _record("created", made.key, {"scopes": ", ".join(map(str, made.key.scopes)), "allow_v1": allow_v1})
    return made


def clean_networks(networks: Iterable[str]) -> list[str]:
    """Addresses and CIDR networks in their proper form, each once. Raises BadInput."""
    try:
        found = {str(ip_network(text.strip(), strict=False)): None for text in networks if text.strip()}
    except ValueError:
        raise BadInput(
            N_("Please give addresses or networks such as 203.0.113.7 or 203.0.113.0/24.")
        ) from None
    if len(found) > MOST_NETWORKS:
        raise BadInput(N_("A key has at most %(most)s networks."), most=MOST_NETWORKS)
    return list(found)


def rotate(key_row_id: int, overlap: timedelta, user_id: int | None = None) -> NewKey:
    """A new key with the old one's rights; the old one goes on working for `overlap`. Raises what `create_key` raises."""
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise BadInput(N_("The old key may go on working for at most 7 days."))
    old, now = get_key(key_row_id), clock.now()
    if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
        raise NotFound
    made = _make(
        old.client_id,
        scopes=old.scopes,
        allow_v1=old.allow_v1,
        networks=old.networks,
        # As long a life as the old one was given.
        expires_at=old.expires_at and now + (old.expires_at - old.created_at),
        user_id=user_id,
    )
    old.expires_at = min(old.expires_at or now + overlap, now + overlap)
    _record("rotated", old, {"key": [old.shown, made.key.shown], "expires_at": old.expires_at.isoformat()})
    tenants.told(old.tenant_id)
    return made


def revoke(key_row_id: int) -> None:
    """Ends a key: at once, since each call looks at its row. Raises NotFound."""
    key = get_key(key_row_id)
    ended = db.session.execute(
        update(CreditKey)
        .where(CreditKey.id == key_row_id, CreditKey.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .returning(CreditKey.id)
    ).scalar()
    if ended is None:
        raise NotFound
    _record("revoked", key)
    tenants.told(key.tenant_id)


def get_key(key_row_id: int) -> CreditKey:
    """Raises NotFound."""
    key = db.session.scalars(select(CreditKey).where(CreditKey.id == key_row_id)).one_or_none()
    if key is None:
        raise NotFound
    return key


def list_keys(client_id: int) -> Sequence[CreditKey]:
    """A project's keys, also those that work no more, newest first."""
    mine = select(CreditKey).where(CreditKey.client_id == client_id)
    return db.session.scalars(mine.order_by(CreditKey.id.desc())).all()


def _working(client_id: int) -> ColumnElement[bool]:
    return and_(
        CreditKey.client_id == client_id,
        CreditKey.revoked_at.is_(None),
        or_(CreditKey.expires_at.is_(None), CreditKey.expires_at > func.now()),
    )


def _make(client_id: int, **fields: object) -> NewKey:
    # Locked, so that two at once can't both be the last that is allowed.
    client = db.session.scalars(
        select(CreditClient).where(CreditClient.id == client_id).with_for_update()
    ).one_or_none()
    if client is None:
        raise NotFound
    if (db.session.scalar(select(func.count()).where(_working(client_id))) or 0) >= MAX_KEYS:
        raise TooManyKeys(most=MAX_KEYS)
    key_id = f"ck_{secrets.token_hex(8)}"
    api_key, secret_key = f"{key_id}.{secrets.token_urlsafe(32)}", secrets.token_urlsafe(32)
    key = CreditKey(
        tenant_id=client.tenant_id,
        client_id=client.id,
        key_id=key_id,
        fingerprint=fingerprint(api_key),
        shown=f"{key_id}.***",
        secret=secret_key,
        **fields,
    )
    db.session.add(key)
    db.session.flush()
    return NewKey(key, api_key, secret_key)


def _bounded(number: int) -> int:
    if not 1 <= number <= FASTEST:
        raise BadInput(N_("Please give a number from 1 to %(most)s."), most=FASTEST)
    return number


def _target(client: CreditClient) -> tuple[str, int, str]:
    db.session.flush()
    return "credit_client", client.id, client.name


def _record(verb: str, key: CreditKey, changes: dict[str, object] | None = None) -> None:
    audit.record(key.tenant_id, f"credit_key.{verb}", ("credit_key", key.id, key.shown), changes)
