"""The fixed cast of every test."""

from dataclasses import dataclass
from uuid import uuid4

from flask import Flask, current_app
from flask.testing import FlaskClient
from flask_security.utils import hash_password

from app.core.clock import now
from app.core.db import db
from app.domain.people import Role
from app.models import Membership, PlatformRole, Tenant, User

PASSWORD = "correct horse battery"


@dataclass
class Cast:
    """People by name; `tenant` is A, `other_tenant` is B."""

    tenant: Tenant
    other_tenant: Tenant
    owner: User
    staff: User
    reader: User
    stranger: User
    operator: User


def make_user(email: str, name: str) -> User:
    """A confirmed person who can sign in with PASSWORD."""
    user = User(
        email=email,
        name=name,
        password=hash_password(PASSWORD) if "security" in current_app.extensions else None,
        fs_uniquifier=uuid4().hex,
        confirmed_at=now(),
    )
    db.session.add(user)
    return user


def make_cast() -> Cast:
    """Writes the cast to the database; needs the system scope."""
    tenant, other = Tenant(name="Tenant A", slug="a"), Tenant(name="Tenant B", slug="b")
    owner, staff = make_user("owner@a.example", "Owner"), make_user("staff@a.example", "Staff")
    reader = make_user("reader@a.example", "Reader")
    stranger, operator = make_user("stranger@b.example", "Stranger"), make_user("op@example.com", "Operator")
    operator.roles = [PlatformRole(name="operator")]
    db.session.add_all([tenant, other])
    db.session.flush()
    for home, user, role in (
        (tenant, owner, Role.OWNER),
        (tenant, staff, Role.SUPPORT),
        (tenant, reader, Role.READ_ONLY),
        (other, stranger, Role.OWNER),
    ):
        db.session.add(Membership(tenant_id=home.id, user_id=user.id, role=role))
    db.session.commit()
    return Cast(tenant, other, owner, staff, reader, stranger, operator)


def sign_in(app: Flask, user: User) -> FlaskClient:
    """A browser in which `user` has signed in through the real log-in page."""
    client = app.test_client()
    client.post("/login", data={"email": user.email, "password": PASSWORD})
    return client
