"""The inbox: accepted updates, junk, and the leases of shards."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, Integer, LargeBinary, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.inbox import MAX_BYTES, UpdateState
from app.models.base import Keyed, Model, TenantOwned, text_enum


class Update(TenantOwned, Model):
    """An accepted update, durable before the 200. Raw bytes, since jsonb refuses NUL characters.

    `lease_token` is the token of the shard lease under which it was claimed; finishing is conditional on it.
    `suspect` marks what a reader was handling when it died: handled again alone, counting `deaths`.
    """

    __tablename__ = "inbox"

    # Neither foreign key nor index on the tenant: every accepted update would pay for them.
    tenant_id: Mapped[int] = mapped_column(BigInteger)
    bot_id: Mapped[int] = mapped_column(primary_key=True)
    update_id: Mapped[int] = mapped_column(primary_key=True)
    # Without a cache: blocks of numbers per connection would turn a chat's order around between web processes.
    seq: Mapped[int] = mapped_column(BigInteger, Identity())
    chat_key: Mapped[int]
    shard: Mapped[int] = mapped_column(Integer)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[UpdateState] = mapped_column(text_enum(UpdateState), server_default="new")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    deaths: Mapped[int] = mapped_column(Integer, server_default="0")
    suspect: Mapped[bool] = mapped_column(server_default="false")
    lease_token: Mapped[int] = mapped_column(server_default="0")
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    done_at: Mapped[datetime | None]
    error: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(f"octet_length(raw) <= {MAX_BYTES}", name="raw_size"),
        Index("ix_inbox_open", "bot_id", "seq", postgresql_where=text("state IN ('new', 'leased')")),
        # The drain's claim walks tenant by tenant, chat by chat along this one.
        Index(
            "ix_inbox_new",
            "tenant_id",
            "bot_id",
            "chat_key",
            "seq",
            postgresql_where=text("state = 'new' AND NOT suspect"),
        ),
        Index("ix_inbox_suspect", "seq", postgresql_where=text("state = 'new' AND suspect")),
        Index("ix_inbox_dead", "tenant_id", "seq", postgresql_where=text("state = 'dead'")),
        Index("ix_inbox_done", "done_at", postgresql_where=text("state = 'done'")),
    )


class Junk(Keyed, TenantOwned, Model):
    """What came with the right secret but is no update; kept in a capped quarantine."""

    __tablename__ = "inbox_junk"

    bot_id: Mapped[int] = mapped_column(index=True)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ShardLease(Model):
    """Which task owns a shard until when. `token` only grows and fences what a former owner still writes."""

    __tablename__ = "shard_lease"

    kind: Mapped[str] = mapped_column(primary_key=True)
    shard: Mapped[int] = mapped_column(Integer, primary_key=True)
    owner: Mapped[str] = mapped_column(server_default="")
    token: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]


class CronRun(Model):
    """One row per job and slot of the schedule: whoever inserts it runs the job, a second beat changes nothing."""

    __tablename__ = "cron_run"

    job: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True)
    ran_at: Mapped[datetime] = mapped_column(server_default=func.now())
