"""Host names of tenants' own. One counts only after the boss has put a file on it that only its owner could put there.

We never serve that file ourselves: a host that already points at us would then prove itself for anybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotFound
from app.core.i18n import N_
from app.core.ids import public_id
from app.domain.tenants import clean_host
from app.models import Domain
from app.services import audit, tenants

MOST = 10


class HostTaken(Conflict):
    code = "host_taken"
    message = N_("This domain is already in use.")


class NotProven(BadInput):
    """The file is not there or holds something else."""

    code = "domain_not_proven"
    message = N_("We could not find the file with the right text at %(url)s.")


@dataclass(frozen=True)
class Check:
    """What to fetch, and the text that must come back."""

    domain_id: int
    url: str
    text: str

    def proves(self, status: int, body: bytes) -> bool:
        """Whether the answer is the right one."""
        return status == 200 and body.strip() == self.text.encode()


def add(tenant_id: int, text: str) -> Domain:
    """Notes a host name that still has to be proven. Raises BadInput, HostTaken."""
    host = clean_host(text)
    if host is None:
        raise BadInput(N_("This is not a domain name."))
    if len(list_all(tenant_id)) >= MOST:
        raise BadInput(N_("At most %(most)s domains are possible."), most=MOST)
    row = Domain(tenant_id=tenant_id, host=host, check_token=public_id())
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:
        raise HostTaken from None
    audit.record(tenant_id, "domain.added", ("domain", row.id, host))
    return row


def list_all(tenant_id: int) -> Sequence[Domain]:
    """The tenant's domains, proven or not."""
    return db.session.scalars(select(Domain).where(Domain.tenant_id == tenant_id).order_by(Domain.host)).all()


def check_of(row: Domain) -> Check:
    """Where the boss puts the file, and what it holds."""
    return Check(row.id, f"https://{row.host}/.well-known/laoban-{row.check_token}.txt", row.check_token)


def get(tenant_id: int, domain_id: int) -> Domain:
    """Raises NotFound."""
    row = db.session.scalars(
        select(Domain).where(Domain.id == domain_id, Domain.tenant_id == tenant_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    return row


def confirm(tenant_id: int, domain_id: int) -> Domain:
    """Notes that the file was found. Raises HostTaken where another tenant proved the same host first."""
    row = get(tenant_id, domain_id)
    try:
        with db.session.begin_nested():
            row.verified_at = row.verified_at or clock.now()
    except IntegrityError:
        raise HostTaken from None
    audit.record(tenant_id, "domain.verified", ("domain", row.id, row.host))
    tenants.told(tenant_id)
    return row


def remove(tenant_id: int, domain_id: int) -> None:
    """Takes a domain away. Raises NotFound."""
    row = get(tenant_id, domain_id)
    db.session.execute(delete(Domain).where(Domain.id == row.id))
    audit.record(tenant_id, "domain.removed", ("domain", domain_id, row.host))
    tenants.told(tenant_id)
