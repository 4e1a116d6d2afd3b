"""Every table that belongs to tenants is under forced row-level security, asked from PostgreSQL itself."""

import pytest
from flask import Flask
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    Integer,
    LargeBinary,
    Table,
    inspect,
    text,
)
from sqlalchemy.exc import ProgrammingError

from app.core.db import Base, db
from app.core.tenancy import TenantOwned, enter_scope, tenant_scope
from app.models import Bot, Member
from tests.cast import Cast

OWNED = sorted(
    (table for table in Base.metadata.sorted_tables if "tenant_id" in table.c), key=lambda table: table.name
)
STATE = text("""
SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced, count(p.polname) AS policies,
       coalesce(bool_and(p.polwithcheck IS NOT NULL AND p.polqual IS NOT NULL AND p.polcmd = '*'), false) AS whole
FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
WHERE c.relname = ANY(:names) AND c.relkind IN ('r', 'p') GROUP BY c.oid, c.relname
""")
COLUMNS = text("""
SELECT table_name FROM information_schema.columns WHERE column_name = 'tenant_id' AND table_schema = 'public'
""")


def test_every_table_with_a_tenant_forces_row_level_security(app: Flask):
    found = {row.relname: row for row in db.session.execute(STATE, {"names": [t.name for t in OWNED]})}
    assert set(found) == {table.name for table in OWNED}
    assert [name for name, row in found.items() if not (row.forced and row.policies == 1 and row.whole)] == []


def test_the_database_has_no_table_with_a_tenant_that_the_models_do_not_know(app: Flask):
    assert set(db.session.scalars(COLUMNS)) == {table.name for table in OWNED}


def test_every_model_with_a_tenant_is_filtered_by_the_session():
    filtered = {m.local_table for m in Base.registry.mappers if issubclass(m.class_, TenantOwned)}
    assert set(OWNED) == filtered


def test_the_serving_role_is_no_superuser_and_owns_nothing(app: Flask):
    role = db.session.execute(
        text("SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user")
    ).one()
    assert tuple(role) == (False, False, False)


def test_no_view_goes_around_the_policies(app: Flask):
    views = inspect(db.engine).get_view_names()
    assert views == []


@pytest.fixture
def rows(cast: Cast) -> Cast:
    """One row of tenant A in two tables."""
    db.session.add(Bot(tenant_id=cast.tenant.id, telegram_id=1, token="x", token_fingerprint="x"))
    db.session.add(Member(tenant_id=cast.tenant.id, telegram_id=1))
    db.session.commit()
    return cast


@pytest.mark.parametrize("table", OWNED, ids=lambda table: table.name)
def test_without_a_context_a_table_is_empty_and_takes_nothing(rows: Cast, table: Table):
    enter_scope(None)
    assert db.session.execute(text(f"SELECT count(*) FROM {table.name}")).scalar() == 0
    refuse(table, rows.tenant.id)


@pytest.mark.parametrize("table", OWNED, ids=lambda table: table.name)
def test_a_tenant_sees_nothing_of_another_and_writes_nothing_for_him(rows: Cast, table: Table):
    count = text(f"SELECT count(*) FROM {table.name} WHERE tenant_id = :other")
    with tenant_scope(rows.other_tenant.id):
        assert db.session.execute(count, {"other": rows.tenant.id}).scalar() == 0
        refuse(table, rows.tenant.id)


def refuse(table: Table, tenant_id: int) -> None:
    """Inserting a row for `tenant_id` is refused by a policy before any other constraint is looked at."""
    columns = [c for c in table.c if not c.nullable and c.server_default is None and c.identity is None]
    values = {c.name: sample(c, tenant_id) for c in columns}
    names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    with pytest.raises(ProgrammingError, match="row-level security"):
        db.session.execute(text(f"INSERT INTO {table.name} ({names}) VALUES ({marks})"), values)
    db.session.rollback()


def sample(column: Column[object], tenant_id: int) -> object:
    """Some value of the column's type."""
    if column.name == "tenant_id":
        return tenant_id
    if isinstance(column.type, Enum):
        return column.type.enums[0]
    kinds = {
        JSON: "{}",
        BigInteger: 1,
        Integer: 1,
        Boolean: False,
        LargeBinary: b"x",
        DateTime: "2030-01-01",
        Date: "2030-01-01",
    }
    return next((value for kind, value in kinds.items() if isinstance(column.type, kind)), "x")


def test_a_connection_of_the_pool_forgets_the_tenant(rows: Cast):
    with tenant_scope(rows.tenant.id):
        assert db.session.execute(text("SELECT count(*) FROM bot")).scalar() == 1
        db.session.commit()
    db.session.remove()
    for _ in range(3):
        with db.engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM bot")).scalar() == 0
            assert not connection.execute(text("SELECT current_setting('laoban.tenant', true)")).scalar()
