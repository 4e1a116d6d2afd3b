"""Tenants and what identifies them on a request."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.plans import Plan
from app.models.base import Created, Keyed, Model, TenantOwned, text_enum


class Tenant(Keyed, Created, Model):
    """A boss's separate space."""

    __tablename__ = "tenant"

    uuid: Mapped[UUID] = mapped_column(
        postgresql.UUID(as_uuid=True), unique=True, server_default=text("gen_random_uuid()"), default=uuid4
    )
    name: Mapped[str]
    slug: Mapped[str | None] = mapped_column(unique=True)
    locale: Mapped[str] = mapped_column(default="zh_Hans_CN", server_default="zh_Hans_CN")
    timezone: Mapped[str] = mapped_column(default="Asia/Shanghai", server_default="Asia/Shanghai")
    plan: Mapped[Plan] = mapped_column(text_enum(Plan), default=Plan.PRO, server_default="pro")
    trial_ends_at: Mapped[datetime | None]
    suspended_at: Mapped[datetime | None]


class Domain(Keyed, Created, TenantOwned, Model):
    """A host name of the boss's own; counts only once `verified_at` is set."""

    __tablename__ = "domain"

    host: Mapped[str]
    check_token: Mapped[str]
    verified_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_domain_verified_host", "host", unique=True, postgresql_where=text("verified_at IS NOT NULL")
        ),
        Index("uq_domain_tenant_host", "tenant_id", "host", unique=True),
    )


class ApiKey(Keyed, Created, TenantOwned, Model):
    """A `tk_` key; only its fingerprint is kept."""

    __tablename__ = "api_key"

    name: Mapped[str]
    shown: Mapped[str]
    fingerprint: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuditEvent(Keyed, TenantOwned, Model):
    """Who changed what, and when; append-only by grant and trigger."""

    __tablename__ = "audit_event"

    happened_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), index=True)
    actor_kind: Mapped[str]
    actor_id: Mapped[int | None]
    actor_name: Mapped[str]
    as_operator: Mapped[bool] = mapped_column(default=False, server_default="false")
    action: Mapped[str]
    target_kind: Mapped[str]
    target_id: Mapped[str]
    target_name: Mapped[str] = mapped_column(default="", server_default="")
    changes: Mapped[dict[str, object]] = mapped_column(server_default="{}")
    ip: Mapped[str | None]
