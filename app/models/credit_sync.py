"""Partners that changes are sent to, what they refused, and comparisons with their balances."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Integer, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.crypto import EncryptedText
from app.domain.credit_sync import LetterState, PartnerState
from app.models.base import Created, Keyed, Model, TenantOwned, belongs_to, text_enum


class CreditPartner(Keyed, Created, TenantOwned, Model):
    """An address of a partner that gets the tenant's changes in signed batches."""

    __tablename__ = "credit_partner"

    name: Mapped[str]
    url: Mapped[str]
    key_id: Mapped[str] = mapped_column(unique=True)
    secret: Mapped[str] = mapped_column(EncryptedText)
    former_secret: Mapped[str | None] = mapped_column(EncryptedText)
    """Signs beside the new one until `former_until`, so that the partner can change without a pause."""
    former_until: Mapped[datetime | None]
    sources: Mapped[list[object]] = mapped_column(server_default=text("'[]'::jsonb"))
    """Only postings of these sources are sent; empty = all but `except_source`."""
    except_source: Mapped[str | None]
    """The partner's own source: it knows what it posted."""
    state: Mapped[PartnerState] = mapped_column(text_enum(PartnerState), server_default="active")
    cursor: Mapped[int] = mapped_column(server_default="0")
    """The id of the last posting that is settled with the partner: delivered, left out or a letter."""
    failures: Mapped[int] = mapped_column(Integer, server_default="0")
    """In a row."""
    failing_since: Mapped[datetime | None]
    error: Mapped[str | None]
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    asked_at: Mapped[datetime | None]
    """When a task was last asked for that has not begun yet."""
    slow: Mapped[bool] = mapped_column(server_default="false")
    """Its last answer took long; few of those are asked at once."""
    lease_token: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]
    batch_size: Mapped[int] = mapped_column(Integer, server_default="500")
    """Halved while a refused batch is searched for the item that the partner does not take."""
    batch_id: Mapped[str | None]
    """Of the batch that the partner has not answered for yet: it is sent again as it was, under the same name."""
    batch_ids: Mapped[list[object]] = mapped_column(server_default=text("'[]'::jsonb"))
    """The postings of that batch."""
    batch_replays: Mapped[bool] = mapped_column(server_default="false")
    """They are letters that the boss had sent once more."""
    letters_in_row: Mapped[int] = mapped_column(Integer, server_default="0")
    """Changes that were refused alone, one after the other, with nothing taken between."""
    sent_at: Mapped[datetime | None]
    """When the partner last took a batch."""
    sent_count: Mapped[int] = mapped_column(server_default="0")
    told_at: Mapped[datetime | None]
    """When the boss was last told that it fails."""

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        CheckConstraint("batch_size BETWEEN 1 AND 1000", name="batch_size"),
        Index("ix_credit_partner_due", "next_at", postgresql_where=text("state = 'active'")),
    )


class CreditLetter(Keyed, Created, TenantOwned, Model):
    """A posting that a partner did not take."""

    __tablename__ = "credit_letter"

    partner_id: Mapped[int]
    posting_id: Mapped[int]
    account_id: Mapped[int]
    state: Mapped[LetterState] = mapped_column(text_enum(LetterState), server_default="dead")
    reason: Mapped[str]
    attempts: Mapped[int] = mapped_column(Integer, server_default="1")
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        belongs_to("credit_partner", "partner_id"),
        # Who is erased leaves no letters.
        belongs_to("credit_account", "account_id"),
        UniqueConstraint("partner_id", "posting_id"),
        Index("ix_credit_letter_account", "account_id"),
        Index(
            "ix_credit_letter_open",
            "partner_id",
            "account_id",
            postgresql_where=text("state IN ('dead', 'behind', 'replaying')"),
        ),
    )


class CreditDrift(Keyed, Created, TenantOwned, Model):
    """A comparison of our balances with somebody else's."""

    __tablename__ = "credit_drift"

    name: Mapped[str]
    """Whose balances they were."""
    partner_id: Mapped[int | None]
    """The partner whose undelivered changes explain differences."""
    by: Mapped[str]
    """Who asked for it: a person's e-mail address, or a project's source."""
    compared: Mapped[int] = mapped_column(Integer, server_default="0")
    differing: Mapped[int] = mapped_column(Integer, server_default="0")
    """With those that only one side knows."""
    unknown_here: Mapped[int] = mapped_column(Integer, server_default="0")
    unknown_there: Mapped[int] = mapped_column(Integer, server_default="0")
    explained: Mapped[int] = mapped_column(Integer, server_default="0")
    """Of those that differ: whose difference is exactly what has not been delivered yet."""

    __table_args__ = (UniqueConstraint("tenant_id", "id"),)


class CreditDriftLine(Keyed, TenantOwned, Model):
    """One account that differed."""

    __tablename__ = "credit_drift_line"

    drift_id: Mapped[int]
    telegram_id: Mapped[int]
    ours: Mapped[int | None]
    """None = no such account here."""
    theirs: Mapped[int | None]
    """None = no such account there."""
    undelivered: Mapped[int] = mapped_column(server_default="0")
    """The sum of changes that the partner has not been sent yet."""

    __table_args__ = (belongs_to("credit_drift", "drift_id"), Index("ix_credit_drift_line_drift", "drift_id"))
