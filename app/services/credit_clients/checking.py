"""Whether a call of a project is what it says: cheap checks first, and nothing is written here.

Works on plain data, so that every server can use it. After it come `nonces.use` in a transaction of its own, and then the
body's JSON (of version 1 its fields are read here, since they are what is signed).
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address
from typing import Final

from app.core import database_clock
from app.core.call_limits import Allowance, Limit, Limits, take
from app.core.crypto import constant_time_equal
from app.core.errors import TooLarge
from app.core.i18n import N_
from app.domain import credit_signing as signing
from app.domain.credit_clients import (
    MAX_BODY,
    WINDOW,
    AddressRefused,
    BusinessSuspended,
    ClientDisabled,
    InvalidCall,
    InvalidKey,
    InvalidSignature,
    KeyExpired,
    QuotaExceeded,
    RateLimited,
    Scope,
    ScopeMissing,
    TimestampExpired,
    V1Refused,
)
from app.domain.credit_signing import Asked
from app.domain.strict_json import Malformed, read_object
from app.services.credit_clients import lookup
from app.services.credit_clients.lookup import KeyFacts

MAX_DEPTH: Final = 32
_NOBODY: Final = lookup.fingerprint("nobody")
_NO_SECRET: Final = "A" * 43


@dataclass(frozen=True, slots=True)
class Caller:
    """A project whose call is proven to be its own."""

    tenant_id: int
    client_id: int
    key_row_id: int
    key_id: str
    source: str
    scopes: frozenset[Scope]
    address: str
    timestamp: int
    nonce: str
    """Of version 1 its token, marked so that it is no nonce of version 2."""
    binding: str | None
    """Of version 1: what the token is used for."""
    limits: Limits

    @property
    def version(self) -> int:
        """1 or 2."""
        return 2 if self.binding is None else 1


def check(asked: Asked, scope: Scope) -> Caller:
    """A call signed by version 2. Raises TooLarge, InvalidKey, KeyExpired, ClientDisabled, BusinessSuspended,
    ScopeMissing, AddressRefused, TimestampExpired, InvalidSignature.
    """
    _refuse_large(asked)
    signed = signing.read_v2(asked)
    facts = _owner_of(signed.api_key, asked.address)
    if facts is None:
        # As much work as for a key that exists.
        signing.fits(_NO_SECRET, signed, asked)
        raise InvalidKey
    _admit(facts, scope, asked.address)
    timestamp = _in_window(signed.timestamp)
    if not signing.fits(facts.secret, signed, asked):
        raise InvalidSignature
    return _caller(facts, asked, timestamp, signed.nonce)


def check_v1(asked: Asked, scope: Scope) -> tuple[Caller, dict[str, object]]:
    """A call signed by version 1, and the fields of its body. Raises what `check` raises, V1Refused, InvalidCall."""
    _refuse_large(asked)
    api_key = signing.read_api_key(asked)
    facts = _owner_of(api_key, asked.address)
    if facts is None:
        signing.sign_v1(_NO_SECRET, "1", "1", "nobody", "1700000000")
        raise InvalidKey
    _admit(facts, scope, asked.address)
    if not facts.allow_v1:
        raise V1Refused
    fields = read_fields(asked.body)
    signed = signing.read_v1(fields)
    timestamp = _in_window(signed.timestamp)
    if not signing.fits_v1(facts.secret, signed):
        raise InvalidSignature(N_("The token does not fit the fields of this call."))
    reference = str(fields.get("reference", fields.get("external_reference", "")))
    caller = _caller(facts, asked, timestamp, f"v1:{signed.token}")
    return replace(caller, binding=signing.binding(asked, reference)), fields


def read_fields(body: bytes) -> dict[str, object]:
    """The JSON object of a body whose sender is known. Raises InvalidCall."""
    try:
        return read_object(body, MAX_DEPTH)
    except Malformed as error:
        where = ".".join(map(str, error.path)) or "body"
        raise InvalidCall(N_("The body is no JSON that we accept."), fields={where: [str(error)]}) from None


def charge(caller: Caller) -> Allowance:
    """Counts the call. Only what is proven is counted: whoever merely knows a key id can't use up its calls."""
    return take(caller.limits)


def refuse_excess(allowance: Allowance) -> None:
    """Raises RateLimited, QuotaExceeded."""
    if allowance.ok:
        return
    if allowance.what is Limit.RATE:
        raise RateLimited(retry_after=allowance.retry_after)
    raise QuotaExceeded(limit=allowance.limit, retry_after=allowance.retry_after)


def _refuse_large(asked: Asked) -> None:
    if len(asked.body) > MAX_BODY:
        raise TooLarge


def _owner_of(api_key: str, address: str) -> KeyFacts | None:
    """The key, where every character of it is right."""
    facts = lookup.facts(signing.key_id_of(api_key), address)
    kept = facts.fingerprint if facts else _NOBODY
    return facts if constant_time_equal(kept, lookup.fingerprint(api_key)) else None


def _admit(facts: KeyFacts, scope: Scope, address: str) -> None:
    if facts.expires_at and facts.expires_at <= datetime.fromtimestamp(database_clock.now(), UTC):
        raise KeyExpired
    if facts.disabled:
        raise ClientDisabled
    if facts.suspended:
        raise BusinessSuspended
    if scope not in facts.scopes:
        raise ScopeMissing(scope=scope)
    if facts.networks and not _inside(facts, address):
        raise AddressRefused(address=address)


def _inside(facts: KeyFacts, address: str) -> bool:
    try:
        place = ip_address(address)
    except ValueError:
        return False
    if isinstance(place, IPv6Address) and place.ipv4_mapped:
        place = place.ipv4_mapped
    return any(place in network for network in facts.networks)


def _in_window(text: str) -> int:
    """The timestamp as a number. A measurement of the clock that is seconds old refuses nobody."""
    timestamp = int(text)
    if abs(database_clock.now() - timestamp) > WINDOW and abs(database_clock.now(1.0) - timestamp) > WINDOW:
        raise TimestampExpired
    return timestamp


def _caller(facts: KeyFacts, asked: Asked, timestamp: int, nonce: str) -> Caller:
    return Caller(
        tenant_id=facts.tenant_id,
        client_id=facts.client_id,
        key_row_id=facts.row_id,
        key_id=facts.key_id,
        source=facts.source,
        scopes=facts.scopes,
        address=asked.address,
        timestamp=timestamp,
        nonce=nonce,
        binding=None,
        limits=Limits(str(facts.client_id), facts.rate, facts.burst, str(facts.tenant_id), facts.hourly),
    )
