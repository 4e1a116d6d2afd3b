"""Broadcasts and who gets them."""

from datetime import datetime

from sqlalchemy import Float, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.broadcasts import BroadcastState, RecipientState
from app.models.base import Created, Keyed, Model, TenantOwned, belongs_to, text_enum


class Broadcast(Keyed, Created, TenantOwned, Model):
    """One message to many members of a bot. `buttons` is a list of {"label", "url"}, `audience` {"kind", "value"}."""

    __tablename__ = "broadcast"

    bot_id: Mapped[int]
    name: Mapped[str]
    body: Mapped[str]
    buttons: Mapped[list[object]] = mapped_column(server_default=text("'[]'::jsonb"))
    picture_id: Mapped[int | None]
    audience: Mapped[dict[str, object]]
    state: Mapped[BroadcastState] = mapped_column(text_enum(BroadcastState), server_default="draft")
    scheduled_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None]
    """Why it paused by itself: a `Halt`, `refused:` with Telegram's words behind it."""
    created_by: Mapped[str] = mapped_column(server_default="")

    filled_to: Mapped[int] = mapped_column(server_default="0")
    """The recipients are written in batches, ordered by Telegram id; this one was the last."""
    filled_at: Mapped[datetime | None]
    total: Mapped[int] = mapped_column(server_default="0")
    sent: Mapped[int] = mapped_column(server_default="0")
    blocked: Mapped[int] = mapped_column(server_default="0")
    failed: Mapped[int] = mapped_column(server_default="0")
    unknown: Mapped[int] = mapped_column(server_default="0")
    pace: Mapped[float] = mapped_column(Float, server_default="0")
    """Messages per second of late."""
    served_at: Mapped[datetime | None]
    """When it last had its turn among the broadcasts of its bot."""
    lease_token: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]
    """Somebody sends it, at most until then; None when he let go of it and nothing is under way."""

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        belongs_to("bot", "bot_id"),
        ForeignKeyConstraint(
            ["tenant_id", "picture_id"], ["picture.tenant_id", "picture.id"], ondelete="RESTRICT"
        ),
        Index(
            "ix_broadcast_due",
            "state",
            "scheduled_at",
            postgresql_where=text("state IN ('scheduled', 'running')"),
        ),
        Index("ix_broadcast_list", "tenant_id", "id"),
        Index("ix_broadcast_leased", "lease_until", postgresql_where=text("lease_until IS NOT NULL")),
    )


class BroadcastRecipient(TenantOwned, Model):
    """What became of a broadcast for one member."""

    __tablename__ = "broadcast_recipient"

    broadcast_id: Mapped[int] = mapped_column(primary_key=True)
    telegram_id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[RecipientState] = mapped_column(text_enum(RecipientState), server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    not_before: Mapped[datetime | None]
    lease_token: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]
    message_id: Mapped[int | None]
    error: Mapped[str | None]
    done_at: Mapped[datetime | None]

    __table_args__ = (
        belongs_to("broadcast", "broadcast_id"),
        Index(
            "ix_broadcast_recipient_open",
            "broadcast_id",
            "telegram_id",
            postgresql_where=text("state IN ('pending', 'sending')"),
        ),
        Index("ix_broadcast_recipient_state", "broadcast_id", "state"),
    )
