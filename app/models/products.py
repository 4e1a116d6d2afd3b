"""What a tenant sells: products, the stock of digital goods, and who looked at what."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Integer, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.crypto import EncryptedText
from app.domain.products import ProductKind, ProductState, StockKind, StockState, VisitStage
from app.models.base import Created, Keyed, Model, TenantOwned, belongs_to, text_enum


class Product(Keyed, Created, TenantOwned, Model):
    """Something that is sold in the tenant's bots, or only in one of them.

    `fields` are the questions to the buyer (see `app/domain/forms.py`), `options` what the kind needs, `commission`
    what promoters get, `providers` how it may be paid, in the order in which the buttons stand.
    """

    __tablename__ = "product"

    bot_id: Mapped[int | None]
    code: Mapped[str] = mapped_column(unique=True)
    """In links to it: `t.me/<bot>?start=p_<code>`."""
    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    kind: Mapped[ProductKind] = mapped_column(text_enum(ProductKind))
    state: Mapped[ProductState] = mapped_column(text_enum(ProductState), server_default="draft")
    price_minor: Mapped[int]
    currency: Mapped[str]
    stars: Mapped[int | None]
    """The price in Telegram Stars, where it may be paid so."""
    providers: Mapped[list[object]] = mapped_column(server_default=text("'[]'::jsonb"))
    picture_id: Mapped[int | None]
    position: Mapped[int] = mapped_column(Integer, server_default="0")
    fields: Mapped[list[object]] = mapped_column(server_default=text("'[]'::jsonb"))
    options: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'::jsonb"))
    commission: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'::jsonb"))
    stock: Mapped[int | None]
    """How many may still be sold of a kind that has no items; None = any number. Digital goods count their items."""
    low_stock_told_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default="1")
    """Raised by every change, so that two people who edit at once notice."""

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        belongs_to("bot", "bot_id"),
        ForeignKeyConstraint(
            ["tenant_id", "picture_id"], ["picture.tenant_id", "picture.id"], ondelete="RESTRICT"
        ),
        CheckConstraint("price_minor > 0", name="price"),
        CheckConstraint("stars > 0", name="stars"),
        CheckConstraint("stock >= 0", name="stock"),
        Index("ix_product_shop", "tenant_id", "position", "id", postgresql_where=text("state = 'on_sale'")),
        Index("ix_product_list", "tenant_id", "id"),
    )


class StockItem(Keyed, Created, TenantOwned, Model):
    """One thing of a digital product's stock. A code or link is in `content`, a file in `file_id`."""

    __tablename__ = "stock_item"

    product_id: Mapped[int]
    kind: Mapped[StockKind] = mapped_column(text_enum(StockKind))
    content: Mapped[str | None] = mapped_column(EncryptedText)
    fingerprint: Mapped[str]
    """The same code can't be put into one product's stock twice."""
    file_id: Mapped[int | None]
    state: Mapped[StockState] = mapped_column(text_enum(StockState), server_default="free")
    order_id: Mapped[int | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        belongs_to("product", "product_id"),
        ForeignKeyConstraint(
            ["tenant_id", "file_id"], ["stored_file.tenant_id", "stored_file.id"], ondelete="RESTRICT"
        ),
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        UniqueConstraint("product_id", "fingerprint"),
        CheckConstraint("(kind = 'file') = (file_id IS NOT NULL)", name="file"),
        CheckConstraint("(kind = 'file') = (content IS NULL)", name="content"),
        CheckConstraint("(state = 'free') = (order_id IS NULL)", name="taken"),
        Index("ix_stock_item_free", "product_id", "id", postgresql_where=text("state = 'free'")),
        # One order gets one item, for ever.
        Index("uq_stock_item_order", "order_id", unique=True, postgresql_where=text("order_id IS NOT NULL")),
        Index("ix_stock_item_list", "tenant_id", "product_id", "id"),
    )


class ProductVisit(TenantOwned, Model):
    """That somebody came so far with a product on a day (in the tenant's zone)."""

    __tablename__ = "product_visit"

    product_id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    stage: Mapped[VisitStage] = mapped_column(text_enum(VisitStage), primary_key=True)
    telegram_id: Mapped[int] = mapped_column(primary_key=True)

    __table_args__ = (
        belongs_to("product", "product_id"),
        Index("ix_product_visit_day", "tenant_id", "day"),
    )
