"""Telegram users as a tenant knows them."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Keyed, Model, TenantOwned, belongs_to


class Member(Keyed, TenantOwned, Model):
    """A Telegram user, unique by tenant and `telegram_id`. `locale` is his own choice where he made one."""

    __tablename__ = "member"

    telegram_id: Mapped[int]
    first_name: Mapped[str] = mapped_column(server_default="")
    last_name: Mapped[str] = mapped_column(server_default="")
    username: Mapped[str | None]
    language_code: Mapped[str | None]
    locale: Mapped[str | None]
    first_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("tenant_id", "telegram_id"),
        Index("ix_member_tenant_id_first_seen_at", "tenant_id", "first_seen_at", "id"),
    )


class BotMember(TenantOwned, Model):
    """That a member talked with a bot, and since when he blocks it."""

    __tablename__ = "bot_member"

    bot_id: Mapped[int] = mapped_column(primary_key=True)
    telegram_id: Mapped[int] = mapped_column(primary_key=True)
    first_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    blocked_at: Mapped[datetime | None]

    __table_args__ = (belongs_to("bot", "bot_id"),)
