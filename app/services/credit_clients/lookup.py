"""What a process remembers of keys, for a few seconds. Secrets stay in its own memory and never go to Redis."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from sqlalchemy import select

from app.core import crypto
from app.core.bells import Bell, Ear
from app.core.buckets import Bucket, take
from app.core.db import db
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.domain.credit_clients import RateLimited, Scope
from app.domain.people import network_of
from app.domain.plans import API_CALLS, Plan
from app.models import CreditClient, CreditKey, Tenant

SECONDS: Final = 5.0
"""How long a change may go unnoticed where the bell is not heard."""
STRANGE, PAUSE = 60, 1_000
"""How often an address may name keys that this process does not know, at once; and milliseconds until once more."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key that was not revoked, with its project and tenant."""

    row_id: int
    key_id: str
    fingerprint: str
    secret: str
    scopes: frozenset[Scope]
    allow_v1: bool
    networks: Sequence[IPv4Network | IPv6Network]
    expires_at: datetime | None
    tenant_id: int
    client_id: int
    source: str
    disabled: bool
    suspended: bool
    rate: int
    burst: int
    hourly: int
    """Calls of all of the tenant's projects together."""


def fingerprint(api_key: str) -> str:
    """What is kept of an API key. Its secret part is random, so it needs no pepper, which could never be changed."""
    return crypto.fingerprint("credit key", api_key)


class Memory:
    """Facts by key id. Ids that are nobody's are not remembered: there may be very many."""

    def __init__(self) -> None:
        self._facts: dict[str, tuple[float, KeyFacts]] = {}
        self._fresh_since = 0.0
        self._ear = Ear(Bell.TENANTS, self.forget)

    def facts(self, key_id: str, address: str) -> KeyFacts | None:
        """Opens a transaction of its own where it must ask. Raises RateLimited."""
        self._ear.open()
        found = self._facts.get(key_id)
        asked_at = time.monotonic()
        if found and found[0] > max(self._fresh_since, asked_at - SECONDS):
            return found[1]
        if found is None:
            _limit_strangers(address)
        with system_scope(), transaction():
            facts = load(key_id)
        if facts is None:
            self._facts.pop(key_id, None)
        else:
            # The moment of asking: a bell that rang meanwhile is younger.
            self._facts[key_id] = (asked_at, facts)
        return facts

    def owner(self, key_id: str) -> int | None:
        """The tenant of a key, as far as it is remembered, however long ago."""
        found = self._facts.get(key_id)
        return found[1].tenant_id if found else None

    def forget(self) -> None:
        """Asks the database anew from now on."""
        self._fresh_since = time.monotonic()


_memory = Memory()


def facts(key_id: str, address: str) -> KeyFacts | None:
    """A key that works or has expired, at most SECONDS old; None for others. Raises RateLimited."""
    return _memory.facts(key_id, address)


def owner_remembered(key_id: str) -> int | None:
    """The tenant of a key that this process has seen lately; says nothing about whether the key still works."""
    return _memory.owner(key_id)


def forget() -> None:
    """Makes this process ask the database anew."""
    _memory.forget()


def load(key_id: str) -> KeyFacts | None:
    """The same from the database; needs the system scope."""
    row = db.session.execute(
        select(CreditKey, CreditClient, Tenant)
        .join(CreditClient, CreditClient.id == CreditKey.client_id)
        .join(Tenant, Tenant.id == CreditKey.tenant_id)
        .where(CreditKey.key_id == key_id, CreditKey.revoked_at.is_(None))
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        return None
    key, client, tenant = row
    return KeyFacts(
        row_id=key.id,
        key_id=key.key_id,
        fingerprint=key.fingerprint,
        secret=key.secret,
        scopes=frozenset(Scope(str(scope)) for scope in key.scopes),
        allow_v1=key.allow_v1,
        networks=tuple(ip_network(str(text)) for text in key.networks),
        expires_at=key.expires_at,
        tenant_id=key.tenant_id,
        client_id=client.id,
        source=client.source,
        disabled=client.disabled_at is not None,
        suspended=tenant.suspended_at is not None,
        rate=client.rate,
        burst=client.burst,
        hourly=API_CALLS[Plan(tenant.plan)],
    )


def _limit_strangers(address: str) -> None:
    """Who tries many keys is slowed down; projects behind the same address whose keys are known here never notice."""
    place = network_of(address) if ":" in address else address
    bucket = Bucket(f"laoban:strange-keys:{place}", PAUSE, PAUSE * (STRANGE - 1))
    turn = take([bucket], tag=place, longest_wait=0)
    if not turn.taken:
        raise RateLimited(retry_after=max(1, math.ceil(turn.wait)))
