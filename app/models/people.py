"""People: accounts, sessions, and their place in tenants."""

from datetime import datetime

from flask_security.core import RoleMixin, UserMixin
from sqlalchemy import Column, ForeignKey, Index, Table, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base
from app.domain.people import Role
from app.models.base import Created, Keyed, Model, TenantOwned, belongs_to, text_enum

user_platform_role = Table(
    "user_platform_role",
    Base.metadata,
    Column("user_id", ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("platform_role.id", ondelete="CASCADE"), primary_key=True),
)


class PlatformRole(Keyed, Model, RoleMixin):
    """Roles over the whole deployment; there is one, `operator`."""

    __tablename__ = "platform_role"

    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str | None]


class User(Keyed, Created, Model, UserMixin):
    """One person's account; Flask-Security reads and writes it."""

    __tablename__ = "user"

    email: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str | None]
    name: Mapped[str] = mapped_column(default="", server_default="")
    active: Mapped[bool] = mapped_column(default=True, server_default="true")
    fs_uniquifier: Mapped[str] = mapped_column(unique=True)
    confirmed_at: Mapped[datetime | None]
    locale: Mapped[str | None]
    tf_primary_method: Mapped[str | None]
    tf_totp_secret: Mapped[str | None]
    mf_recovery_codes: Mapped[list[object] | None] = mapped_column(MutableList.as_mutable(JSONB))
    roles: Mapped[list[PlatformRole]] = relationship(secondary=user_platform_role, lazy="selectin")

    @property
    def is_operator(self) -> bool:
        """Whether this person runs the deployment."""
        return any(role.name == "operator" for role in self.roles)


class UserSession(Created, Model):
    """A signed-in browser; deleting or revoking the row signs it out."""

    __tablename__ = "user_session"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    last_seen_at: Mapped[datetime]
    ip: Mapped[str | None]
    agent: Mapped[str | None]
    revoked_at: Mapped[datetime | None]


class LoginThrottle(Model):
    """Failed log-ins of one account from one network; delays grow with them."""

    __tablename__ = "login_throttle"

    key: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    blocked_until: Mapped[datetime | None]
    last_at: Mapped[datetime]


class Membership(Keyed, Created, TenantOwned, Model):
    """A person's role in a tenant, and the Telegram account that he linked there."""

    __tablename__ = "membership"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    role: Mapped[Role] = mapped_column(text_enum(Role))
    telegram_id: Mapped[int | None]
    telegram_name: Mapped[str | None]
    telegram_linked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="joined")

    __table_args__ = (
        UniqueConstraint("tenant_id", "user_id"),
        UniqueConstraint("tenant_id", "id"),
        Index(
            "uq_membership_telegram",
            "tenant_id",
            "telegram_id",
            unique=True,
            postgresql_where=text("telegram_id IS NOT NULL"),
        ),
    )


class LinkCode(Keyed, Created, TenantOwned, Model):
    """A one-time code that ties a membership to the Telegram account that sends it."""

    __tablename__ = "link_code"

    code: Mapped[str] = mapped_column(unique=True)
    membership_id: Mapped[int] = mapped_column(index=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (belongs_to("membership", "membership_id"),)


class Invitation(Keyed, Created, TenantOwned, Model):
    """An owner's invitation to join as staff; the token is kept as a fingerprint."""

    __tablename__ = "invitation"

    email: Mapped[str]
    role: Mapped[Role] = mapped_column(text_enum(Role))
    fingerprint: Mapped[str] = mapped_column(unique=True)
    invited_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
