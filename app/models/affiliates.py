"""Promoters, whom they brought, and the ledger of what they earn."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Integer, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.crypto import EncryptedText
from app.domain.affiliates import EntryKind, PromoterState, Referral, WithdrawalState
from app.models.base import Created, Keyed, Model, TenantOwned, belongs_to, text_enum


class AffiliateSettings(TenantOwned, Model):
    """How a tenant's promoting works; a tenant without a row has it as the defaults say."""

    __tablename__ = "affiliate_settings"

    tenant_id: Mapped[int] = mapped_column(primary_key=True)
    enabled: Mapped[bool] = mapped_column(server_default="true")
    window_days: Mapped[int] = mapped_column(Integer, server_default="30")
    least_withdrawal: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'::jsonb"))
    """Minor units by currency."""
    terms: Mapped[str] = mapped_column(server_default="")

    __table_args__ = (ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="CASCADE"),)


class Promoter(Keyed, Created, TenantOwned, Model):
    """A member who promotes. `parent_id` brought him, and earns the second level."""

    __tablename__ = "promoter"

    telegram_id: Mapped[int]
    code: Mapped[str]
    """In his link: `t.me/<bot>?start=r_<code>`."""
    state: Mapped[PromoterState] = mapped_column(text_enum(PromoterState), server_default="active")
    parent_id: Mapped[int | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "telegram_id"),
        UniqueConstraint("tenant_id", "code"),
        ForeignKeyConstraint(["tenant_id", "parent_id"], ["promoter.tenant_id", "promoter.id"]),
    )


class PromoterBinding(TenantOwned, Model):
    """Whose member somebody is, until when: the first touch binds."""

    __tablename__ = "promoter_binding"

    tenant_id: Mapped[int] = mapped_column(primary_key=True)
    telegram_id: Mapped[int] = mapped_column(primary_key=True)
    promoter_id: Mapped[int]
    bound_at: Mapped[datetime] = mapped_column(server_default=func.now())
    until: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="CASCADE"),
        belongs_to("promoter", "promoter_id"),
        Index("ix_promoter_binding_promoter", "promoter_id", "bound_at"),
    )


class PromoterTouch(Keyed, TenantOwned, Model):
    """That somebody opened a promoter's link the first time, and what came of it."""

    __tablename__ = "promoter_touch"

    promoter_id: Mapped[int]
    telegram_id: Mapped[int]
    outcome: Mapped[Referral] = mapped_column(text_enum(Referral))
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        belongs_to("promoter", "promoter_id"),
        UniqueConstraint("promoter_id", "telegram_id"),
        Index("ix_promoter_touch_list", "promoter_id", "id"),
    )


class PromoterAccount(Keyed, TenantOwned, Model):
    """What a promoter may withdraw in one currency. It may fall below zero when a paid-out order is refunded."""

    __tablename__ = "promoter_account"

    promoter_id: Mapped[int]
    currency: Mapped[str]
    balance: Mapped[int] = mapped_column(server_default="0")

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        belongs_to("promoter", "promoter_id"),
        UniqueConstraint("promoter_id", "currency"),
    )


class CommissionEntry(Keyed, TenantOwned, Model):
    """One change of a promoter's balance; rows can only be added. `(tenant, reference)` is unique, for ever."""

    __tablename__ = "commission_entry"

    account_id: Mapped[int]
    kind: Mapped[EntryKind] = mapped_column(text_enum(EntryKind))
    amount: Mapped[int]
    """Minor units of the account's currency."""
    balance: Mapped[int]
    """After this entry."""
    reference: Mapped[str]
    order_id: Mapped[int | None]
    withdrawal_id: Mapped[int | None]
    level: Mapped[int | None] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        belongs_to("promoter_account", "account_id"),
        UniqueConstraint("tenant_id", "reference"),
        CheckConstraint("amount <> 0", name="amount"),
        Index("ix_commission_entry_account", "account_id", "id"),
        Index("ix_commission_entry_order", "order_id"),
    )


class Withdrawal(Keyed, Created, TenantOwned, Model):
    """A promoter's wish to be paid. The amount has left his balance since he asked."""

    __tablename__ = "withdrawal"

    promoter_id: Mapped[int]
    account_id: Mapped[int]
    amount: Mapped[int]
    currency: Mapped[str]
    pay_to: Mapped[str] = mapped_column(EncryptedText)
    """Where he wants it, in his words."""
    made_by: Mapped[str]
    """The press that made it."""
    state: Mapped[WithdrawalState] = mapped_column(text_enum(WithdrawalState), server_default="requested")
    reason: Mapped[str] = mapped_column(server_default="")
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "made_by"),
        belongs_to("promoter", "promoter_id"),
        belongs_to("promoter_account", "account_id"),
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_withdrawal_list", "tenant_id", "id"),
        Index("ix_withdrawal_promoter", "promoter_id", "id"),
    )
