"""Tenants: making one with its owner, changing its settings, suspending it, and finding it for a request."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from flask_security.utils import hash_password
from sqlalchemy import ColumnElement, ScalarSelect, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.bells import Bell
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotFound
from app.core.i18n import LOCALES, N_, ZH
from app.core.queue import ring
from app.core.tenancy import tenant_scope
from app.domain.people import Role, clean_email
from app.domain.plans import Plan
from app.domain.tenants import MAX_NAME, TenantFacts, TenantRow, clean_slug, is_timezone
from app.models import Bot, Domain, Member, Membership, Tenant, User
from app.services import audit

TRIAL = timedelta(days=14)


class EmailTaken(Conflict):
    """There is an account with this address. Pages for strangers must not say so."""

    code = "email_taken"
    message = N_("This e-mail address can't be used for a new account.")


class SlugTaken(Conflict):
    code = "slug_taken"
    message = N_("This address is already in use. Please choose another.")


@dataclass(frozen=True)
class NewTenant:
    """What `create` made."""

    tenant: Tenant
    user: User
    membership: Membership


def create(
    name: str, email: str, password: str, plan: Plan = Plan.PRO, locale: str = ZH, *, confirmed: bool = True
) -> NewTenant:
    """A tenant with its owner's new account, on a trial. Raises EmailTaken, BadInput."""
    tenant = Tenant(name=clean_name(name), plan=plan, locale=locale, trial_ends_at=clock.now() + TRIAL)
    user = new_user(email, password, locale=locale, confirmed=confirmed)
    db.session.add(tenant)
    db.session.flush()
    with tenant_scope(tenant.id):
        membership = Membership(tenant_id=tenant.id, user_id=user.id, role=Role.OWNER)
        db.session.add(membership)
        audit.record(tenant.id, "tenant.created", ("tenant", tenant.id, tenant.name), {"plan": plan})
        db.session.flush()
    return NewTenant(tenant, user, membership)


def new_user(
    email: str, password: str, *, name: str = "", locale: str | None = None, confirmed: bool
) -> User:
    """A person's account. Two at once with one address: the second raises EmailTaken."""
    user = User(
        email=clean_email(email),
        name=name.strip(),
        password=hash_password(password),
        fs_uniquifier=uuid4().hex,
        confirmed_at=clock.now() if confirmed else None,
        locale=locale,
    )
    try:
        with db.session.begin_nested():
            db.session.add(user)
    except IntegrityError:
        raise EmailTaken from None
    return user


def clean_name(name: str) -> str:
    """The name without needless space. Raises BadInput."""
    cleaned = " ".join(name.split())
    if not cleaned or len(cleaned) > MAX_NAME:
        raise BadInput(N_("Please give a name of at most %(most)s characters."), most=MAX_NAME)
    return cleaned


def get(tenant_id: int) -> Tenant:
    """Raises NotFound."""
    tenant = db.session.get(Tenant, tenant_id)
    if tenant is None:
        raise NotFound
    return tenant


def change(
    tenant_id: int,
    *,
    name: str | None = None,
    locale: str | None = None,
    timezone: str | None = None,
    slug: str | None = None,
) -> Tenant:
    """Changes what is given; an empty slug gives the address back. Raises BadInput, SlugTaken."""
    tenant = get(tenant_id)
    wanted: dict[str, object] = {}
    if name is not None:
        wanted["name"] = clean_name(name)
    if locale is not None:
        wanted["locale"] = _allowed(locale, locale in LOCALES)
    if timezone is not None:
        wanted["timezone"] = _allowed(timezone, is_timezone(timezone))
    if slug is not None:
        wanted["slug"] = _free_slug(slug)
    changes: dict[str, object] = {
        field: [getattr(tenant, field), value]
        for field, value in wanted.items()
        if getattr(tenant, field) != value
    }
    try:
        with db.session.begin_nested():
            for field in changes:
                setattr(tenant, field, wanted[field])
    except IntegrityError:
        raise SlugTaken from None
    if changes:
        audit.record(tenant.id, "tenant.changed", ("tenant", tenant.id, tenant.name), changes)
        told(tenant.id)
    return tenant


def _allowed(value: str, known: bool) -> str:  # noqa: FBT001
    if not known:
        raise BadInput
    return value


def _free_slug(text: str) -> str | None:
    if not text.strip():
        return None
    slug = clean_slug(text)
    if slug is None:
        raise BadInput(N_("Use 1 to 40 small letters, digits and hyphens; some words are reserved."))
    return slug


