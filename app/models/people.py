"""People: accounts, sessions, and their place in tenants."""

from datetime import datetime

from flask_security.core import RoleMixin, UserMixin
from sqlalchemy import Column, ForeignKey, Index, Table, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.crypto import EncryptedText
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
    tf_last_counter: Mapped[int | None]
    """The time step of the last one-time password that was used, so that none works twice."""
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(JSONB))
    roles: Mapped[list[PlatformRole]] = relationship(  # type: ignore[assignment] # the library names its mixin
        secondary=user_platform_role, lazy="selectin"
    )

    @property
    def is_operator(self) -> bool:
        """Whether this person runs the deployment."""
        return any(role.name == "operator" for role in self.roles)


class UserSession(Created, Model):
    """A signed-in browser; deleting or revoking the row signs it out. `id` is the fingerprint of what the cookie holds.

    `open_tenant_id` is the tenant whose pages are open in it; `opened_as` says that an operator opened somebody else's.
    """

    __tablename__ = "user_session"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    open_tenant_id: Mapped[int | None] = mapped_column(ForeignKey("tenant.id", ondelete="SET NULL"))
    opened_as: Mapped[bool] = mapped_column(default=False, server_default="false")
    confirmed_at: Mapped[datetime]
    """When the person last proved to be himself; sensitive acts ask for it again after a while."""
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


class Mail(Keyed, Created, Model):
    """An e-mail that must leave even if a worker dies. Its text may hold a one-time link and is dropped once sent."""

    __tablename__ = "mail"

    recipient: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str | None] = mapped_column(EncryptedText)
    dedupe_key: Mapped[str | None] = mapped_column(unique=True)
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    not_before: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    error: Mapped[str | None]

    __table_args__ = (
        Index("ix_mail_due", "not_before", postgresql_where=text("sent_at IS NULL AND dead_at IS NULL")),
    )


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
