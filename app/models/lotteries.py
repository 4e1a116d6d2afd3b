"""Lotteries: what the boss decides, who joined, and what the channel shows. The draw's tables are in `draws.py`."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.crypto import EncryptedText
from app.domain.lotteries import CloseReason, LotteryState
from app.models.base import Created, Keyed, Model, TenantOwned, belongs_to, text_enum


class Lottery(Keyed, Created, TenantOwned, Model):
    """One lottery. `seed` and `salt` are hex; nobody sees the seed before the list is sealed."""

    __tablename__ = "lottery"

    code: Mapped[str] = mapped_column(unique=True)
    bot_id: Mapped[int]
    title: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    picture_id: Mapped[int | None]
    state: Mapped[LotteryState] = mapped_column(text_enum(LotteryState), server_default="draft")
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime]
    max_entries: Mapped[int | None]
    closes_when_full: Mapped[bool] = mapped_column(server_default=text("false"))
    conditions: Mapped[list[object]] = mapped_column(server_default=text("'[]'::jsonb"))
    tickets: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'::jsonb"))
    publish_to: Mapped[list[object]] = mapped_column(server_default=text("'[]'::jsonb"))
    claim_hours: Mapped[int | None] = mapped_column(Integer)
    template_id: Mapped[int | None]
    run_at: Mapped[datetime | None]
    """Which turn of its template's repetition this is; with `template_id` unique, so that none comes twice."""
    seed: Mapped[str] = mapped_column(EncryptedText)
    salt: Mapped[str] = mapped_column(EncryptedText)
    commitment: Mapped[str]
    beacon: Mapped[dict[str, object] | None]
    """The drand chain, as BeaconChain's fields; set when it opens, None without a beacon."""
    announced_round: Mapped[int | None]
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    close_reason: Mapped[CloseReason | None] = mapped_column(text_enum(CloseReason))
    drawn_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    """Nothing is left to be done: winners told and posted, or the credits of a cancelled one returned."""

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("template_id", "run_at"),
        belongs_to("bot", "bot_id"),
        ForeignKeyConstraint(
            ["tenant_id", "picture_id"], ["picture.tenant_id", "picture.id"], ondelete="RESTRICT"
        ),
        ForeignKeyConstraint(
            ["tenant_id", "template_id"],
            ["lottery_template.tenant_id", "lottery_template.id"],
            ondelete="SET NULL (template_id)",
        ),
        Index("ix_lottery_open", "tenant_id", "closes_at", "id", postgresql_where=text("state = 'open'")),
        Index("ix_lottery_opening", "opens_at", postgresql_where=text("state = 'scheduled'")),
        Index("ix_lottery_full", "id", postgresql_where=text("state = 'open' AND closes_when_full")),
        Index(
            "ix_lottery_due",
            "state",
            "closes_at",
            postgresql_where=text("state IN ('open', 'drawing')"),
        ),
        Index(
            "ix_lottery_unsettled",
            "id",
            postgresql_where=text("settled_at IS NULL AND state IN ('drawn', 'cancelled')"),
        ),
        Index("ix_lottery_list", "tenant_id", "id"),
    )


class LotteryPrize(Keyed, TenantOwned, Model):
    """A prize, `quantity` times; `credits` are posted to each of its winners."""

    __tablename__ = "lottery_prize"

    lottery_id: Mapped[int]
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[str]
    quantity: Mapped[int] = mapped_column(Integer)
    credits: Mapped[int | None]

    __table_args__ = (
        belongs_to("lottery", "lottery_id"),
        UniqueConstraint("lottery_id", "position"),
        UniqueConstraint("tenant_id", "id"),
        CheckConstraint("quantity > 0", name="quantity"),
    )


