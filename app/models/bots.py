"""Bots, their texts and menus, alerts about them, and counts per hour."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.crypto import EncryptedText
from app.core.ids import public_id
from app.domain.bots import BotState, Mode
from app.models.base import Created, Keyed, Model, TenantOwned, belongs_to, text_enum


class Bot(Keyed, Created, TenantOwned, Model):
    """One Telegram bot. `enabled` and `mode` are what the boss wants; `state` and below is what was last seen."""

    __tablename__ = "bot"

    public_id: Mapped[str] = mapped_column(unique=True, default=public_id)
    telegram_id: Mapped[int | None]
    username: Mapped[str] = mapped_column(default="", server_default="")
    name: Mapped[str] = mapped_column(default="", server_default="")
    token: Mapped[str] = mapped_column(EncryptedText)
    token_fingerprint: Mapped[str]
    secret_generation: Mapped[int] = mapped_column(default=1, server_default="1")
    secret_rotated_at: Mapped[datetime | None]
    """The generation before is still accepted for a while after this moment."""
    mode: Mapped[Mode] = mapped_column(text_enum(Mode), default=Mode.POLLING)
    enabled: Mapped[bool] = mapped_column(default=True, server_default="true")
    locale: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Raised by every change that running processes must hear of."""
    removed_at: Mapped[datetime | None]
    wished_at: Mapped[datetime | None]
    """When the boss last asked for something; one that is still starting long after it waits for a poller in vain."""

    state: Mapped[BotState] = mapped_column(text_enum(BotState), default=BotState.STARTING)
    running_since: Mapped[datetime | None]
    last_update_at: Mapped[datetime | None]
    error_code: Mapped[int | None]
    error_text: Mapped[str | None]
    error_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    retry_at: Mapped[datetime | None]
    """Not before this moment is Telegram asked again for a bot that failed; None = at once."""
    webhook_url: Mapped[str | None]
    webhook_set_at: Mapped[datetime | None]
    webhook_error: Mapped[str | None]
    webhook_error_at: Mapped[datetime | None]
    pending_updates: Mapped[int | None]
    health_at: Mapped[datetime | None]

    take_over: Mapped[bool] = mapped_column(default=False, server_default="false")
    """The boss asked for this bot himself just now, so a webhook of somebody else may be removed."""
    webhook_generation: Mapped[int | None]
    """Generation of the secret that Telegram was given with our webhook."""
    commands_set_at: Mapped[datetime | None]
    apply_token: Mapped[int] = mapped_column(default=0, server_default="0")
    apply_until: Mapped[datetime | None]
    """Somebody is making Telegram match the wish; nobody else may until then."""

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        # A removed bot keeps its data; its token and Telegram id may be used again.
        Index("uq_bot_telegram_id", "telegram_id", unique=True, postgresql_where=text("removed_at IS NULL")),
        Index("uq_bot_token", "token_fingerprint", unique=True, postgresql_where=text("removed_at IS NULL")),
    )


class BotText(Keyed, TenantOwned, Model):
    """A text that the boss rewrote, in one language."""

    __tablename__ = "bot_text"

    bot_id: Mapped[int]
    key: Mapped[str]
    locale: Mapped[str]
    body: Mapped[str]

    __table_args__ = (belongs_to("bot", "bot_id"), UniqueConstraint("bot_id", "key", "locale"))


class BotMenuItem(Keyed, TenantOwned, Model):
    """A button of the boss's own in the bot's menu: it shows a text or opens a link."""

    __tablename__ = "bot_menu_item"

    bot_id: Mapped[int] = mapped_column(index=True)
    position: Mapped[int] = mapped_column(default=0)
    label: Mapped[str]
    reply: Mapped[str | None]
    url: Mapped[str | None]

    __table_args__ = (belongs_to("bot", "bot_id"),)


class BotAlert(Keyed, TenantOwned, Model):
    """One incident of a bot; the boss is told once when it opens and once when it is over."""

    __tablename__ = "bot_alert"

    bot_id: Mapped[int] = mapped_column(index=True)
    kind: Mapped[str]
    detail: Mapped[str] = mapped_column(default="")
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    """Not before this moment is the boss told; pushed back while no way reaches him."""
    told_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_told_at: Mapped[datetime | None]

    __table_args__ = (
        belongs_to("bot", "bot_id"),
        Index("uq_bot_alert_open", "bot_id", "kind", unique=True, postgresql_where=text("closed_at IS NULL")),
    )


class BotHour(TenantOwned, Model):
    """Counts of one bot in one hour (UTC)."""

    __tablename__ = "bot_hour"

    bot_id: Mapped[int] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    handled: Mapped[int] = mapped_column(default=0, server_default="0")
    failed: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (belongs_to("bot", "bot_id"),)
