"""Signed-in browsers. The cookie holds a random text, the row its fingerprint; without a living row nobody is signed in.

A row says whose it is, which tenant is open in it, and when the password was last given. So signing out, revoking
and leaving a tenant hold at once, whatever copies of the cookie exist.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, or_, select, update

from app.core import clock, crypto
from app.core.db import db
from app.core.errors import NotFound
from app.core.tenancy import tenant_scope
from app.models import LoginThrottle, Membership, Tenant, User, UserSession
from app.services import audit

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
FRESH = timedelta(minutes=15)
SEEN_EVERY = timedelta(minutes=1)
MAX_AGENT = 200


def open_session(user_id: int, *, ip: str | None, agent: str | None, tenant_id: int | None) -> str:
    """Signs a browser in and returns what its cookie holds. `tenant_id` is the tenant to open, None = the first."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    db.session.add(
        UserSession(
            id=session_id(token),
            user_id=user_id,
            open_tenant_id=_openable(user_id, tenant_id),
            confirmed_at=now,
            last_seen_at=now,
            ip=ip,
            agent=(agent or "")[:MAX_AGENT],
        )
    )
    db.session.flush()
    return token


def _openable(user_id: int, wanted: int | None) -> int | None:
    mine = select(Membership.tenant_id).where(Membership.user_id == user_id).order_by(Membership.id)
    found = list(db.session.scalars(mine))
    return wanted if wanted in found else next(iter(found), None)


def find_session(token: str, *, used: bool = True) -> tuple[UserSession, User] | None:
    """The living session and its person; notes that it was `used` by the person. Needs the system scope."""
    now = clock.now()
    row = db.session.execute(
        select(UserSession, User)
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.id == session_id(token), UserSession.revoked_at.is_(None), User.active)
        .where(UserSession.last_seen_at > now - IDLE, UserSession.created_at > now - LONGEST)
    ).one_or_none()
    if row is None:
        return None
    session: UserSession = row[0]
    if used and session.last_seen_at < now - SEEN_EVERY:
        session.last_seen_at = now
    return session, row[1]


def list_sessions(user_id: int) -> Sequence[UserSession]:
    """The person's signed-in browsers, last used first."""
    now = clock.now()
    return db.session.scalars(
        select(UserSession)
        .where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None))
        .where(UserSession.last_seen_at > now - IDLE, UserSession.created_at > now - LONGEST)
        .order_by(UserSession.last_seen_at.desc())
    ).all()


def end_session(user_id: int, session_id: str) -> None:
    """Signs one browser out. Raises NotFound."""
    ended = db.session.execute(
        update(UserSession)
        .where(UserSession.id == session_id, UserSession.user_id == user_id, UserSession.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .returning(UserSession.id)
    ).scalar()
    if ended is None:
        raise NotFound


def end_all_sessions(user_id: int, *, but: str = "") -> None:
    """Signs the person out everywhere, except in the session `but`."""
    db.session.execute(
        update(UserSession)
        .where(UserSession.user_id == user_id, UserSession.id != but, UserSession.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )


def is_fresh(session: UserSession) -> bool:
    """Whether the password was given so lately that a sensitive act needs no other."""
    return session.confirmed_at > clock.now() - FRESH


def confirm_session(session_id: str) -> None:
    """The password was given again."""
    db.session.execute(
        update(UserSession).where(UserSession.id == session_id).values(confirmed_at=clock.now())
    )


def open_tenant(session_id: str, user_id: int, tenant_id: int) -> None:
    """Switches to another tenant of the person's own. Raises NotFound."""
    if _openable(user_id, tenant_id) != tenant_id:
        raise NotFound
    _set_open(session_id, tenant_id, opened_as=False)


def open_as_operator(session_id: str, tenant_id: int) -> None:
    """Lets an operator look at a tenant as its owner does; the tenant's own log says so. Raises NotFound."""
    tenant = db.session.get(Tenant, tenant_id)
    if tenant is None:
        raise NotFound
    _set_open(session_id, tenant_id, opened_as=True)
    with tenant_scope(tenant_id):
        audit.record(tenant_id, "operator.opened", ("tenant", tenant_id, tenant.name))
        db.session.flush()


def close_tenant(session_id: str, user_id: int) -> None:
    """Ends an operator's look; his own tenant opens again where he has one."""
    row = db.session.get(UserSession, session_id)
    if row is None or not row.opened_as or row.open_tenant_id is None:
        raise NotFound
    with tenant_scope(row.open_tenant_id):
        audit.record(row.open_tenant_id, "operator.left", ("tenant", row.open_tenant_id, ""))
        db.session.flush()
    _set_open(session_id, _openable(user_id, None), opened_as=False)


def _set_open(session_id: str, tenant_id: int | None, *, opened_as: bool) -> None:
    db.session.execute(
        update(UserSession)
        .where(UserSession.id == session_id)
        .values(open_tenant_id=tenant_id, opened_as=opened_as)
    )


def prune() -> int:
    """Deletes sessions and counts of tries that no longer mean anything."""
    now = clock.now()
    old = or_(UserSession.last_seen_at < now - LONGEST, UserSession.created_at < now - LONGEST - IDLE)
    ended = db.session.execute(delete(UserSession).where(old))
    forgotten = db.session.execute(delete(LoginThrottle).where(LoginThrottle.last_at < now - LONGEST))
    return int(ended.rowcount + forgotten.rowcount)  # type: ignore[attr-defined]


def session_id(token: str) -> str:
    """The row's key for what a cookie holds."""
    return crypto.fingerprint("session", token)
