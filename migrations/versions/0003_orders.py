"""Products, orders, payments, promoters."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.tenancy import isolation_sql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    "affiliate_settings",
    "promoter",
    "provider_breaker",
    "report_prompt",
    "spending",
    "stored_file",
    "product",
    "promoter_account",
    "promoter_binding",
    "promoter_touch",
    "service_account",
    "commission_entry",
    "order_form",
    "orders",
    "product_visit",
    "withdrawal",
    "order_event",
    "order_step",
    "payment",
    "shop_alert",
    "stock_item",
    "payment_event",
    "payment_receipt",
    "reconciliation_line",
    "refund",
)
APPEND_ONLY = ("order_event", "commission_entry")


def upgrade() -> None:
    op.create_table(
        "refused_callback",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "provider",
            sa.Enum(
                "pingpong",
                "stars",
                "manual",
                name="provider",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum(
                "accepted",
                "repeated",
                "noted",
                "bad_signature",
                "malformed",
                "wrong_account",
                "unknown_payment",
                "amount_mismatch",
                "paid_twice",
                name="verdict",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("ip", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused_callback")),
    )
    op.create_index(
        op.f("ix_refused_callback_received_at"), "refused_callback", ["received_at"], unique=False
    )
    op.create_table(
        "affiliate_settings",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("window_days", sa.Integer(), server_default="30", nullable=False),
        sa.Column(
            "least_withdrawal",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("terms", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_affiliate_settings_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_affiliate_settings")),
    )
    op.create_table(
        "promoter",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "active", "paused", name="promoterstate", native_enum=False, create_constraint=True, length=32
            ),
            server_default="active",
            nullable=False,
        ),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "parent_id"],
            ["promoter.tenant_id", "promoter.id"],
            name=op.f("fk_promoter_tenant_id_parent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_promoter_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promoter")),
        sa.UniqueConstraint("tenant_id", "code", name=op.f("uq_promoter_tenant_id_code")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_promoter_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "telegram_id", name=op.f("uq_promoter_tenant_id_telegram_id")),
    )
    op.create_index(op.f("ix_promoter_tenant_id"), "promoter", ["tenant_id"], unique=False)
    op.create_table(
        "provider_breaker",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probe_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_provider_breaker_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "service", name=op.f("pk_provider_breaker")),
    )
    op.create_table(
        "report_prompt",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_report_prompt_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "key", "locale", name=op.f("pk_report_prompt")),
    )
    op.create_table(
        "spending",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("cost_micro", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("calls", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_spending_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("day", "telegram_id", "tenant_id", name=op.f("pk_spending")),
    )
    op.create_table(
        "stored_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(data) BETWEEN 1 AND 20971520", name=op.f("ck_stored_file_size")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_stored_file_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_stored_file_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "sha256", name=op.f("uq_stored_file_tenant_id_sha256")),
    )
    op.create_index(op.f("ix_stored_file_tenant_id"), "stored_file", ["tenant_id"], unique=False)
    op.create_table(
        "product",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("bot_id", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "bazi_report",
                "digital_goods",
                "credits",
                "manual",
                name="productkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "on_sale",
                "off_sale",
                "archived",
                name="productstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="draft",
            nullable=False,
        ),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("stars", sa.BigInteger(), nullable=True),
        sa.Column(
            "providers",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("picture_id", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "fields",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "options",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "commission",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("stock", sa.BigInteger(), nullable=True),
        sa.Column("low_stock_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("price_minor > 0", name=op.f("ck_product_price")),
        sa.CheckConstraint("stars > 0", name=op.f("ck_product_stars")),
        sa.CheckConstraint("stock >= 0", name=op.f("ck_product_stock")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bot_id"],
            ["bot.tenant_id", "bot.id"],
            name=op.f("fk_product_tenant_id_bot_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "picture_id"],
            ["picture.tenant_id", "picture.id"],
            name=op.f("fk_product_tenant_id_picture_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_product_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("code", name=op.f("uq_product_code")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_product_tenant_id_id")),
    )
    op.create_index("ix_product_list", "product", ["tenant_id", "id"], unique=False)
    op.create_index(
        "ix_product_shop",
        "product",
        ["tenant_id", "position", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'on_sale'"),
    )
    op.create_index(op.f("ix_product_tenant_id"), "product", ["tenant_id"], unique=False)
    op.create_table(
        "promoter_account",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("promoter_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("balance", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "promoter_id"],
            ["promoter.tenant_id", "promoter.id"],
            name=op.f("fk_promoter_account_tenant_id_promoter_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_promoter_account_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promoter_account")),
        sa.UniqueConstraint("promoter_id", "currency", name=op.f("uq_promoter_account_promoter_id_currency")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_promoter_account_tenant_id_id")),
    )
    op.create_index(op.f("ix_promoter_account_tenant_id"), "promoter_account", ["tenant_id"], unique=False)
    op.create_table(
        "promoter_binding",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column("promoter_id", sa.BigInteger(), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "promoter_id"],
            ["promoter.tenant_id", "promoter.id"],
            name=op.f("fk_promoter_binding_tenant_id_promoter_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_promoter_binding_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "telegram_id", name=op.f("pk_promoter_binding")),
    )
    op.create_index(
        "ix_promoter_binding_promoter", "promoter_binding", ["promoter_id", "bound_at"], unique=False
    )
    op.create_table(
        "promoter_touch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("promoter_id", sa.BigInteger(), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "bound",
                "self",
                "known",
                "taken",
                "loop",
                "paused",
                name="referral",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "promoter_id"],
            ["promoter.tenant_id", "promoter.id"],
            name=op.f("fk_promoter_touch_tenant_id_promoter_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_promoter_touch_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promoter_touch")),
        sa.UniqueConstraint(
            "promoter_id", "telegram_id", name=op.f("uq_promoter_touch_promoter_id_telegram_id")
        ),
    )
    op.create_index("ix_promoter_touch_list", "promoter_touch", ["promoter_id", "id"], unique=False)
    op.create_index(op.f("ix_promoter_touch_tenant_id"), "promoter_touch", ["tenant_id"], unique=False)
    op.create_table(
        "service_account",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "service",
            sa.Enum(
                "pingpong",
                "manual",
                "yuanfenju",
                "deepseek",
                name="service",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("enabled", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "public",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("picture_id", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "picture_id"],
            ["picture.tenant_id", "picture.id"],
            name=op.f("fk_service_account_tenant_id_picture_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_service_account_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "service", name=op.f("pk_service_account")),
    )
    op.create_table(
        "commission_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "earned",
                "reversed",
                "withdrawal",
                "returned",
                "adjusted",
                name="entrykind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("withdrawal_id", sa.BigInteger(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_commission_entry_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["promoter_account.tenant_id", "promoter_account.id"],
            name=op.f("fk_commission_entry_tenant_id_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_commission_entry_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission_entry")),
        sa.UniqueConstraint("tenant_id", "reference", name=op.f("uq_commission_entry_tenant_id_reference")),
    )
    op.create_index("ix_commission_entry_account", "commission_entry", ["account_id", "id"], unique=False)
    op.create_index("ix_commission_entry_order", "commission_entry", ["order_id"], unique=False)
    op.create_index(op.f("ix_commission_entry_tenant_id"), "commission_entry", ["tenant_id"], unique=False)
    op.create_table(
        "order_form",
        sa.Column("bot_id", sa.BigInteger(), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "answers",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bot_id"],
            ["bot.tenant_id", "bot.id"],
            name=op.f("fk_order_form_tenant_id_bot_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_order_form_tenant_id_product_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_order_form_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("bot_id", "telegram_id", name=op.f("pk_order_form")),
    )
    op.create_index("ix_order_form_expires", "order_form", ["expires_at"], unique=False)
    op.create_index(op.f("ix_order_form_tenant_id"), "order_form", ["tenant_id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("bot_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "paid",
                "generating",
                "completed",
                "expired",
                "failed",
                "refunded",
                name="orderstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="pending",
            nullable=False,
        ),
        sa.Column(
            "provider",
            sa.Enum(
                "pingpong",
                "stars",
                "manual",
                name="provider",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("value_minor", sa.BigInteger(), nullable=False),
        sa.Column("value_currency", sa.Text(), nullable=False),
        sa.Column("product", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "inputs",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("promoter_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "stock_held",
            sa.Enum(
                "free",
                "reserved",
                "sold",
                name="stock_held",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "phase",
            sa.Enum(
                "producing",
                "delivering",
                "by_hand",
                name="phase",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("lease_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("deaths", sa.Integer(), server_default="0", nullable=False),
        sa.Column("first_tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("turn", sa.Integer(), server_default="1", nullable=False),
        sa.Column("told_turn", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(state = 'generating') = (phase IS NOT NULL)", name=op.f("ck_orders_working")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_orders_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bot_id"],
            ["bot.tenant_id", "bot.id"],
            name=op.f("fk_orders_tenant_id_bot_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_orders_tenant_id_product_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "promoter_id"],
            ["promoter.tenant_id", "promoter.id"],
            name=op.f("fk_orders_tenant_id_promoter_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_orders_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("code", name=op.f("uq_orders_code")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_orders_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "made_by", name=op.f("uq_orders_tenant_id_made_by")),
    )
    op.create_index("ix_orders_buyer", "orders", ["tenant_id", "telegram_id", "id"], unique=False)
    op.create_index("ix_orders_created", "orders", ["tenant_id", "created_at"], unique=False)
    op.create_index("ix_orders_list", "orders", ["tenant_id", "id"], unique=False)
    op.create_index(
        "ix_orders_paid",
        "orders",
        ["tenant_id", "paid_at"],
        unique=False,
        postgresql_where=sa.text("paid_at IS NOT NULL"),
    )
    op.create_index(
        "ix_orders_failed",
        "orders",
        ["tenant_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'failed'"),
    )
    op.create_index(
        "ix_orders_pending",
        "orders",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("ix_orders_product", "orders", ["product_id", "id"], unique=False)
    op.create_index(
        "ix_orders_promoter",
        "orders",
        ["promoter_id", "id"],
        unique=False,
        postgresql_where=sa.text("promoter_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_orders_tenant_id"), "orders", ["tenant_id"], unique=False)
    op.create_index(
        "ix_orders_due",
        "orders",
        ["tenant_id", "paid_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'paid' AND not_before IS NULL"),
    )
    op.create_index(
        "ix_orders_later",
        "orders",
        ["tenant_id", "not_before"],
        unique=False,
        postgresql_where=sa.text("state = 'paid' AND not_before IS NOT NULL"),
    )
    op.create_index(
        "ix_orders_working",
        "orders",
        ["phase", "tenant_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'generating'"),
    )
    op.create_index(
        "ix_orders_untold",
        "orders",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'paid' AND told_turn < turn"),
    )
    op.create_index(
        "ix_orders_unnoted",
        "orders",
        ["paid_at", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('paid', 'generating') AND noted_at IS NULL"),
    )
    op.create_table(
        "product_visit",
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "viewed", "started", name="visitstage", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_product_visit_tenant_id_product_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_product_visit_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("product_id", "day", "stage", "telegram_id", name=op.f("pk_product_visit")),
    )
    op.create_index("ix_product_visit_day", "product_visit", ["tenant_id", "day"], unique=False)
    op.create_index(op.f("ix_product_visit_tenant_id"), "product_visit", ["tenant_id"], unique=False)
    op.create_table(
        "withdrawal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("promoter_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("pay_to", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "approved",
                "paid",
                "refused",
                "cancelled",
                name="withdrawalstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="requested",
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_withdrawal_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["promoter_account.tenant_id", "promoter_account.id"],
            name=op.f("fk_withdrawal_tenant_id_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "promoter_id"],
            ["promoter.tenant_id", "promoter.id"],
            name=op.f("fk_withdrawal_tenant_id_promoter_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_withdrawal_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawal")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_withdrawal_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "made_by", name=op.f("uq_withdrawal_tenant_id_made_by")),
    )
    op.create_index("ix_withdrawal_list", "withdrawal", ["tenant_id", "id"], unique=False)
    op.create_index("ix_withdrawal_promoter", "withdrawal", ["promoter_id", "id"], unique=False)
    op.create_index(op.f("ix_withdrawal_tenant_id"), "withdrawal", ["tenant_id"], unique=False)
    op.create_table(
        "order_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "from_state",
            sa.Enum(
                "pending",
                "paid",
                "generating",
                "completed",
                "expired",
                "failed",
                "refunded",
                name="from_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column(
            "to_state",
            sa.Enum(
                "pending",
                "paid",
                "generating",
                "completed",
                "expired",
                "failed",
                "refunded",
                name="orderstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "actor",
            sa.Enum(
                "buyer",
                "callback",
                "reconciliation",
                "stars",
                "staff",
                "sweep",
                "worker",
                name="actor",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_name", sa.Text(), server_default="", nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_order_event_tenant_id_order_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_order_event_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_event")),
    )
    op.create_index("ix_order_event_order", "order_event", ["order_id", "id"], unique=False)
    op.create_index(op.f("ix_order_event_tenant_id"), "order_event", ["tenant_id"], unique=False)
    op.create_table(
        "order_step",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "step",
            sa.Enum(
                "confirm",
                "chart",
                "text",
                "pdf",
                "handout",
                "delivery",
                name="step",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "calling",
                "failed",
                "done",
                name="stepstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "result",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "usage",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("cost_micro", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "file_id"],
            ["stored_file.tenant_id", "stored_file.id"],
            name=op.f("fk_order_step_tenant_id_file_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_order_step_tenant_id_order_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_order_step_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("order_id", "step", name=op.f("pk_order_step")),
    )
    op.create_index(op.f("ix_order_step_tenant_id"), "order_step", ["tenant_id"], unique=False)
    op.create_index(
        "ix_order_step_cost",
        "order_step",
        ["tenant_id", "started_at"],
        unique=False,
        postgresql_where=sa.text("cost_micro > 0"),
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "provider",
            sa.Enum(
                "pingpong",
                "stars",
                "manual",
                name="provider",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), server_default="", nullable=False),
        sa.Column("own_account", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("transaction", sa.Text(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "creating",
                "open",
                "paid",
                "closed",
                name="paymentstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="creating",
            nullable=False,
        ),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("query_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "last_status",
            sa.Enum(
                "processing",
                "success",
                "failed",
                "closed",
                "refunded",
                "unknown",
                name="moneystatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_payment_tenant_id_order_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_payment_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("provider", "reference", name=op.f("uq_payment_provider_reference")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_payment_tenant_id_id")),
    )
    op.create_index(
        "ix_payment_creating", "payment", ["id"], unique=False, postgresql_where=sa.text("state = 'creating'")
    )
    op.create_index("ix_payment_created", "payment", ["created_at"], unique=False)
    op.create_index("ix_payment_list", "payment", ["tenant_id", "id"], unique=False)
    op.create_index("ix_payment_order", "payment", ["order_id", "id"], unique=False)
    op.create_index(
        "ix_payment_query",
        "payment",
        ["query_at"],
        unique=False,
        postgresql_where=sa.text("query_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_payment_tenant_id"), "payment", ["tenant_id"], unique=False)
    op.create_index(
        "uq_payment_open",
        "payment",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('creating', 'open')"),
    )
    op.create_table(
        "shop_alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("product_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_shop_alert_tenant_id_order_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_shop_alert_tenant_id_product_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_shop_alert_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_alert")),
        sa.UniqueConstraint("tenant_id", "dedupe_key", name=op.f("uq_shop_alert_tenant_id_dedupe_key")),
    )
    op.create_index(
        "ix_shop_alert_open",
        "shop_alert",
        ["tenant_id", "id"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_index(op.f("ix_shop_alert_tenant_id"), "shop_alert", ["tenant_id"], unique=False)
    op.create_index(
        "ix_shop_alert_untold",
        "shop_alert",
        ["id"],
        unique=False,
        postgresql_where=sa.text("told_at IS NULL"),
    )
    op.create_table(
        "stock_item",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "code", "link", "file", name="stockkind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "free",
                "reserved",
                "sold",
                name="stockstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="free",
            nullable=False,
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(kind = 'file') = (content IS NULL)", name=op.f("ck_stock_item_content")),
        sa.CheckConstraint("(kind = 'file') = (file_id IS NOT NULL)", name=op.f("ck_stock_item_file")),
        sa.CheckConstraint("(state = 'free') = (order_id IS NULL)", name=op.f("ck_stock_item_taken")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "file_id"],
            ["stored_file.tenant_id", "stored_file.id"],
            name=op.f("fk_stock_item_tenant_id_file_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_stock_item_tenant_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name=op.f("fk_stock_item_tenant_id_product_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_stock_item_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_item")),
        sa.UniqueConstraint("product_id", "fingerprint", name=op.f("uq_stock_item_product_id_fingerprint")),
    )
    op.create_index(
        "ix_stock_item_free",
        "stock_item",
        ["product_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'free'"),
    )
    op.create_index("ix_stock_item_list", "stock_item", ["tenant_id", "product_id", "id"], unique=False)
    op.create_index(op.f("ix_stock_item_tenant_id"), "stock_item", ["tenant_id"], unique=False)
    op.create_index(
        "uq_stock_item_order",
        "stock_item",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_table(
        "payment_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "provider",
            sa.Enum(
                "pingpong",
                "stars",
                "manual",
                name="provider",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("transaction", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum(
                "accepted",
                "repeated",
                "noted",
                "bad_signature",
                "malformed",
                "wrong_account",
                "unknown_payment",
                "amount_mismatch",
                "paid_twice",
                name="verdict",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False),
        sa.Column("ip", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payment_id"],
            ["payment.tenant_id", "payment.id"],
            name=op.f("fk_payment_event_tenant_id_payment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_payment_event_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_event")),
        sa.UniqueConstraint(
            "payment_id",
            "transaction",
            "kind",
            "sha256",
            name=op.f("uq_payment_event_payment_id_transaction_kind_sha256"),
        ),
    )
    op.create_index("ix_payment_event_received", "payment_event", ["received_at"], unique=False)
    op.create_index(op.f("ix_payment_event_tenant_id"), "payment_event", ["tenant_id"], unique=False)
    op.create_table(
        "payment_receipt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "provider",
            sa.Enum(
                "pingpong",
                "stars",
                "manual",
                name="provider",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("transaction", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_receipt_amount")),
        sa.CheckConstraint(
            "refunded_minor BETWEEN 0 AND amount_minor", name=op.f("ck_payment_receipt_refunded")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_payment_receipt_tenant_id_order_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payment_id"],
            ["payment.tenant_id", "payment.id"],
            name=op.f("fk_payment_receipt_tenant_id_payment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_payment_receipt_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_receipt")),
        sa.UniqueConstraint(
            "tenant_id", "provider", "transaction", name=op.f("uq_payment_receipt_tenant_id_provider_transaction")
        ),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_payment_receipt_tenant_id_id")),
    )
    op.create_index("ix_payment_receipt_at", "payment_receipt", ["tenant_id", "at"], unique=False)
    op.create_index("ix_payment_receipt_payment", "payment_receipt", ["payment_id"], unique=False)
    op.create_index(op.f("ix_payment_receipt_tenant_id"), "payment_receipt", ["tenant_id"], unique=False)
    op.create_index(
        "uq_payment_receipt_accepted",
        "payment_receipt",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("accepted"),
    )
    op.create_table(
        "reconciliation_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "provider",
            sa.Enum(
                "pingpong",
                "stars",
                "manual",
                name="provider",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "theirs",
            sa.Enum(
                "processing",
                "success",
                "failed",
                "closed",
                "refunded",
                "unknown",
                name="moneystatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("theirs_minor", sa.BigInteger(), nullable=True),
        sa.Column("ours", sa.Text(), nullable=False),
        sa.Column("ours_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("difference", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_reconciliation_line_tenant_id_order_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payment_id"],
            ["payment.tenant_id", "payment.id"],
            name=op.f("fk_reconciliation_line_tenant_id_payment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_reconciliation_line_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_line")),
        sa.UniqueConstraint("payment_id", "day", name=op.f("uq_reconciliation_line_payment_id_day")),
    )
    op.create_index(
        "ix_reconciliation_line_day", "reconciliation_line", ["tenant_id", "day", "id"], unique=False
    )
    op.create_index(
        op.f("ix_reconciliation_line_tenant_id"), "reconciliation_line", ["tenant_id"], unique=False
    )
    op.create_table(
        "refund",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("receipt_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("transaction", sa.Text(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "sending",
                "by_hand",
                "done",
                "failed",
                name="refundstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refund_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_refund_tenant_id_order_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["payment_receipt.tenant_id", "payment_receipt.id"],
            name=op.f("fk_refund_tenant_id_receipt_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_refund_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("reference", name=op.f("uq_refund_reference")),
    )
    op.create_index(
        "ix_refund_open",
        "refund",
        ["not_before", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    )
    op.create_index("ix_refund_order", "refund", ["order_id", "id"], unique=False)
    op.create_index(op.f("ix_refund_tenant_id"), "refund", ["tenant_id"], unique=False)
    for table in TABLES:
        for statement in isolation_sql(table):
            op.execute(statement)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_table("refused_callback")
    for table in reversed(TABLES):
        op.drop_table(table)
