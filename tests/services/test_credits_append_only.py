"""PostgreSQL itself refuses to change postings and to let an account fall below its floor, whatever the program asks."""

import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from app.core.db import db
from app.core.settings import get_settings
from app.services import credits as ledger
from tests.cast import Cast

GRANTS = text("""
SELECT string_agg(privilege, ' ' ORDER BY privilege) FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'])
    AS privilege WHERE has_table_privilege('credit_posting', privilege)
""")
ERASE = text("SELECT set_config('laoban.erasing', 'yes', true)")


@pytest.fixture(autouse=True)
def a_posting(cast: Cast) -> None:
    ledger.post(cast.tenant.id, 1, 5, source="shop", reference="a", reason="gift")
    db.session.commit()


def refused(statement: str) -> str:
    with pytest.raises(ProgrammingError) as error:
        db.session.execute(text(statement))
    db.session.rollback()
    return str(error.value.orig)


def test_the_serving_role_may_add_and_erase(app: Flask):
    assert db.session.scalar(GRANTS) == "DELETE INSERT SELECT"


@pytest.mark.parametrize("statement", ["UPDATE credit_posting SET amount = 6", "TRUNCATE credit_posting"])
def test_the_serving_role_has_no_right_to_change_or_empty(statement: str):
    assert "permission denied" in refused(statement)


def test_deleting_is_for_erasing_alone():
    assert "append-only" in refused("DELETE FROM credit_posting")
    assert "append-only" in refused("DELETE FROM credit_account")
    db.session.execute(ERASE)
    assert db.session.execute(text("DELETE FROM credit_posting")).rowcount == 1


@pytest.mark.parametrize("statement", ["UPDATE credit_posting SET amount = 6", "TRUNCATE credit_posting"])
def test_even_the_owner_of_the_tables_is_stopped(statement: str):
    owner = create_engine(get_settings().migration_url)
    with owner.connect() as connection:
        connection.execute(text("SELECT set_config('laoban.tenant', '*', true)"))
        with pytest.raises(DBAPIError, match="append-only"):
            connection.execute(text(statement))
    owner.dispose()


@pytest.mark.parametrize(
    "change",
    [
        "balance = -1",
        "held = 6",
        "held = -1",
        "floor = 6",
        "floor = -3, balance = -4",
        "balance = -1, held = 0",
    ],
)
def test_no_account_falls_below_its_floor(change: str):
    with pytest.raises(IntegrityError, match="ck_credit_account"):
        db.session.execute(text(f"UPDATE credit_account SET {change}"))


def test_a_reference_is_used_once_whatever_the_program_asks(cast: Cast):
    with pytest.raises(IntegrityError, match="uq_credit_posting"):
        db.session.execute(
            text("""INSERT INTO credit_posting (tenant_id, account_id, amount, balance, source, reference, reason)
                    SELECT tenant_id, account_id, 1, 6, source, reference, 'x' FROM credit_posting""")
        )