class LotteryEntry(TenantOwned, Model):
    """That a member joined, once. The order of ids is the order of the sealed list.

    `conditions` are the results at joining, one `<place>:<1 or 0>:<unix time>` for each condition in order, joined by
    `;`; of an entrant whom staff added `staff`. `weight` is written when the list is sealed. A `telegram_id` below 0
    is nobody's: the entrant was erased.
    """

    __tablename__ = "lottery_entry"

    lottery_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    telegram_id: Mapped[int]
    bot_id: Mapped[int]
    """The bot that he joined by and is told by."""
    conditions: Mapped[str] = mapped_column(server_default="")
    paid: Mapped[int] = mapped_column(server_default="0")
    """Credits that were debited, for joining and for tickets; returned when the lottery is cancelled."""
    returned_at: Mapped[datetime | None]
    bought: Mapped[int] = mapped_column(Integer, server_default="0")
    boosts: Mapped[int] = mapped_column(Integer, server_default="0")
    weight: Mapped[int] = mapped_column(Integer, server_default="1")
    ref: Mapped[str | None]
    """The published reference of an entrant who was erased since; of others it follows from their Telegram id."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        belongs_to("lottery", "lottery_id"),
        UniqueConstraint("lottery_id", "telegram_id"),
        Index("ix_lottery_entry_member", "tenant_id", "telegram_id", "id"),
        Index(
            "ix_lottery_entry_unreturned",
            "lottery_id",
            "id",
            postgresql_where=text("paid > 0 AND returned_at IS NULL"),
        ),
    )


class LotteryTally(TenantOwned, Model):
    """How many joined, in a few counters so that many may join at once. `most` is set where there is a limit."""

    __tablename__ = "lottery_tally"

    lottery_id: Mapped[int] = mapped_column(primary_key=True)
    shard: Mapped[int] = mapped_column(Integer, primary_key=True)
    entries: Mapped[int] = mapped_column(server_default="0")
    most: Mapped[int | None]

    __table_args__ = (
        belongs_to("lottery", "lottery_id"),
        CheckConstraint("most IS NULL OR entries <= most", name="most"),
    )


class LotteryInvite(TenantOwned, Model):
    """That a friend came by somebody's link; once per friend and lottery."""

    __tablename__ = "lottery_invite"

    lottery_id: Mapped[int] = mapped_column(primary_key=True)
    telegram_id: Mapped[int] = mapped_column(primary_key=True)
    inviter: Mapped[int]
    """His Telegram id."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        belongs_to("lottery", "lottery_id"),
        CheckConstraint("inviter <> telegram_id", name="not_oneself"),
        Index("ix_lottery_invite_inviter", "lottery_id", "inviter"),
    )


class LotteryPost(Keyed, Created, TenantOwned, Model):
    """The card of a lottery in a channel or group. `chat` is what the boss gave, `chat_id` what Telegram answered."""

    __tablename__ = "lottery_post"

    lottery_id: Mapped[int]
    chat: Mapped[str]
    chat_id: Mapped[int | None]
    message_id: Mapped[int | None]
    shown: Mapped[str] = mapped_column(server_default="")
    """What the post shows now, as `<state>:<number>`, so that nothing is edited in vain."""
    shown_at: Mapped[datetime | None]
    calls: Mapped[int] = mapped_column(Integer, server_default="0")
    """How many calls were written to the outbox for it; the last one's key ends with this number."""
    look_at: Mapped[datetime | None]
    """When to compare it with the lottery again; None when there is nothing more to come."""
    error: Mapped[str | None]

    __table_args__ = (
        belongs_to("lottery", "lottery_id"),
        UniqueConstraint("lottery_id", "chat"),
        Index("ix_lottery_post_look", "look_at", postgresql_where=text("look_at IS NOT NULL")),
        Index("ix_lottery_post_chat", "tenant_id", "chat", postgresql_where=text("look_at IS NOT NULL")),
    )


class LotteryEvent(TenantOwned, Model):
    """A link of the lottery's hash chain; rows can only be added. `at` is unix time in microseconds."""

    __tablename__ = "lottery_event"

    lottery_id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str]
    at: Mapped[int]
    body: Mapped[str]
    previous: Mapped[str]
    hash: Mapped[str]

    __table_args__ = (belongs_to("lottery", "lottery_id"),)


class LotteryTemplate(Keyed, Created, TenantOwned, Model):
    """A lottery to be made again: by hand, or by itself every day or week at `at_minute` of the tenant's day."""

    __tablename__ = "lottery_template"

    bot_id: Mapped[int]
    name: Mapped[str]
    body: Mapped[dict[str, object]]
    """As `lottery.json`, without moments."""
    duration_minutes: Mapped[int] = mapped_column(Integer)
    repeat: Mapped[str] = mapped_column(server_default="")
    """Empty, `daily` or `weekly`."""
    at_minute: Mapped[int] = mapped_column(Integer, server_default="0")
    weekday: Mapped[int] = mapped_column(Integer, server_default="0")
    """0 is Monday."""
    next_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    error: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        belongs_to("bot", "bot_id"),
        CheckConstraint("repeat IN ('', 'daily', 'weekly')", name="repeat"),
        Index("ix_lottery_template_due", "next_at", postgresql_where=text("next_at IS NOT NULL")),
    )
