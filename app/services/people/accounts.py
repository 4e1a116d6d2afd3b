"""Accounts of people."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.i18n import LOCALES, N_, ZH
from app.domain.people import clean_email, is_email
from app.domain.tenants import MAX_NAME
from app.models import PlatformRole, User
from app.services import tenants
from app.services.tenants import NewTenant

OPERATOR = "operator"
RESET_AFTER = timedelta(hours=1)
"""How long a link for a new password works."""


def register(name: str, email: str, password: str, *, locale: str = ZH, confirmed: bool) -> NewTenant:
    """A new boss: his account and his tenant, or neither. Raises EmailTaken, BadInput."""
    return tenants.create(name, email, password, locale=locale, confirmed=confirmed)


def find_by_email(email: str) -> User | None:
    """The account with this address."""
    return db.session.scalars(select(User).where(User.email == clean_email(email))).one_or_none()


def rename(user_id: int, name: str) -> None:
    """Changes how a person is called. Raises BadInput."""
    cleaned = " ".join(name.split())
    if len(cleaned) > MAX_NAME:
        raise BadInput
    _get(user_id).name = cleaned


def choose_locale(user_id: int, locale: str | None) -> None:
    """The person's own language; None follows the browser. Raises BadInput."""
    if locale is not None and locale not in LOCALES:
        raise BadInput
    _get(user_id).locale = locale


def make_operator(email: str, password: str = "") -> User:
    """Lets somebody run the deployment; makes his account where he has none. Raises BadInput."""
    user = find_by_email(email)
    if user is None:
        if not password or not is_email(email):
            raise BadInput(N_("There is no account with this address; give a password to make one."))
        user = tenants.new_user(email, password, confirmed=True)
    made = insert(PlatformRole).values(name=OPERATOR, description="Runs the deployment")
    db.session.execute(made.on_conflict_do_nothing())
    role = db.session.scalars(select(PlatformRole).where(PlatformRole.name == OPERATOR)).one()
    if role not in user.roles:
        user.roles.append(role)
    return user


def unmake_operator(email: str) -> None:
    """Takes it back. Raises NotFound."""
    user = find_by_email(email)
    if user is None or not user.is_operator:
        raise NotFound
    user.roles = [role for role in user.roles if role.name != OPERATOR]


def _get(user_id: int) -> User:
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound
    return user
