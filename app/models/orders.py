"""Orders, their history, the work that is done for them once, and half-filled forms."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Integer, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.orders import Actor, OrderState, Phase, Step, StepState
from app.domain.payments import Provider
from app.domain.products import StockState
from app.models.base import Created, Keyed, Model, TenantOwned, belongs_to, text_enum


class Order(Keyed, Created, TenantOwned, Model):
    """One purchase. `product` is what was sold, as it was then: name, kind, options, commission, questions."""

    __tablename__ = "orders"

    code: Mapped[str] = mapped_column(unique=True)
    bot_id: Mapped[int]
    product_id: Mapped[int]
    telegram_id: Mapped[int]
    """The buyer, and the private chat in which he gets it."""
    locale: Mapped[str]
    state: Mapped[OrderState] = mapped_column(text_enum(OrderState), server_default="pending")
    provider: Mapped[Provider] = mapped_column(text_enum(Provider))
    amount_minor: Mapped[int]
    currency: Mapped[str]
    """What he pays, in the provider's currency: Stars are XTR."""
    value_minor: Mapped[int]
    value_currency: Mapped[str]
    """The product's own price, which commissions are reckoned from."""
    product: Mapped[dict[str, object]]
    inputs: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'::jsonb"))
    made_by: Mapped[str]
    """The press that made it: pressing twice makes one order."""
    promoter_id: Mapped[int | None]
    stock_held: Mapped[StockState | None] = mapped_column(text_enum(StockState, "stock_held"))
    """What it holds of a stock that is only counted; items of a digital product know their order themselves."""
    expires_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    """Orders are served in this order."""
    completed_at: Mapped[datetime | None]

    phase: Mapped[Phase | None] = mapped_column(text_enum(Phase))
    lease_token: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    """Counted when it is claimed."""
    deaths: Mapped[int] = mapped_column(Integer, server_default="0")
    """How often a lease of it ended without a result."""
    first_tried_at: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    error: Mapped[str | None]
    """A code of `app/services/fulfilment/errors.py`; why it waits or has failed."""
    noted_at: Mapped[datetime | None]
    """When the buyer was told that it takes longer."""
    turn: Mapped[int] = mapped_column(Integer, server_default="1")
    """Raised by the boss's retry, so that parts of a delivery that failed for good may be sent anew."""
    told_turn: Mapped[int] = mapped_column(Integer, server_default="0")
    """The turn in which the buyer was last told that his order is paid and begun."""

    @property
    def product_name(self) -> str:
        """What was ordered."""
        return str(self.product.get("name", ""))

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "made_by"),
        belongs_to("bot", "bot_id"),
        ForeignKeyConstraint(
            ["tenant_id", "product_id"], ["product.tenant_id", "product.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["tenant_id", "promoter_id"], ["promoter.tenant_id", "promoter.id"]),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(state = 'generating') = (phase IS NOT NULL)", name="working"),
        # What waits for a worker: at once in the order of payment, or from a moment on.
        Index(
            "ix_orders_due",
            "tenant_id",
            "paid_at",
            "id",
            postgresql_where=text("state = 'paid' AND not_before IS NULL"),
        ),
        Index(
            "ix_orders_later",
            "tenant_id",
            "not_before",
            postgresql_where=text("state = 'paid' AND not_before IS NOT NULL"),
        ),
        Index("ix_orders_working", "phase", "tenant_id", "id", postgresql_where=text("state = 'generating'")),
        Index("ix_orders_untold", "id", postgresql_where=text("state = 'paid' AND told_turn < turn")),
        Index(
            "ix_orders_unnoted",
            "paid_at",
            "id",
            postgresql_where=text("state IN ('paid', 'generating') AND noted_at IS NULL"),
        ),
        Index("ix_orders_pending", "expires_at", postgresql_where=text("state = 'pending'")),
        Index("ix_orders_list", "tenant_id", "id"),
        Index("ix_orders_paid", "tenant_id", "paid_at", postgresql_where=text("paid_at IS NOT NULL")),
        Index("ix_orders_failed", "tenant_id", "id", postgresql_where=text("state = 'failed'")),
        Index("ix_orders_buyer", "tenant_id", "telegram_id", "id"),
        Index("ix_orders_created", "tenant_id", "created_at"),
        Index("ix_orders_product", "product_id", "id"),
        Index("ix_orders_promoter", "promoter_id", "id", postgresql_where=text("promoter_id IS NOT NULL")),
    )


