"""Messages that must reach Telegram even if a worker dies."""

from datetime import datetime

from sqlalchemy import Index, Integer, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.outbox import OutboxState
from app.models.base import Keyed, Model, TenantOwned, belongs_to, text_enum

OPEN = text("state IN ('queued', 'sending', 'held')")


class OutgoingMessage(Keyed, TenantOwned, Model):
    """One intended call of the Bot API; `dedupe_key` makes writing it twice harmless."""

    __tablename__ = "outbox"

    bot_id: Mapped[int]
    chat_id: Mapped[int]
    method: Mapped[str]
    payload: Mapped[dict[str, object]]
    dedupe_key: Mapped[str]
    state: Mapped[OutboxState] = mapped_column(text_enum(OutboxState), server_default="queued")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    unclear: Mapped[int] = mapped_column(Integer, server_default="0")
    """How often it was sent without an answer being seen, so that Telegram may or may not have it."""
    not_before: Mapped[datetime] = mapped_column(server_default=func.now())
    lease_token: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]
    message_id: Mapped[int | None]
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    done_at: Mapped[datetime | None]

    __table_args__ = (
        belongs_to("bot", "bot_id"),
        UniqueConstraint("tenant_id", "dedupe_key"),
        # Open rows of a bot in order, and of a chat: only the oldest open one of a chat may be sent.
        Index("ix_outbox_open", "bot_id", "id", postgresql_where=OPEN),
        Index("ix_outbox_chat", "bot_id", "chat_id", "id", postgresql_where=OPEN),
        Index("ix_outbox_bot", "tenant_id", "bot_id", "id"),
    )
