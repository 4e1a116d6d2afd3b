"""Partner projects, their keys, and what was heard from them lately."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.crypto import EncryptedText
from app.models.base import Created, Keyed, Model, TenantOwned, belongs_to


class CreditClient(Keyed, Created, TenantOwned, Model):
    """A project that posts to the tenant's ledger under a source of its own."""

    __tablename__ = "credit_client"

    source: Mapped[str]
    name: Mapped[str]
    rate: Mapped[int] = mapped_column(Integer, server_default="10")
    """Calls per second."""
    burst: Mapped[int] = mapped_column(Integer, server_default="20")
    disabled_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "source"),
        CheckConstraint("rate > 0 AND burst > 0", name="rate"),
    )


class CreditKey(Keyed, Created, TenantOwned, Model):
    """One of a project's keys; several work at once, so that they can be changed without a pause."""

    __tablename__ = "credit_key"

    client_id: Mapped[int]
    key_id: Mapped[str] = mapped_column(unique=True)
    """The part of the API key before the first dot; it is signed, and no secret."""
    fingerprint: Mapped[str]
    """Of the whole API key, which is kept nowhere."""
    shown: Mapped[str]
    secret: Mapped[str] = mapped_column(EncryptedText)
    """As it was shown: its UTF-8 bytes are the HMAC key."""
    scopes: Mapped[list[object]] = mapped_column(server_default=text('\'["read", "post"]\'::jsonb'))
    allow_v1: Mapped[bool] = mapped_column(server_default="false")
    networks: Mapped[list[object]] = mapped_column(server_default=text("'[]'::jsonb"))
    """CIDR texts; empty = from anywhere."""
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    last_ip: Mapped[str | None]
    revoked_at: Mapped[datetime | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """Who made it."""

    __table_args__ = (belongs_to("credit_client", "client_id"), Index("ix_credit_key_client", "client_id"))


class CreditNonce(TenantOwned, Model):
    """A nonce or a token of version 1 that was used; kept for 15 minutes.

    Without foreign keys: it is written in each call and means nothing a little later.
    """

    __tablename__ = "credit_nonce"

    key_row_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    nonce: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(BigInteger)
    binding: Mapped[str | None]
    """Of a token: SHA-256 over what it was used for. A nonce is good once for anything."""
    expires_at: Mapped[datetime]

    __table_args__ = (Index("ix_credit_nonce_expires", "expires_at"),)