def suspend(tenant_id: int) -> None:
    """Closes a tenant's pages to its people and silences its bots; data stays."""
    _set_suspended(tenant_id, suspended=True)


def resume(tenant_id: int) -> None:
    """Opens a suspended tenant again."""
    _set_suspended(tenant_id, suspended=False)


def _set_suspended(tenant_id: int, *, suspended: bool) -> None:
    was = Tenant.suspended_at.is_(None) if suspended else Tenant.suspended_at.is_not(None)
    value = clock.now() if suspended else None
    done = db.session.execute(
        update(Tenant).where(Tenant.id == tenant_id, was).values(suspended_at=value).returning(Tenant.name)
    ).scalar()
    if done is None:
        get(tenant_id)
        return
    with tenant_scope(tenant_id):
        action = "tenant.suspended" if suspended else "tenant.resumed"
        audit.record(tenant_id, action, ("tenant", tenant_id, done))
        db.session.flush()
        for bot_id in db.session.scalars(select(Bot.id).where(Bot.removed_at.is_(None))):
            ring(Bell.BOTS, bot_id)
    told(tenant_id)


def told(tenant_id: int) -> None:
    """Says that what requests remember of this tenant no longer holds."""
    ring(Bell.TENANTS, tenant_id)


def find_facts(by: str, value: str) -> dict[str, object] | None:
    """A tenant by `id`, `uuid`, `slug` or verified `host`, as plain values for a cache; needs the system scope."""
    condition = _condition(by, value)
    row = db.session.scalars(select(Tenant).where(condition)).one_or_none() if condition is not None else None
    return None if row is None else facts_of(row)


def _condition(by: str, value: str) -> ColumnElement[bool] | None:
    if by == "id":
        return Tenant.id == int(value)
    if by == "slug":
        return Tenant.slug == value
    if by == "host":
        verified = select(Domain.tenant_id).where(Domain.host == value, Domain.verified_at.is_not(None))
        return Tenant.id.in_(verified)
    try:
        return Tenant.uuid == UUID(value)
    except ValueError:
        return None


def facts_of(tenant: Tenant) -> dict[str, object]:
    """What a request needs to know, as JSON can hold it."""
    facts = TenantFacts(
        id=tenant.id,
        uuid=str(tenant.uuid),
        name=tenant.name,
        slug=tenant.slug,
        locale=tenant.locale,
        timezone=tenant.timezone,
        suspended=tenant.suspended_at is not None,
    )
    return dict(facts.__dict__)


def list_all(*, search: str = "", page: int = 0, size: int = 20) -> tuple[Sequence[TenantRow], int]:
    """A page of all tenants, newest first, and how many there are; for the operator, in the system scope."""
    wanted = select(Tenant)
    if search:
        like = f"%{search.replace('%', '').replace('_', '')}%"
        owners = select(Membership.tenant_id).join(User).where(User.email.ilike(like))
        wanted = wanted.where(or_(Tenant.name.ilike(like), Tenant.slug.ilike(like), Tenant.id.in_(owners)))
    total = db.session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    page_of = wanted.order_by(Tenant.id.desc()).offset(page * size).limit(size)
    found = db.session.execute(page_of.add_columns(_owner(), _bots(), _members())).all()
    return [_row(tenant, owner, bots, members) for tenant, owner, bots, members in found], total


def _owner() -> ScalarSelect[str]:
    owner = select(User.email).join(Membership, Membership.user_id == User.id)
    mine = owner.where(Membership.tenant_id == Tenant.id, Membership.role == Role.OWNER)
    return mine.order_by(Membership.id).limit(1).scalar_subquery()


def _bots() -> ScalarSelect[int]:
    return select(func.count()).where(Bot.tenant_id == Tenant.id, Bot.removed_at.is_(None)).scalar_subquery()


def _members() -> ScalarSelect[int]:
    return select(func.count()).where(Member.tenant_id == Tenant.id).scalar_subquery()


def _row(tenant: Tenant, owner: str | None, bots: int, members: int) -> TenantRow:
    return TenantRow(
        id=tenant.id,
        uuid=str(tenant.uuid),
        name=tenant.name,
        slug=tenant.slug,
        plan=tenant.plan,
        owner=owner or "",
        bots=bots,
        members=members,
        created_at=tenant.created_at,
        suspended_at=tenant.suspended_at,
    )
