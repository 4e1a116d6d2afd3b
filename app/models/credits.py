"""The credit ledger: accounts with their balance, the postings that it is the sum of, and credits that are held."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.credit_holds import HoldState
from app.domain.credits import MAX_AMOUNT
from app.models.base import Created, Keyed, Model, TenantOwned, belongs_to, text_enum


class CreditAccount(Keyed, TenantOwned, Model):
    """A member's balance, kept in the transaction of each posting."""

    __tablename__ = "credit_account"

    telegram_id: Mapped[int]
    balance: Mapped[int] = mapped_column(server_default="0")
    held: Mapped[int] = mapped_column(server_default="0")
    """The sum of the account's active holds: it belongs to the balance, and can't be spent."""
    floor: Mapped[int] = mapped_column(server_default="0")
    """What balance - held may not fall below: minus the overdraft that the tenant allows."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "telegram_id"),
        CheckConstraint("balance - held >= floor", name="floor"),
        CheckConstraint("held >= 0", name="held"),
        # Room on each page for the next version of a row, so that its indexes need not be written with each posting.
        {"postgresql_with": {"fillfactor": 80}},
    )


class CreditPosting(Keyed, TenantOwned, Model):
    """One change of a balance; rows can only be added. `(source, reference)` is unique in a tenant, for ever."""

    __tablename__ = "credit_posting"

    # Without an index of its own: that of the feed begins with it. Without a foreign key of its own: that of the account
    # holds it, and each posting would share a lock on its tenant with all others.
    tenant_id: Mapped[int] = mapped_column(BigInteger)
    account_id: Mapped[int]
    amount: Mapped[int]
    balance: Mapped[int]
    """After this posting."""
    source: Mapped[str]
    reference: Mapped[str]
    reason: Mapped[str]
    details: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        belongs_to("credit_account", "account_id"),
        UniqueConstraint("tenant_id", "source", "reference"),
        CheckConstraint(f"amount <> 0 AND amount BETWEEN -{MAX_AMOUNT} AND {MAX_AMOUNT}", name="amount"),
        Index("ix_credit_posting_account", "account_id", "id"),
        Index("ix_credit_posting_feed", "tenant_id", "id"),
        Index("ix_credit_posting_day", "tenant_id", "created_at"),
    )


class CreditCheck(TenantOwned, Model):
    """When a tenant's ledger was last added up by itself, and what came of it."""

    __tablename__ = "credit_check"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True)
    begun_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    accounts: Mapped[int] = mapped_column(server_default="0")
    postings: Mapped[int] = mapped_column(server_default="0")
    mismatches: Mapped[int] = mapped_column(Integer, server_default="0")
    """Accounts that do not add up; counted up to 100."""


class CreditHold(Keyed, Created, TenantOwned, Model):
    """Credits put aside for something that may be charged later. `(source, reference)` is unique in a tenant."""

    __tablename__ = "credit_hold"

    account_id: Mapped[int]
    amount: Mapped[int]
    source: Mapped[str]
    reference: Mapped[str]
    """Also that of the posting which a capture makes."""
    reason: Mapped[str]
    state: Mapped[HoldState] = mapped_column(text_enum(HoldState), server_default="active")
    captured: Mapped[int] = mapped_column(server_default="0")
    """How much of the amount was taken; the rest was let go."""
    posting_id: Mapped[int | None]
    expires_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    note: Mapped[str | None]
    """Why somebody of the boss's let it go."""

    __table_args__ = (
        belongs_to("credit_account", "account_id"),
        UniqueConstraint("tenant_id", "source", "reference"),
        CheckConstraint(f"amount BETWEEN 1 AND {MAX_AMOUNT}", name="amount"),
        CheckConstraint("captured BETWEEN 0 AND amount", name="captured"),
        Index("ix_credit_hold_due", "expires_at", postgresql_where=text("state = 'active'")),
        Index("ix_credit_hold_account", "account_id", "id"),
    )


class CreditSettings(TenantOwned, Model):
    """What a boss allows with credits; a tenant without a row has the defaults."""

    __tablename__ = "credit_settings"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True)
    auto_create: Mapped[bool] = mapped_column(server_default="false")
    """Partners may post to Telegram users who have never talked with a bot."""
    overdraft: Mapped[int] = mapped_column(server_default="0")
    """How far below zero a balance may fall."""
    transfers: Mapped[bool] = mapped_column(server_default="false")
    """Members may give each other credits."""
    transfer_daily: Mapped[int | None]
    """The most that one member may give away in a day of the tenant's zone; None = as much as he has."""

    __table_args__ = (
        CheckConstraint(f"overdraft BETWEEN 0 AND {MAX_AMOUNT}", name="overdraft"),
        CheckConstraint("transfer_daily > 0", name="transfer_daily"),
    )


class CreditHorizon(Model):
    """One row: up to which posting everything is settled, so that a reader who goes by ids misses none.

    Ids are given before they are committed, in no order of commits. `settled_id` is a number below which no transaction
    can still commit a posting; see `services/credits/feed.py`.
    """

    __tablename__ = "credit_horizon"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    settled_id: Mapped[int] = mapped_column(server_default="0")
    mark_id: Mapped[int] = mapped_column(server_default="0")
    mark_xid: Mapped[int] = mapped_column(server_default="0")
    marked_at: Mapped[datetime] = mapped_column(server_default=func.now())
