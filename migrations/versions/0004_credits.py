"""Credits for partners: holds, projects and their keys, changes sent out, comparisons."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.tenancy import isolation_sql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    "credit_nonce",
    "credit_client",
    "credit_drift",
    "credit_partner",
    "credit_settings",
    "credit_drift_line",
    "credit_hold",
    "credit_key",
    "credit_letter",
)
# The owner keeps his rights, so that tables can be changed; where he also serves, the triggers hold alone.
ONLY_ADDED = """
DO $$
DECLARE serving text;
BEGIN
    FOR serving IN
        SELECT DISTINCT grantee FROM information_schema.role_table_grants
        WHERE table_schema = current_schema() AND table_name = 'credit_posting' AND privilege_type = 'UPDATE'
          AND grantee NOT IN (SELECT tableowner FROM pg_tables WHERE tablename = 'credit_posting')
    LOOP
        EXECUTE format('REVOKE UPDATE, TRUNCATE ON credit_posting FROM %I', serving);
    END LOOP;
END $$;
CREATE TRIGGER credit_posting_not_emptied BEFORE TRUNCATE ON credit_posting
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.create_table('credit_horizon',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('settled_id', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('mark_id', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('mark_xid', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('marked_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_horizon'))
    )
    op.create_table('credit_nonce',
    sa.Column('key_row_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('nonce', sa.Text(), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), nullable=False),
    sa.Column('binding', sa.Text(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key_row_id', 'nonce', name=op.f('pk_credit_nonce'))
    )
    op.create_index('ix_credit_nonce_expires', 'credit_nonce', ['expires_at'], unique=False)
    op.create_table('credit_client',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('rate', sa.Integer(), server_default='10', nullable=False),
    sa.Column('burst', sa.Integer(), server_default='20', nullable=False),
    sa.Column('disabled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('rate > 0 AND burst > 0', name=op.f('ck_credit_client_rate')),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], name=op.f('fk_credit_client_tenant_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_client')),
    sa.UniqueConstraint('tenant_id', 'id', name=op.f('uq_credit_client_tenant_id_id')),
    sa.UniqueConstraint('tenant_id', 'source', name=op.f('uq_credit_client_tenant_id_source'))
    )
    op.create_index(op.f('ix_credit_client_tenant_id'), 'credit_client', ['tenant_id'], unique=False)
    op.create_table('credit_drift',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('partner_id', sa.BigInteger(), nullable=True),
    sa.Column('by', sa.Text(), nullable=False),
    sa.Column('compared', sa.Integer(), server_default='0', nullable=False),
    sa.Column('differing', sa.Integer(), server_default='0', nullable=False),
    sa.Column('unknown_here', sa.Integer(), server_default='0', nullable=False),
    sa.Column('unknown_there', sa.Integer(), server_default='0', nullable=False),
    sa.Column('explained', sa.Integer(), server_default='0', nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], name=op.f('fk_credit_drift_tenant_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_drift')),
    sa.UniqueConstraint('tenant_id', 'id', name=op.f('uq_credit_drift_tenant_id_id'))
    )
    op.create_index(op.f('ix_credit_drift_tenant_id'), 'credit_drift', ['tenant_id'], unique=False)
    op.create_table('credit_partner',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('key_id', sa.Text(), nullable=False),
    sa.Column('secret', sa.Text(), nullable=False),
    sa.Column('former_secret', sa.Text(), nullable=True),
    sa.Column('former_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sources', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.Column('except_source', sa.Text(), nullable=True),
    sa.Column('state', sa.Enum('active', 'paused', 'gone', name='partnerstate', native_enum=False, create_constraint=True, length=32), server_default='active', nullable=False),
    sa.Column('cursor', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('failures', sa.Integer(), server_default='0', nullable=False),
    sa.Column('failing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('next_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('slow', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('lease_token', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('batch_size', sa.Integer(), server_default='500', nullable=False),
    sa.Column('batch_id', sa.Text(), nullable=True),
    sa.Column('batch_ids', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.Column('batch_replays', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('letters_in_row', sa.Integer(), server_default='0', nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sent_count', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('batch_size BETWEEN 1 AND 1000', name=op.f('ck_credit_partner_batch_size')),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], name=op.f('fk_credit_partner_tenant_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_partner')),
    sa.UniqueConstraint('key_id', name=op.f('uq_credit_partner_key_id')),
    sa.UniqueConstraint('tenant_id', 'id', name=op.f('uq_credit_partner_tenant_id_id'))
    )
    op.create_index('ix_credit_partner_due', 'credit_partner', ['next_at'], unique=False, postgresql_where=sa.text("state = 'active'"))
    op.create_index(op.f('ix_credit_partner_tenant_id'), 'credit_partner', ['tenant_id'], unique=False)
    op.create_table('credit_settings',
    sa.Column('tenant_id', sa.BigInteger(), nullable=False),
    sa.Column('auto_create', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('overdraft', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('transfers', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('transfer_daily', sa.BigInteger(), nullable=True),
    sa.CheckConstraint('overdraft BETWEEN 0 AND 1000000000000', name=op.f('ck_credit_settings_overdraft')),
    sa.CheckConstraint('transfer_daily > 0', name=op.f('ck_credit_settings_transfer_daily')),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], name=op.f('fk_credit_settings_tenant_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('tenant_id', name=op.f('pk_credit_settings'))
    )
    op.create_table('credit_drift_line',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('drift_id', sa.BigInteger(), nullable=False),
    sa.Column('telegram_id', sa.BigInteger(), nullable=False),
    sa.Column('ours', sa.BigInteger(), nullable=True),
    sa.Column('theirs', sa.BigInteger(), nullable=True),
    sa.Column('undelivered', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id', 'drift_id'], ['credit_drift.tenant_id', 'credit_drift.id'], name=op.f('fk_credit_drift_line_tenant_id_drift_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], name=op.f('fk_credit_drift_line_tenant_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_drift_line'))
    )
    op.create_index('ix_credit_drift_line_drift', 'credit_drift_line', ['drift_id'], unique=False)
    op.create_index(op.f('ix_credit_drift_line_tenant_id'), 'credit_drift_line', ['tenant_id'], unique=False)
    op.create_table('credit_hold',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('account_id', sa.BigInteger(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('state', sa.Enum('active', 'captured', 'voided', 'expired', name='holdstate', native_enum=False, create_constraint=True, length=32), server_default='active', nullable=False),
    sa.Column('captured', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('posting_id', sa.BigInteger(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('amount BETWEEN 1 AND 1000000000000', name=op.f('ck_credit_hold_amount')),
    sa.CheckConstraint('captured BETWEEN 0 AND amount', name=op.f('ck_credit_hold_captured')),
    sa.ForeignKeyConstraint(['tenant_id', 'account_id'], ['credit_account.tenant_id', 'credit_account.id'], name=op.f('fk_credit_hold_tenant_id_account_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], name=op.f('fk_credit_hold_tenant_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_hold')),
    sa.UniqueConstraint('tenant_id', 'source', 'reference', name=op.f('uq_credit_hold_tenant_id_source_reference'))
    )
    op.create_index('ix_credit_hold_account', 'credit_hold', ['account_id', 'id'], unique=False)
    op.create_index('ix_credit_hold_due', 'credit_hold', ['expires_at'], unique=False, postgresql_where=sa.text("state = 'active'"))
    op.create_index(op.f('ix_credit_hold_tenant_id'), 'credit_hold', ['tenant_id'], unique=False)
    op.create_table('credit_key',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('client_id', sa.BigInteger(), nullable=False),
    sa.Column('key_id', sa.Text(), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('shown', sa.Text(), nullable=False),
    sa.Column('secret', sa.Text(), nullable=False),
    sa.Column('scopes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text('\'["read", "post"]\'::jsonb'), nullable=False),
    sa.Column('allow_v1', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('networks', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_ip', sa.Text(), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('user_id', sa.BigInteger(), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id', 'client_id'], ['credit_client.tenant_id', 'credit_client.id'], name=op.f('fk_credit_key_tenant_id_client_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], name=op.f('fk_credit_key_tenant_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_credit_key_user_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_key')),
    sa.UniqueConstraint('key_id', name=op.f('uq_credit_key_key_id'))
    )
    op.create_index('ix_credit_key_client', 'credit_key', ['client_id'], unique=False)
    op.create_index(op.f('ix_credit_key_tenant_id'), 'credit_key', ['tenant_id'], unique=False)
    op.create_table('credit_letter',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('partner_id', sa.BigInteger(), nullable=False),
    sa.Column('posting_id', sa.BigInteger(), nullable=False),
    sa.Column('account_id', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Enum('dead', 'behind', 'replaying', 'done', 'dismissed', name='letterstate', native_enum=False, create_constraint=True, length=32), server_default='dead', nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='1', nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id', 'partner_id'], ['credit_partner.tenant_id', 'credit_partner.id'], name=op.f('fk_credit_letter_tenant_id_partner_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id', 'account_id'], ['credit_account.tenant_id', 'credit_account.id'], name=op.f('fk_credit_letter_tenant_id_account_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], name=op.f('fk_credit_letter_tenant_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_letter')),
    sa.UniqueConstraint('partner_id', 'posting_id', name=op.f('uq_credit_letter_partner_id_posting_id'))
    )
    op.create_index('ix_credit_letter_account', 'credit_letter', ['account_id'], unique=False)
    op.create_index('ix_credit_letter_open', 'credit_letter', ['partner_id', 'account_id'], unique=False, postgresql_where=sa.text("state IN ('dead', 'behind', 'replaying')"))
    op.create_index(op.f('ix_credit_letter_tenant_id'), 'credit_letter', ['tenant_id'], unique=False)
    op.add_column('credit_account', sa.Column('held', sa.BigInteger(), server_default='0', nullable=False))
    op.add_column('credit_account', sa.Column('floor', sa.BigInteger(), server_default='0', nullable=False))
    op.drop_index(op.f('ix_credit_posting_tenant_id'), table_name='credit_posting')
    op.drop_constraint(op.f("fk_credit_posting_tenant_id"), "credit_posting", type_="foreignkey")
    op.create_index('ix_credit_posting_day', 'credit_posting', ['tenant_id', 'created_at'], unique=False)
    op.create_index('ix_credit_posting_feed', 'credit_posting', ['tenant_id', 'id'], unique=False)
    op.drop_constraint(op.f("ck_credit_account_balance"), "credit_account", type_="check")
    op.create_check_constraint(op.f("ck_credit_account_floor"), "credit_account", "balance - held >= floor")
    op.create_check_constraint(op.f("ck_credit_account_held"), "credit_account", "held >= 0")
    op.execute("ALTER TABLE credit_account SET (fillfactor = 80)")
    op.execute("INSERT INTO credit_horizon (id) VALUES (1)")
    op.execute(ONLY_ADDED)
    for table in TABLES:
        for statement in isolation_sql(table):
            op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TRIGGER credit_posting_not_emptied ON credit_posting")
    op.execute("ALTER TABLE credit_account RESET (fillfactor)")
    op.create_foreign_key(
        op.f("fk_credit_posting_tenant_id"), "credit_posting", "tenant", ["tenant_id"], ["id"], ondelete="CASCADE"
    )
    op.drop_index("ix_credit_posting_feed", table_name="credit_posting")
    op.drop_index("ix_credit_posting_day", table_name="credit_posting")
    op.create_index(op.f("ix_credit_posting_tenant_id"), "credit_posting", ["tenant_id"], unique=False)
    op.drop_constraint(op.f("ck_credit_account_floor"), "credit_account", type_="check")
    op.drop_constraint(op.f("ck_credit_account_held"), "credit_account", type_="check")
    op.drop_column("credit_account", "floor")
    op.drop_column("credit_account", "held")
    op.create_check_constraint(op.f("ck_credit_account_balance"), "credit_account", "balance >= 0")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_table("credit_horizon")
