"""The credit ledger: accounts with their balance, and the postings that it is the sum of."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.credits import MAX_AMOUNT
from app.models.base import Keyed, Model, TenantOwned, belongs_to


class CreditAccount(Keyed, TenantOwned, Model):
    """A member's balance, kept in the transaction of each posting."""

    __tablename__ = "credit_account"

    telegram_id: Mapped[int]
    balance: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "telegram_id"),
        CheckConstraint("balance >= 0", name="balance"),
    )


class CreditPosting(Keyed, TenantOwned, Model):
    """One change of a balance; rows can only be added. `(source, reference)` is unique in a tenant, for ever."""

    __tablename__ = "credit_posting"

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
