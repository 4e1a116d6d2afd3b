"""Who works in a tenant, and as what."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from app.core.db import db
from app.core.errors import Conflict, NotFound
from app.core.i18n import N_
from app.domain.people import Role, TenantChoice
from app.models import Membership, Tenant
from app.services import audit


class LastOwner(Conflict):
    """A tenant without an owner could never be managed again."""

    code = "last_owner"
    message = N_("This is the last owner. Make somebody else an owner first.")


def list_staff(tenant_id: int) -> Sequence[Membership]:
    """The tenant's people in the order in which they came."""
    return db.session.scalars(
        select(Membership).where(Membership.tenant_id == tenant_id).order_by(Membership.id)
    ).all()


def memberships_of(user_id: int) -> list[tuple[Membership, TenantChoice]]:
    """The person's places in all tenants; needs the system scope."""
    rows = db.session.execute(
        select(Membership, Tenant.name)
        .join(Tenant, Tenant.id == Membership.tenant_id)
        .where(Membership.user_id == user_id)
        .order_by(Membership.id)
    )
    return [(row[0], TenantChoice(id=row[0].tenant_id, name=row[1], role=row[0].role)) for row in rows]


def change_role(tenant_id: int, membership_id: int, role: Role) -> Membership:
    """Gives another role. Raises NotFound, LastOwner."""
    membership = _locked(tenant_id, membership_id)
    if membership.role == role:
        return membership
    _keep_an_owner(membership)
    before, membership.role = membership.role, role
    audit.record(tenant_id, "staff.role_changed", _target(membership), {"role": [before, role]})
    return membership


def leave_or_remove(tenant_id: int, membership_id: int) -> None:
    """Takes a person out of a tenant: it holds from his next request on. Raises NotFound, LastOwner."""
    membership = _locked(tenant_id, membership_id)
    _keep_an_owner(membership)
    audit.record(tenant_id, "staff.removed", _target(membership), {"role": [membership.role, None]})
    db.session.execute(delete(Membership).where(Membership.id == membership.id))


def _locked(tenant_id: int, membership_id: int) -> Membership:
    """The membership, with the tenant's row locked: two owners who demote each other do so one after the other."""
    db.session.execute(select(Tenant.id).where(Tenant.id == tenant_id).with_for_update())
    membership = db.session.scalars(
        select(Membership)
        .where(Membership.id == membership_id, Membership.tenant_id == tenant_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if membership is None:
        raise NotFound
    return membership


def _keep_an_owner(membership: Membership) -> None:
    if membership.role != Role.OWNER:
        return
    other = select(Membership.id).where(
        Membership.tenant_id == membership.tenant_id,
        Membership.role == Role.OWNER,
        Membership.id != membership.id,
    )
    if db.session.scalar(other.limit(1)) is None:
        raise LastOwner


def _target(membership: Membership) -> tuple[str, int, str]:
    return "membership", membership.id, membership.user.email
