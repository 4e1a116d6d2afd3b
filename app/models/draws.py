"""What a draw leaves behind: the sealed list's root, the order, the conditions asked again, the winners."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, Integer, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.lotteries import CandidateState, DrawPhase, WinnerState
from app.models.base import Model, TenantOwned, belongs_to, text_enum

_ENTRY_KEY = ["lottery_entry.lottery_id", "lottery_entry.id"]


class LotteryDraw(TenantOwned, Model):
    """The one draw of a lottery. Hashes and the beacon's signature are hex."""

    __tablename__ = "lottery_draw"

    lottery_id: Mapped[int] = mapped_column(primary_key=True)
    phase: Mapped[DrawPhase] = mapped_column(text_enum(DrawPhase), server_default="sealing")
    entries: Mapped[int] = mapped_column(server_default="0")
    tickets: Mapped[int] = mapped_column(server_default="0")
    root: Mapped[str | None]
    sealed_at: Mapped[datetime | None]
    round: Mapped[int | None]
    signature: Mapped[str | None]
    ordered_at: Mapped[datetime | None]
    ranked: Mapped[int] = mapped_column(server_default="0")
    """How far the order is written down in lottery_candidate."""
    slots: Mapped[int] = mapped_column(Integer, server_default="0")
    """Prizes to give, all quantities together."""
    decided: Mapped[int] = mapped_column(server_default="0")
    """The rank down to which the public record tells who passed and who did not."""
    not_before: Mapped[datetime | None]
    """Nobody need look at it again before this moment: the beacon's round, or a pause after a failure."""
    error: Mapped[str | None]
    """What it waits for, in words for the boss."""
    stuck: Mapped[int | None] = mapped_column(Integer)
    """The place of the condition that Telegram no longer lets the bot ask about."""
    dropped: Mapped[list[object]] = mapped_column(server_default=text("'[]'::jsonb"))
    """Places of conditions that the boss let go because they could not be asked any more; public."""

    __table_args__ = (belongs_to("lottery", "lottery_id"),)


class LotteryChunk(TenantOwned, Model):
    """The root of 1,024 leaves of the sealed list, beginning with the entry `first_id`."""

    __tablename__ = "lottery_chunk"

    lottery_id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    first_id: Mapped[int]
    root: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (belongs_to("lottery", "lottery_id"),)


class LotteryCandidate(TenantOwned, Model):
    """An entrant by his rank in the draw's order, as far down as anybody needed to look. `number` is his line of the list."""

    __tablename__ = "lottery_candidate"

    lottery_id: Mapped[int] = mapped_column(primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int]
    number: Mapped[int]
    score: Mapped[str]
    state: Mapped[CandidateState] = mapped_column(text_enum(CandidateState), server_default="waiting")
    checks: Mapped[str] = mapped_column(server_default="")
    """The conditions asked again, in the form of LotteryEntry.conditions."""
    checked_at: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    lease_token: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]

    __table_args__ = (
        belongs_to("lottery", "lottery_id"),
        ForeignKeyConstraint(["lottery_id", "entry_id"], _ENTRY_KEY, ondelete="CASCADE"),
        UniqueConstraint("lottery_id", "entry_id"),
        Index(
            "ix_lottery_candidate_open",
            "lottery_id",
            "rank",
            postgresql_where=text("state IN ('waiting', 'checking')"),
        ),
    )


class LotteryWinner(TenantOwned, Model):
    """Who holds a prize's slot. `turn` 0 is the draw, 1 the first redraw of that slot, and so on."""

    __tablename__ = "lottery_winner"

    lottery_id: Mapped[int] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(Integer, primary_key=True)
    turn: Mapped[int] = mapped_column(Integer, primary_key=True, server_default="0")
    prize_id: Mapped[int]
    entry_id: Mapped[int]
    telegram_id: Mapped[int]
    rank: Mapped[int]
    state: Mapped[WinnerState] = mapped_column(text_enum(WinnerState), server_default="won")
    won_at: Mapped[datetime]
    claim_until: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    handed_over_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    """His message is in the outbox and his credits are posted."""
    note: Mapped[str] = mapped_column(server_default="")
    """The boss's own, about handing over; never public."""
    reason: Mapped[str | None]
    """Why the slot was drawn again; public."""

    __table_args__ = (
        belongs_to("lottery", "lottery_id"),
        belongs_to("lottery_prize", "prize_id"),
        ForeignKeyConstraint(["lottery_id", "entry_id"], _ENTRY_KEY, ondelete="CASCADE"),
        UniqueConstraint("lottery_id", "entry_id"),
        Index(
            "uq_lottery_winner_current",
            "lottery_id",
            "slot",
            unique=True,
            postgresql_where=text("state <> 'replaced'"),
        ),
        Index("ix_lottery_winner_untold", "lottery_id", postgresql_where=text("told_at IS NULL")),
        Index("ix_lottery_winner_claim", "claim_until", postgresql_where=text("state = 'won'")),
        Index("ix_lottery_winner_member", "tenant_id", "telegram_id"),
    )
