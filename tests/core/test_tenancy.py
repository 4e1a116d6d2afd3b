"""Isolation: the session's filter and PostgreSQL's row-level security, each on its own."""

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from app.core.db import db
from app.core.errors import ForeignTenant
from app.core.queue import transaction
from app.core.tenancy import enter_scope, plans_kept, tenant_scope
from app.models import Member
from tests.cast import Cast
from tests.statements import Statements

COUNT = text("SELECT count(*) FROM member")


@pytest.fixture
def members(cast: Cast) -> Cast:
    """One member in each tenant; afterwards nobody's scope."""
    with transaction():
        db.session.add(Member(tenant_id=cast.tenant.id, telegram_id=1))
        db.session.add(Member(tenant_id=cast.other_tenant.id, telegram_id=1))
    enter_scope(None)
    return cast


def test_without_a_scope_there_are_no_rows(members: Cast):
    assert db.session.scalars(select(Member)).all() == []
    assert db.session.scalar(COUNT) == 0


def test_a_tenant_sees_only_his_rows_also_by_raw_sql(members: Cast):
    with tenant_scope(members.tenant.id):
        assert [m.tenant_id for m in db.session.scalars(select(Member))] == [members.tenant.id]
        assert db.session.scalar(COUNT) == 1


def test_another_tenants_row_is_not_found_by_its_key(members: Cast):
    with tenant_scope(members.other_tenant.id):
        foreign = db.session.scalars(select(Member)).one().id
    db.session.expunge_all()
    with tenant_scope(members.tenant.id):
        assert db.session.get(Member, foreign) is None


def test_writing_a_foreign_row_fails_in_the_session(members: Cast):
    with pytest.raises(ForeignTenant), tenant_scope(members.tenant.id), transaction():
        db.session.add(Member(tenant_id=members.other_tenant.id, telegram_id=9))


def test_writing_a_foreign_row_by_raw_sql_fails_in_postgresql(members: Cast):
    insert = text("INSERT INTO member (tenant_id, telegram_id) VALUES (:tenant, 9)")
    with pytest.raises(ProgrammingError, match="row-level security"), tenant_scope(members.tenant.id):
        db.session.execute(insert, {"tenant": members.other_tenant.id})
    db.session.rollback()


def test_the_scope_may_change_inside_one_transaction(members: Cast):
    with tenant_scope(members.tenant.id):
        assert db.session.scalar(COUNT) == 1
    assert db.session.scalar(COUNT) == 0


def test_a_scope_that_a_savepoint_took_back_is_told_anew(members: Cast):
    with tenant_scope(members.tenant.id):
        db.session.scalar(COUNT)
        savepoint = db.session.begin_nested()
    with tenant_scope(members.other_tenant.id):
        db.session.scalar(COUNT)
        savepoint.rollback()
        assert db.session.scalar(text("SELECT tenant_id FROM member")) == members.other_tenant.id
    db.session.rollback()


def test_a_pooled_connection_forgets_the_scope(members: Cast):
    with tenant_scope(members.tenant.id):
        assert db.session.scalar(COUNT) == 1
        db.session.commit()
    with db.engine.connect() as connection:
        assert connection.scalar(COUNT) == 0


def test_plans_are_kept_in_the_transactions_that_say_so_and_in_no_other(members: Cast):
    show = text("SHOW plan_cache_mode")
    with tenant_scope(members.tenant.id):
        with plans_kept(), transaction():
            assert db.session.scalar(show) == "force_generic_plan"
            assert db.session.scalar(COUNT) == 1
        with transaction():
            assert db.session.scalar(show) == "force_custom_plan"


def test_the_scope_is_told_with_the_beginning_of_a_transaction(app: Flask, members: Cast):
    with app.app_context(), tenant_scope(members.tenant.id), Statements() as said:
        for _ in range(2):
            with transaction():
                db.session.scalar(COUNT)
                db.session.scalar(COUNT)
    assert (said.transactions, said.count) == (2, 4)
