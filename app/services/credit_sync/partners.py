"""The partners of a tenant: their addresses, filters and secrets."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from sqlalchemy import delete, func, select

from app.core import clock
from app.core.db import db
from app.core.errors import BadInput, LimitReached, NotFound
from app.core.i18n import N_
from app.core.safe_url import check_url
from app.core.settings import get_settings
from app.domain.credit_sync import MAX_NAME, PartnerState
from app.domain.credits import SOURCE
from app.models import CreditDrift, CreditPartner, CreditPosting
from app.services import audit

MOST: Final = 20
OVERLAP: Final = timedelta(days=1)
"""How long the former secret signs beside a new one."""
START = Literal["now", "beginning"]
_UNCHANGED: Final = "\x00"


class TooManyPartners(LimitReached):
    code = "too_many_partners"
    message = N_("No more than %(most)s partners can be set up.")


@dataclass(frozen=True, slots=True)
class NewPartner:
    """A partner and the secret that is shown once."""

    partner: CreditPartner
    key_id: str
    secret_key: str


def create(
    tenant_id: int,
    name: str,
    url: str,
    *,
    sources: Sequence[str] = (),
    except_source: str | None = None,
    start: START = "now",
) -> NewPartner:
    """Sets up a partner who is sent what is posted from now on, or everything since the beginning.

    Raises BadInput, UnsafeUrl and TooManyPartners.
    """
    count = select(func.count()).select_from(CreditPartner).where(CreditPartner.tenant_id == tenant_id)
    if (db.session.scalar(count) or 0) >= MOST:
        raise TooManyPartners(most=MOST)
    last = select(func.coalesce(func.max(CreditPosting.id), 0)).where(CreditPosting.tenant_id == tenant_id)
    secret = _secret()
    partner = CreditPartner(
        tenant_id=tenant_id,
        name=_name(name),
        url=_url(url),
        key_id=f"cp_{secrets.token_hex(8)}",
        secret=secret,
        sources=_sources(sources),
        except_source=_source(except_source),
        cursor=db.session.scalar(last) if start == "now" else 0,
        next_at=clock.now(),
    )
    db.session.add(partner)
    db.session.flush()
    changes: dict[str, object] = {"name": partner.name, "url": partner.url, "start": start}
    if sources:
        changes["sources"] = ", ".join(sources)
    if partner.except_source:
        changes["except_source"] = partner.except_source
    _record(partner, "created", changes)
    return NewPartner(partner, partner.key_id, secret)


def get(partner_id: int, *, lock: bool = False) -> CreditPartner:
    """Raises NotFound."""
    query = select(CreditPartner).where(CreditPartner.id == partner_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    partner = db.session.scalar(query)
    if partner is None:
        raise NotFound
    return partner


def list_(tenant_id: int) -> list[CreditPartner]:
    """In the order of their names."""
    query = select(CreditPartner).where(CreditPartner.tenant_id == tenant_id)
    return list(db.session.scalars(query.order_by(CreditPartner.name, CreditPartner.id)))


def change(
    partner_id: int,
    *,
    name: str | None = None,
    url: str | None = None,
    sources: Sequence[str] | None = None,
    except_source: str | None = _UNCHANGED,
) -> CreditPartner:
    """Changes what is given. A batch under way goes on as it is, to the new address.

    Raises NotFound, BadInput and UnsafeUrl.
    """
    partner = get(partner_id, lock=True)
    given: dict[str, object] = {}
    if name is not None:
        given["name"] = _name(name)
    if url is not None:
        given["url"] = _url(url)
    if sources is not None:
        given["sources"] = _sources(sources)
    if except_source != _UNCHANGED:
        given["except_source"] = _source(except_source)
    old = {field: getattr(partner, field) for field in given}
    changed = {field: [old[field], value] for field, value in given.items() if old[field] != value}
    for field, value in given.items():
        setattr(partner, field, value)
    if "url" in changed:
        _start_over(partner)
    if changed:
        _record(partner, "changed", {field: [_words(a), _words(b)] for field, (a, b) in changed.items()})
    return partner


def pause(partner_id: int) -> CreditPartner:
    """Nothing more is sent; what the partner is answering just now still counts. Raises NotFound."""
    partner = get(partner_id, lock=True)
    if partner.state is PartnerState.ACTIVE:
        partner.state = PartnerState.PAUSED
        _record(partner, "paused", {})
    return partner


def resume(partner_id: int) -> CreditPartner:
    """Goes on where it stopped, also after the partner said that it wants nothing more. Raises NotFound."""
    partner = get(partner_id, lock=True)
    if partner.state is not PartnerState.ACTIVE:
        partner.state = PartnerState.ACTIVE
        partner.failures, partner.failing_since, partner.error, partner.told_at = 0, None, None, None
        partner.letters_in_row, partner.next_at, partner.asked_at = 0, clock.now(), None
        _record(partner, "resumed", {})
    return partner


def try_now(partner_id: int) -> CreditPartner:
    """Does not wait for the next try. Raises NotFound."""
    partner = get(partner_id, lock=True)
    if partner.state is PartnerState.ACTIVE:
        partner.next_at, partner.asked_at = clock.now(), None
    return partner


def remove(partner_id: int) -> None:
    """Deletes the partner with his letters and comparisons. Raises NotFound."""
    partner = get(partner_id, lock=True)
    _record(partner, "removed", {})
    db.session.execute(delete(CreditDrift).where(CreditDrift.partner_id == partner_id))
    db.session.delete(partner)
    db.session.flush()


def new_secret(partner_id: int) -> NewPartner:
    """Another secret for the same key; for a day the former one signs too. Raises NotFound."""
    partner = get(partner_id, lock=True)
    secret = _secret()
    partner.former_secret, partner.former_until = partner.secret, clock.now() + OVERLAP
    partner.secret = secret
    _start_over(partner)
    _record(partner, "secret_changed", {})
    return NewPartner(partner, partner.key_id, secret)


def _start_over(partner: CreditPartner) -> None:
    """Whatever the partner answers to a call of before does not count; he is asked again soon."""
    partner.lease_token += 1
    partner.letters_in_row, partner.next_at, partner.asked_at = 0, clock.now(), None


def _record(partner: CreditPartner, verb: str, changes: dict[str, object]) -> None:
    target = ("credit_partner", partner.id, partner.name)
    audit.record(partner.tenant_id, f"credit_partner.{verb}", target, changes)


def _words(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _secret() -> str:
    return secrets.token_urlsafe(32)


def _name(value: str) -> str:
    name = value.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise BadInput
    return name


def _url(value: str) -> str:
    url = value.strip()
    check_url(url, get_settings().outbound_origins)
    return url


def _sources(values: Sequence[str]) -> list[object]:
    if len(values) > MOST:
        raise BadInput
    return [*sorted({source for source in map(_source, values) if source})]


def _source(value: str | None) -> str | None:
    if value and not SOURCE.fullmatch(value):
        raise BadInput
    return value or None