class OrderEvent(Keyed, TenantOwned, Model):
    """One line of an order's history; rows can only be added. A line without a move has `from_state` = `to_state`."""

    __tablename__ = "order_event"

    order_id: Mapped[int]
    from_state: Mapped[OrderState | None] = mapped_column(text_enum(OrderState, "from_state"))
    to_state: Mapped[OrderState] = mapped_column(text_enum(OrderState))
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    actor: Mapped[Actor] = mapped_column(text_enum(Actor))
    actor_name: Mapped[str] = mapped_column(server_default="")
    why: Mapped[str]
    """A code such as `paid`, `claimed`, `lease_lost`, `retry`; pages translate it."""
    details: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'::jsonb"))

    __table_args__ = (belongs_to("orders", "order_id"), Index("ix_order_event_order", "order_id", "id"))


class OrderStep(TenantOwned, Model):
    """A piece of an order's work that is done once, and what came of it, so that nobody pays for it twice."""

    __tablename__ = "order_step"

    order_id: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[Step] = mapped_column(text_enum(Step), primary_key=True)
    state: Mapped[StepState] = mapped_column(text_enum(StepState))
    calls: Mapped[int] = mapped_column(Integer, server_default="0")
    """Counted before each call."""
    source: Mapped[str] = mapped_column(server_default="")
    """Who did it: `yuanfenju`, `deepseek`, `built_in`, `pingpong` ..."""
    result: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'::jsonb"))
    sha256: Mapped[str | None]
    file_id: Mapped[int | None]
    usage: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'::jsonb"))
    """Tokens, of all calls together."""
    cost_micro: Mapped[int] = mapped_column(server_default="0")
    """Millionths of a US dollar, of all calls together."""
    error: Mapped[str | None]
    started_at: Mapped[datetime]
    done_at: Mapped[datetime | None]

    __table_args__ = (
        belongs_to("orders", "order_id"),
        ForeignKeyConstraint(
            ["tenant_id", "file_id"], ["stored_file.tenant_id", "stored_file.id"], ondelete="RESTRICT"
        ),
        Index("ix_order_step_cost", "tenant_id", "started_at", postgresql_where=text("cost_micro > 0")),
    )


class OrderForm(TenantOwned, Model):
    """What somebody has answered so far; one form per person and bot."""

    __tablename__ = "order_form"

    bot_id: Mapped[int] = mapped_column(primary_key=True)
    telegram_id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int]
    answers: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'::jsonb"))
    field: Mapped[str]
    """The key of the question that waits for an answer; "" when all are answered."""
    expires_at: Mapped[datetime]

    __table_args__ = (
        belongs_to("bot", "bot_id"),
        belongs_to("product", "product_id"),
        Index("ix_order_form_expires", "expires_at"),
    )


class ProviderBreaker(TenantOwned, Model):
    """How an outside service answers for one tenant's orders. Open: nobody calls it but one probe a minute."""

    __tablename__ = "provider_breaker"

    tenant_id: Mapped[int] = mapped_column(primary_key=True)
    service: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(Integer, server_default="0")
    """In a row."""
    opened_at: Mapped[datetime | None]
    probe_at: Mapped[datetime | None]
    error: Mapped[str | None]

    __table_args__ = (ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="CASCADE"),)


class Spending(TenantOwned, Model):
    """What a tenant, or one buyer of his, spent on outside services on a day (UTC). `telegram_id` 0 is everybody."""

    __tablename__ = "spending"

    day: Mapped[date] = mapped_column(primary_key=True)
    telegram_id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(primary_key=True)
    cost_micro: Mapped[int] = mapped_column(server_default="0")
    """Millionths of a US dollar, with what is reserved for calls under way."""
    calls: Mapped[int] = mapped_column(Integer, server_default="0")

    __table_args__ = (ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="CASCADE"),)


class ReportPrompt(TenantOwned, Model):
    """A prompt that the boss rewrote, in one language; the others are in `app/domain/report_prompts.py`."""

    __tablename__ = "report_prompt"

    tenant_id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="CASCADE"),)


class ShopAlert(Keyed, Created, TenantOwned, Model):
    """Something about orders or money that the boss must see; told once, open until he says that it is settled."""

    __tablename__ = "shop_alert"

    kind: Mapped[str]
    order_id: Mapped[int | None]
    product_id: Mapped[int | None]
    details: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'::jsonb"))
    dedupe_key: Mapped[str]
    told_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]

    __table_args__ = (
        belongs_to("orders", "order_id"),
        belongs_to("product", "product_id"),
        UniqueConstraint("tenant_id", "dedupe_key"),
        Index("ix_shop_alert_open", "tenant_id", "id", postgresql_where=text("settled_at IS NULL")),
        Index("ix_shop_alert_untold", "id", postgresql_where=text("told_at IS NULL")),
    )
