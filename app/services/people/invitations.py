"""Inviting staff by a link that works once. Only the link's fingerprint is kept; it is good for one e-mail address."""

import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core import clock, crypto
from app.core.db import db
from app.core.errors import BadInput, Conflict, LimitReached, NotFound
from app.core.i18n import N_
from app.core.tenancy import tenant_scope
from app.domain.people import Role, clean_email, is_email
from app.models import Invitation, Membership, User
from app.services import audit, tenants

LIVES = timedelta(days=7)
MOST = 200


class InvitationGone(NotFound):
    """Used, revoked, too old, for somebody else, or never made."""

    code = "invitation_gone"
    message = N_("This invitation no longer works. Ask for a new one.")


class AlreadyStaff(Conflict):
    code = "already_staff"
    message = N_("This person already works here.")


class TooManyPeople(LimitReached):
    code = "too_many_people"
    message = N_("At most %(limit)s people can work here, open invitations included.")


def invite(tenant_id: int, email: str, role: Role, invited_by: int | None) -> tuple[Invitation, str]:
    """An invitation and the token of its link, which is told only now. Replaces an open one to the same address.

    Raises BadInput, AlreadyStaff, TooManyPeople.
    """
    address = clean_email(email)
    if not is_email(address):
        raise BadInput(N_("This is not an e-mail address."))
    known = (
        select(Membership.id)
        .join(User, User.id == Membership.user_id)
        .where(Membership.tenant_id == tenant_id, User.email == address)
    )
    if db.session.scalar(known) is not None:
        raise AlreadyStaff
    now = clock.now()
    db.session.execute(
        update(Invitation)
        .where(Invitation.tenant_id == tenant_id, Invitation.email == address)
        .where(Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    _check_room(tenant_id)
    token = secrets.token_urlsafe(32)
    row = Invitation(
        tenant_id=tenant_id,
        email=address,
        role=role,
        fingerprint=_mark(token),
        invited_by=invited_by,
        expires_at=now + LIVES,
    )
    db.session.add(row)
    db.session.flush()
    audit.record(tenant_id, "staff.invited", ("invitation", row.id, address), {"role": role})
    return row, token


def _check_room(tenant_id: int) -> None:
    staff = select(func.count()).where(Membership.tenant_id == tenant_id)
    invited = select(func.count()).where(Invitation.tenant_id == tenant_id, *_open())
    if (db.session.scalar(staff) or 0) + (db.session.scalar(invited) or 0) >= MOST:
        raise TooManyPeople(limit=MOST)


def list_invitations(tenant_id: int) -> Sequence[Invitation]:
    """The open ones, newest first."""
    return db.session.scalars(
        select(Invitation).where(Invitation.tenant_id == tenant_id, *_open()).order_by(Invitation.id.desc())
    ).all()


def revoke_invitation(tenant_id: int, invitation_id: int) -> None:
    """Makes the link useless. Raises NotFound."""
    email = db.session.execute(
        update(Invitation)
        .where(Invitation.id == invitation_id, Invitation.tenant_id == tenant_id, *_open())
        .values(revoked_at=clock.now())
        .returning(Invitation.email)
    ).scalar()
    if email is None:
        raise NotFound
    audit.record(tenant_id, "staff.invitation_revoked", ("invitation", invitation_id, email))


def find_invitation(token: str) -> Invitation:
    """The open invitation of a link; needs the system scope. Raises InvitationGone."""
    row = db.session.scalars(
        select(Invitation).where(Invitation.fingerprint == _mark(token), *_open())
    ).one_or_none()
    if row is None:
        raise InvitationGone
    return row


def accept(token: str, user: User) -> int:
    """The signed-in person joins; returns the tenant's id. Needs the system scope. Raises InvitationGone."""
    taken = db.session.execute(
        update(Invitation)
        .where(Invitation.fingerprint == _mark(token), Invitation.email == user.email, *_open())
        .values(accepted_at=clock.now())
        .returning(Invitation.tenant_id, Invitation.role)
    ).one_or_none()
    if taken is None:
        raise InvitationGone
    with tenant_scope(taken.tenant_id):
        joined = insert(Membership).values(tenant_id=taken.tenant_id, user_id=user.id, role=taken.role)
        db.session.execute(joined.on_conflict_do_nothing())
        audit.record(taken.tenant_id, "staff.joined", ("user", user.id, user.email), {"role": taken.role})
        db.session.flush()
    return int(taken.tenant_id)


def accept_as_new(token: str, name: str, password: str, locale: str) -> tuple[User, int]:
    """Makes the account that was invited and joins it. Raises InvitationGone, EmailTaken."""
    invitation = find_invitation(token)
    user = tenants.new_user(invitation.email, password, name=name, locale=locale, confirmed=True)
    return user, accept(token, user)


def _open() -> tuple[ColumnElement[bool], ...]:
    return (
        Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.expires_at > clock.now(),
    )


def _mark(token: str) -> str:
    return crypto.fingerprint("invitation", token)
