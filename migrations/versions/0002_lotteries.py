"""Lotteries and their draws, pictures, the credit ledger, broadcasts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.tenancy import isolation_sql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    "credit_account",
    "picture",
    "broadcast",
    "credit_posting",
    "credit_check",
    "lottery_template",
    "picture_file",
    "broadcast_recipient",
    "lottery",
    "lottery_chunk",
    "lottery_draw",
    "lottery_entry",
    "lottery_event",
    "lottery_invite",
    "lottery_post",
    "lottery_prize",
    "lottery_tally",
    "lottery_candidate",
    "lottery_winner",
)
APPEND_ONLY = ("credit_posting", "lottery_event")


def upgrade() -> None:
    op.create_table(
        "credit_account",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("balance >= 0", name=op.f("ck_credit_account_balance")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_credit_account_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_account")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_credit_account_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "telegram_id", name=op.f("uq_credit_account_tenant_id_telegram_id")),
    )
    op.create_index(op.f("ix_credit_account_tenant_id"), "credit_account", ["tenant_id"], unique=False)
    op.create_table(
        "credit_check",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accounts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("postings", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("mismatches", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_credit_check_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_credit_check")),
    )
    op.create_table(
        "picture",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(data) <= 5242880", name=op.f("ck_picture_size")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_picture_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_picture")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_picture_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "sha256", name=op.f("uq_picture_tenant_id_sha256")),
    )
    op.create_index(op.f("ix_picture_tenant_id"), "picture", ["tenant_id"], unique=False)
    op.create_table(
        "broadcast",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("bot_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "buttons",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("picture_id", sa.BigInteger(), nullable=True),
        sa.Column("audience", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "scheduled",
                "running",
                "paused",
                "done",
                "cancelled",
                name="broadcaststate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="draft",
            nullable=False,
        ),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), server_default="", nullable=False),
        sa.Column("filled_to", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("filled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sent", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("blocked", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unknown", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pace", sa.Float(), server_default="0", nullable=False),
        sa.Column("served_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bot_id"],
            ["bot.tenant_id", "bot.id"],
            name=op.f("fk_broadcast_tenant_id_bot_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "picture_id"],
            ["picture.tenant_id", "picture.id"],
            name=op.f("fk_broadcast_tenant_id_picture_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_broadcast_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_broadcast_tenant_id_id")),
    )
    op.create_index(
        "ix_broadcast_due",
        "broadcast",
        ["state", "scheduled_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('scheduled', 'running')"),
    )
    op.create_index(
        "ix_broadcast_leased",
        "broadcast",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    op.create_index("ix_broadcast_list", "broadcast", ["tenant_id", "id"], unique=False)
    op.create_index(op.f("ix_broadcast_tenant_id"), "broadcast", ["tenant_id"], unique=False)
    op.create_table(
        "credit_posting",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "amount <> 0 AND amount BETWEEN -1000000000000 AND 1000000000000",
            name=op.f("ck_credit_posting_amount"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["credit_account.tenant_id", "credit_account.id"],
            name=op.f("fk_credit_posting_tenant_id_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_credit_posting_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_posting")),
        sa.UniqueConstraint(
            "tenant_id", "source", "reference", name=op.f("uq_credit_posting_tenant_id_source_reference")
        ),
    )
    op.create_index("ix_credit_posting_account", "credit_posting", ["account_id", "id"], unique=False)
    op.create_index(op.f("ix_credit_posting_tenant_id"), "credit_posting", ["tenant_id"], unique=False)
    op.create_table(
        "lottery_template",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("bot_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("repeat", sa.Text(), server_default="", nullable=False),
        sa.Column("at_minute", sa.Integer(), server_default="0", nullable=False),
        sa.Column("weekday", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("repeat IN ('', 'daily', 'weekly')", name=op.f("ck_lottery_template_repeat")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bot_id"],
            ["bot.tenant_id", "bot.id"],
            name=op.f("fk_lottery_template_tenant_id_bot_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_lottery_template_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lottery_template")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_lottery_template_tenant_id_id")),
    )
    op.create_index(
        "ix_lottery_template_due",
        "lottery_template",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_lottery_template_tenant_id"), "lottery_template", ["tenant_id"], unique=False)
    op.create_table(
        "picture_file",
        sa.Column("picture_id", sa.BigInteger(), nullable=False),
        sa.Column("bot_id", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bot_id"],
            ["bot.tenant_id", "bot.id"],
            name=op.f("fk_picture_file_tenant_id_bot_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "picture_id"],
            ["picture.tenant_id", "picture.id"],
            name=op.f("fk_picture_file_tenant_id_picture_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_picture_file_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("picture_id", "bot_id", name=op.f("pk_picture_file")),
    )
    op.create_index(op.f("ix_picture_file_tenant_id"), "picture_file", ["tenant_id"], unique=False)
    op.create_table(
        "broadcast_recipient",
        sa.Column("broadcast_id", sa.BigInteger(), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "sending",
                "sent",
                "blocked",
                "failed",
                "unknown",
                name="recipientstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="pending",
            nullable=False,
        ),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "broadcast_id"],
            ["broadcast.tenant_id", "broadcast.id"],
            name=op.f("fk_broadcast_recipient_tenant_id_broadcast_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_broadcast_recipient_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("broadcast_id", "telegram_id", name=op.f("pk_broadcast_recipient")),
    )
    op.create_index(
        "ix_broadcast_recipient_open",
        "broadcast_recipient",
        ["broadcast_id", "telegram_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'sending')"),
    )
    op.create_index(
        "ix_broadcast_recipient_state", "broadcast_recipient", ["broadcast_id", "state"], unique=False
    )
    op.create_index(
        op.f("ix_broadcast_recipient_tenant_id"), "broadcast_recipient", ["tenant_id"], unique=False
    )
    op.create_table(
        "lottery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("bot_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("picture_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "scheduled",
                "open",
                "drawing",
                "drawn",
                "cancelled",
                name="lotterystate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="draft",
            nullable=False,
        ),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("max_entries", sa.BigInteger(), nullable=True),
        sa.Column("closes_when_full", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "conditions",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "tickets",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "publish_to",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("claim_hours", sa.Integer(), nullable=True),
        sa.Column("template_id", sa.BigInteger(), nullable=True),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("beacon", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("announced_round", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "close_reason",
            sa.Enum(
                "time",
                "full",
                "early",
                name="closereason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bot_id"],
            ["bot.tenant_id", "bot.id"],
            name=op.f("fk_lottery_tenant_id_bot_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "picture_id"],
            ["picture.tenant_id", "picture.id"],
            name=op.f("fk_lottery_tenant_id_picture_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "template_id"],
            ["lottery_template.tenant_id", "lottery_template.id"],
            name=op.f("fk_lottery_tenant_id_template_id"),
            ondelete="SET NULL (template_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_lottery_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lottery")),
        sa.UniqueConstraint("code", name=op.f("uq_lottery_code")),
        sa.UniqueConstraint("template_id", "run_at", name=op.f("uq_lottery_template_id_run_at")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_lottery_tenant_id_id")),
    )
    op.create_index(
        "ix_lottery_due",
        "lottery",
        ["state", "closes_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('open', 'drawing')"),
    )
    op.create_index("ix_lottery_list", "lottery", ["tenant_id", "id"], unique=False)
    op.create_index(
        "ix_lottery_open",
        "lottery",
        ["tenant_id", "closes_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_lottery_opening",
        "lottery",
        ["opens_at"],
        unique=False,
        postgresql_where=sa.text("state = 'scheduled'"),
    )
    op.create_index(
        "ix_lottery_full",
        "lottery",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'open' AND closes_when_full"),
    )
    op.create_index(op.f("ix_lottery_tenant_id"), "lottery", ["tenant_id"], unique=False)
    op.create_index(
        "ix_lottery_unsettled",
        "lottery",
        ["id"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL AND state IN ('drawn', 'cancelled')"),
    )
    op.create_table(
        "lottery_chunk",
        sa.Column("lottery_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lottery_id"],
            ["lottery.tenant_id", "lottery.id"],
            name=op.f("fk_lottery_chunk_tenant_id_lottery_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_lottery_chunk_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lottery_id", "number", name=op.f("pk_lottery_chunk")),
    )
    op.create_index(op.f("ix_lottery_chunk_tenant_id"), "lottery_chunk", ["tenant_id"], unique=False)
    op.create_table(
        "lottery_draw",
        sa.Column("lottery_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "phase",
            sa.Enum(
                "sealing",
                "waiting",
                "ordered",
                "done",
                name="drawphase",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="sealing",
            nullable=False,
        ),
        sa.Column("entries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tickets", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("root", sa.Text(), nullable=True),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("round", sa.BigInteger(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ranked", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("slots", sa.Integer(), server_default="0", nullable=False),
        sa.Column("decided", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("stuck", sa.Integer(), nullable=True),
        sa.Column(
            "dropped",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lottery_id"],
            ["lottery.tenant_id", "lottery.id"],
            name=op.f("fk_lottery_draw_tenant_id_lottery_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_lottery_draw_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lottery_id", name=op.f("pk_lottery_draw")),
    )
    op.create_index(op.f("ix_lottery_draw_tenant_id"), "lottery_draw", ["tenant_id"], unique=False)
    op.create_table(
        "lottery_entry",
        sa.Column("lottery_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column("bot_id", sa.BigInteger(), nullable=False),
        sa.Column("conditions", sa.Text(), server_default="", nullable=False),
        sa.Column("paid", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bought", sa.Integer(), server_default="0", nullable=False),
        sa.Column("boosts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("weight", sa.Integer(), server_default="1", nullable=False),
        sa.Column("ref", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lottery_id"],
            ["lottery.tenant_id", "lottery.id"],
            name=op.f("fk_lottery_entry_tenant_id_lottery_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_lottery_entry_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lottery_id", "id", name=op.f("pk_lottery_entry")),
        sa.UniqueConstraint(
            "lottery_id", "telegram_id", name=op.f("uq_lottery_entry_lottery_id_telegram_id")
        ),
    )
    op.create_index(
        "ix_lottery_entry_member", "lottery_entry", ["tenant_id", "telegram_id", "id"], unique=False
    )
    op.create_index(
        "ix_lottery_entry_unreturned",
        "lottery_entry",
        ["lottery_id", "id"],
        unique=False,
        postgresql_where=sa.text("paid > 0 AND returned_at IS NULL"),
    )
    op.create_index(op.f("ix_lottery_entry_tenant_id"), "lottery_entry", ["tenant_id"], unique=False)
    op.create_table(
        "lottery_event",
        sa.Column("lottery_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lottery_id"],
            ["lottery.tenant_id", "lottery.id"],
            name=op.f("fk_lottery_event_tenant_id_lottery_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_lottery_event_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lottery_id", "number", name=op.f("pk_lottery_event")),
    )
    op.create_index(op.f("ix_lottery_event_tenant_id"), "lottery_event", ["tenant_id"], unique=False)
    op.create_table(
        "lottery_invite",
        sa.Column("lottery_id", sa.BigInteger(), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column("inviter", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("inviter <> telegram_id", name=op.f("ck_lottery_invite_not_oneself")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lottery_id"],
            ["lottery.tenant_id", "lottery.id"],
            name=op.f("fk_lottery_invite_tenant_id_lottery_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_lottery_invite_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lottery_id", "telegram_id", name=op.f("pk_lottery_invite")),
    )
    op.create_index("ix_lottery_invite_inviter", "lottery_invite", ["lottery_id", "inviter"], unique=False)
    op.create_index(op.f("ix_lottery_invite_tenant_id"), "lottery_invite", ["tenant_id"], unique=False)
    op.create_table(
        "lottery_post",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("lottery_id", sa.BigInteger(), nullable=False),
        sa.Column("chat", sa.Text(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("shown", sa.Text(), server_default="", nullable=False),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lottery_id"],
            ["lottery.tenant_id", "lottery.id"],
            name=op.f("fk_lottery_post_tenant_id_lottery_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_lottery_post_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lottery_post")),
        sa.UniqueConstraint("lottery_id", "chat", name=op.f("uq_lottery_post_lottery_id_chat")),
    )
    op.create_index(op.f("ix_lottery_post_tenant_id"), "lottery_post", ["tenant_id"], unique=False)
    op.create_index(
        "ix_lottery_post_look",
        "lottery_post",
        ["look_at"],
        unique=False,
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_index(
        "ix_lottery_post_chat",
        "lottery_post",
        ["tenant_id", "chat"],
        unique=False,
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_table(
        "lottery_prize",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("lottery_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_lottery_prize_quantity")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lottery_id"],
            ["lottery.tenant_id", "lottery.id"],
            name=op.f("fk_lottery_prize_tenant_id_lottery_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_lottery_prize_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lottery_prize")),
        sa.UniqueConstraint("lottery_id", "position", name=op.f("uq_lottery_prize_lottery_id_position")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_lottery_prize_tenant_id_id")),
    )
    op.create_index(op.f("ix_lottery_prize_tenant_id"), "lottery_prize", ["tenant_id"], unique=False)
    op.create_table(
        "lottery_tally",
        sa.Column("lottery_id", sa.BigInteger(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("entries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("most", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("most IS NULL OR entries <= most", name=op.f("ck_lottery_tally_most")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lottery_id"],
            ["lottery.tenant_id", "lottery.id"],
            name=op.f("fk_lottery_tally_tenant_id_lottery_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_lottery_tally_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lottery_id", "shard", name=op.f("pk_lottery_tally")),
    )
    op.create_index(op.f("ix_lottery_tally_tenant_id"), "lottery_tally", ["tenant_id"], unique=False)
    op.create_table(
        "lottery_candidate",
        sa.Column("lottery_id", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "checking",
                "passed",
                "failed",
                name="candidatestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="waiting",
            nullable=False,
        ),
        sa.Column("checks", sa.Text(), server_default="", nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lottery_id", "entry_id"],
            ["lottery_entry.lottery_id", "lottery_entry.id"],
            name=op.f("fk_lottery_candidate_lottery_id_entry_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lottery_id"],
            ["lottery.tenant_id", "lottery.id"],
            name=op.f("fk_lottery_candidate_tenant_id_lottery_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_lottery_candidate_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lottery_id", "rank", name=op.f("pk_lottery_candidate")),
        sa.UniqueConstraint("lottery_id", "entry_id", name=op.f("uq_lottery_candidate_lottery_id_entry_id")),
    )
    op.create_index(
        "ix_lottery_candidate_open",
        "lottery_candidate",
        ["lottery_id", "rank"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'checking')"),
    )
    op.create_index(op.f("ix_lottery_candidate_tenant_id"), "lottery_candidate", ["tenant_id"], unique=False)
    op.create_table(
        "lottery_winner",
        sa.Column("lottery_id", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), server_default="0", nullable=False),
        sa.Column("prize_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "won",
                "claimed",
                "handed_over",
                "expired",
                "replaced",
                name="winnerstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="won",
            nullable=False,
        ),
        sa.Column("won_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claim_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lottery_id", "entry_id"],
            ["lottery_entry.lottery_id", "lottery_entry.id"],
            name=op.f("fk_lottery_winner_lottery_id_entry_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lottery_id"],
            ["lottery.tenant_id", "lottery.id"],
            name=op.f("fk_lottery_winner_tenant_id_lottery_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "prize_id"],
            ["lottery_prize.tenant_id", "lottery_prize.id"],
            name=op.f("fk_lottery_winner_tenant_id_prize_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_lottery_winner_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lottery_id", "slot", "turn", name=op.f("pk_lottery_winner")),
        sa.UniqueConstraint("lottery_id", "entry_id", name=op.f("uq_lottery_winner_lottery_id_entry_id")),
    )
    op.create_index(
        "ix_lottery_winner_claim",
        "lottery_winner",
        ["claim_until"],
        unique=False,
        postgresql_where=sa.text("state = 'won'"),
    )
    op.create_index("ix_lottery_winner_member", "lottery_winner", ["tenant_id", "telegram_id"], unique=False)
    op.create_index(op.f("ix_lottery_winner_tenant_id"), "lottery_winner", ["tenant_id"], unique=False)
    op.create_index(
        "ix_lottery_winner_untold",
        "lottery_winner",
        ["lottery_id"],
        unique=False,
        postgresql_where=sa.text("told_at IS NULL"),
    )
    op.create_index(
        "uq_lottery_winner_current",
        "lottery_winner",
        ["lottery_id", "slot"],
        unique=True,
        postgresql_where=sa.text("state <> 'replaced'"),
    )
    for table in TABLES:
        for statement in isolation_sql(table):
            op.execute(statement)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
