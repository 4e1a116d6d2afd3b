"""Payments, the money that came in for them, what providers told us, refunds, and keys of outside services."""

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.crypto import EncryptedText
from app.domain.payments import MoneyStatus, PaymentState, Provider, RefundState, Service, Verdict
from app.models.base import Created, Keyed, Model, TenantOwned, belongs_to, text_enum


class ServiceAccount(TenantOwned, Model):
    """A tenant's own account at an outside service. `public` holds ids and switches, `secret` the key or salt."""

    __tablename__ = "service_account"

    tenant_id: Mapped[int] = mapped_column(primary_key=True)
    service: Mapped[Service] = mapped_column(text_enum(Service), primary_key=True)
    enabled: Mapped[bool] = mapped_column(server_default="true")
    public: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'::jsonb"))
    secret: Mapped[str | None] = mapped_column(EncryptedText)
    picture_id: Mapped[int | None]
    """The QR code for paying by hand."""
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["tenant_id", "picture_id"], ["picture.tenant_id", "picture.id"], ondelete="RESTRICT"
        ),
    )


class Payment(Keyed, Created, TenantOwned, Model):
    """An order's payment at a provider, written down before the provider hears of it."""

    __tablename__ = "payment"

    order_id: Mapped[int]
    provider: Mapped[Provider] = mapped_column(text_enum(Provider))
    reference: Mapped[str]
    """Our id at the provider (`merchantTransactionId`); the same for every try to create it."""
    account: Mapped[str] = mapped_column(server_default="")
    """The provider's name of the account that it was created with (`accId`)."""
    own_account: Mapped[bool] = mapped_column(server_default="false")
    """It is the tenant's own account and not the operator's."""
    transaction: Mapped[str | None]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    state: Mapped[PaymentState] = mapped_column(text_enum(PaymentState), server_default="creating")
    url: Mapped[str | None]
    """Where the buyer pays."""
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    lease_until: Mapped[datetime | None]
    """Somebody is creating it at the provider."""
    not_before: Mapped[datetime | None]
    error: Mapped[str | None]
    query_at: Mapped[datetime | None]
    """When the provider is asked next; None = not any more."""
    last_status: Mapped[MoneyStatus | None] = mapped_column(text_enum(MoneyStatus))
    claimed_at: Mapped[datetime | None]
    """When the buyer of a transfer by hand said that he has paid."""
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("provider", "reference"),
        belongs_to("orders", "order_id"),
        CheckConstraint("amount_minor > 0", name="amount"),
        # The same order never has two open payments.
        Index(
            "uq_payment_open",
            "order_id",
            unique=True,
            postgresql_where=text("state IN ('creating', 'open')"),
        ),
        Index("ix_payment_order", "order_id", "id"),
        Index("ix_payment_creating", "id", postgresql_where=text("state = 'creating'")),
        Index("ix_payment_query", "query_at", postgresql_where=text("query_at IS NOT NULL")),
        Index("ix_payment_list", "tenant_id", "id"),
        Index("ix_payment_created", "created_at"),
    )


class PaymentReceipt(Keyed, TenantOwned, Model):
    """Money that came in. At most one of an order's receipts is `accepted`: it is what the order was paid with."""

    __tablename__ = "payment_receipt"

    order_id: Mapped[int]
    payment_id: Mapped[int]
    provider: Mapped[Provider] = mapped_column(text_enum(Provider))
    transaction: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    accepted: Mapped[bool]
    refunded_minor: Mapped[int] = mapped_column(server_default="0")
    """Given back, or on its way back."""
    confirmed_at: Mapped[datetime | None]
    """When the provider said so itself, asked by us."""
    told_by: Mapped[str]
    """An `Actor`, and for staff the name behind a colon."""
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        # Within a tenant: whoever signs for an account of his own may claim any name, and must not take others' away.
        UniqueConstraint("tenant_id", "provider", "transaction"),
        belongs_to("orders", "order_id"),
        belongs_to("payment", "payment_id"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("refunded_minor BETWEEN 0 AND amount_minor", name="refunded"),
        Index("uq_payment_receipt_accepted", "order_id", unique=True, postgresql_where=text("accepted")),
        Index("ix_payment_receipt_payment", "payment_id"),
        Index("ix_payment_receipt_at", "tenant_id", "at"),
    )


class PaymentEvent(Keyed, TenantOwned, Model):
    """A callback about a payment of ours, as it arrived."""

    __tablename__ = "payment_event"

    payment_id: Mapped[int]
    provider: Mapped[Provider] = mapped_column(text_enum(Provider))
    transaction: Mapped[str] = mapped_column(server_default="")
    kind: Mapped[str] = mapped_column(server_default="")
    """The provider's own words for what it tells (`RECHARGE SUCCESS`)."""
    sha256: Mapped[str]
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    verdict: Mapped[Verdict] = mapped_column(text_enum(Verdict))
    times: Mapped[int] = mapped_column(Integer, server_default="1")
    ip: Mapped[str] = mapped_column(server_default="")
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    __table_args__ = (
        belongs_to("payment", "payment_id"),
        UniqueConstraint("payment_id", "transaction", "kind", "sha256"),
        Index("ix_payment_event_received", "received_at"),
    )


class RefusedCallback(Keyed, Model):
    """A callback that was refused, or is about nothing of ours; only the newest ones are kept."""

    __tablename__ = "refused_callback"

    provider: Mapped[Provider] = mapped_column(text_enum(Provider))
    sha256: Mapped[str]
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    verdict: Mapped[Verdict] = mapped_column(text_enum(Verdict))
    ip: Mapped[str] = mapped_column(server_default="")
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), index=True)


class Refund(Keyed, Created, TenantOwned, Model):
    """Money that is given back. `reference` is our id of it at the provider, the same for every try."""

    __tablename__ = "refund"

    order_id: Mapped[int]
    receipt_id: Mapped[int]
    reference: Mapped[str] = mapped_column(unique=True)
    transaction: Mapped[str | None]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    state: Mapped[RefundState] = mapped_column(text_enum(RefundState))
    reason: Mapped[str]
    asked_by: Mapped[str]
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    not_before: Mapped[datetime | None]
    lease_token: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]
    error: Mapped[str | None]
    done_at: Mapped[datetime | None]

    __table_args__ = (
        belongs_to("orders", "order_id"),
        belongs_to("payment_receipt", "receipt_id"),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_refund_open", "not_before", "id", postgresql_where=text("state IN ('queued', 'sending')")),
        Index("ix_refund_order", "order_id", "id"),
    )


class ReconciliationLine(Keyed, TenantOwned, Model):
    """One payment in a day's report: what the provider says, what we say, and whether that is the same."""

    __tablename__ = "reconciliation_line"

    day: Mapped[date]
    provider: Mapped[Provider] = mapped_column(text_enum(Provider))
    payment_id: Mapped[int]
    order_id: Mapped[int]
    theirs: Mapped[MoneyStatus] = mapped_column(text_enum(MoneyStatus))
    theirs_minor: Mapped[int | None]
    ours: Mapped[str]
    """The order's state."""
    ours_minor: Mapped[int]
    """What we hold as received, less refunds."""
    currency: Mapped[str]
    difference: Mapped[str]
    """"" when they agree, else a code: `unpaid_here`, `unknown_there`, `amount`, `refunded_there`, `not_refunded_there`."""
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]

    __table_args__ = (
        belongs_to("payment", "payment_id"),
        belongs_to("orders", "order_id"),
        UniqueConstraint("payment_id", "day"),
        Index("ix_reconciliation_line_day", "tenant_id", "day", "id"),
    )
