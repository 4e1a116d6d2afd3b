"""Whose rows may be seen right now: nobody's (the default), one tenant's, or everybody's (system work, on purpose).

The scope reaches PostgreSQL as the transaction-local setting `laoban.tenant`, which the row-level security
policies read, and the ORM as a filter on every statement about a TenantOwned model. Forgetting either leaks nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal, cast

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import BigInteger, Connection, ForeignKey, event, text
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    UOWTransaction,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.orm.session import SessionTransaction

from app.core.errors import ForeignTenant

SYSTEM: Final = "*"
Scope = int | Literal["*"] | None
SET_SCOPE = text("SELECT set_config('laoban.tenant', :scope, true)")
# One round trip for both. A scope is a number, a star or nothing, so it needs no quoting.
_BEGIN: Final = "BEGIN; SELECT set_config('laoban.tenant', '{scope}', true){more}"
# Without sequential scans, since a plan that is kept may have been made when a table was empty.
_PLANS: Final = (
    ", set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true)"
)
_NOBODY = -1
_UNTOLD: Final = object()

_scope: ContextVar[Scope] = ContextVar("scope", default=None)
_plans_kept: ContextVar[bool] = ContextVar("plans_kept", default=False)


class TenantOwned:
    """Mixin of every table whose rows belong to one tenant; such tables also get `isolate()` in their migration."""

    tenant_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False, index=True
    )


def current_scope() -> Scope:
    """The tenant's id, SYSTEM, or None."""
    return _scope.get()


@contextmanager
def tenant_scope(tenant_id: int) -> Iterator[None]:
    """Inside, only this tenant's rows exist."""
    token = _scope.set(tenant_id)
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def system_scope() -> Iterator[None]:
    """Inside, all tenants' rows are seen: for sweeps, log-in and the operator."""
    token = _scope.set(SYSTEM)
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def plans_kept() -> Iterator[None]:
    """Transactions that begin inside plan each statement once per connection and not each time.

    Only for statements that find all their rows by keys, and that many people cause at the same moment.
    """
    token = _plans_kept.set(True)
    try:
        yield
    finally:
        _plans_kept.reset(token)


def enter_scope(scope: Scope) -> None:
    """Sets the scope for the rest of this context (a web request); prefer the context managers elsewhere."""
    _scope.set(scope)


def _apply(session: Session) -> None:
    """Tells PostgreSQL the scope when it is another than the one that this transaction last heard."""
    if session.info.get("scope") != current_scope():
        # Where this begins the transaction, it has been told by then.
        connection = session.connection()
        if session.info.get("scope") != current_scope():
            _tell(session, connection)


def connection_of(session: Session) -> Connection:
    """The session's connection, on which PostgreSQL knows the scope: for statements that go past the session."""
    _apply(session)
    return session.connection()


def _tell(session: Session, connection: Connection) -> None:
    session.info["scope"] = scope = current_scope()
    connection.execute(SET_SCOPE, {"scope": _spelt(scope)})


def _spelt(scope: Scope) -> str:
    return "" if scope is None else str(scope)


def _after_begin(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    scope, plans = current_scope(), _PLANS if _plans_kept.get() else ""
    begin = _BEGIN.format(scope=_spelt(scope), more=plans).encode()
    if driver.pgconn.transaction_status == TransactionStatus.INTRANS:
        # A savepoint, which has its transaction's scope unless it is another one by now.
        if session.info.get("scope") != scope:
            _tell(session, connection)
    elif driver.pgconn.exec_(begin).status == ExecStatus.TUPLES_OK:
        session.info["scope"] = scope
    else:
        # It is broken, and the ordinary way raises what SQLAlchemy expects.
        _tell(session, connection)


def _after_rollback(session: Session, _previous: SessionTransaction) -> None:
    """PostgreSQL takes the scope back with whatever else a savepoint did, so it is told anew."""
    session.info["scope"] = _UNTOLD


def _on_execute(state: ORMExecuteState) -> None:
    _apply(state.session)
    scope = current_scope()
    if scope == SYSTEM or state.is_column_load or state.is_relationship_load:
        return
    tenant_id = scope if isinstance(scope, int) else _NOBODY
    if state.is_select or state.is_update or state.is_delete:
        state.statement = state.statement.options(
            with_loader_criteria(TenantOwned, lambda cls: cls.tenant_id == tenant_id, include_aliases=True)
        )


def _before_flush(session: Session, _context: UOWTransaction, _instances: Any) -> None:
    _apply(session)
    scope = current_scope()
    if scope == SYSTEM:
        return
    for row in [*session.new, *session.dirty, *session.deleted]:
        if not isinstance(row, TenantOwned):
            continue
        # A new row may not have its tenant yet, whatever the column's type says.
        tenant_id: int | None = row.tenant_id
        if row in session.new and tenant_id is None and isinstance(scope, int):
            row.tenant_id = scope
        elif tenant_id != scope:
            raise ForeignTenant


def install(session_class: Any) -> None:
    """Binds the scope to a session factory or class."""
    event.listen(session_class, "after_begin", _after_begin)
    event.listen(session_class, "after_soft_rollback", _after_rollback)
    event.listen(session_class, "do_orm_execute", _on_execute)
    event.listen(session_class, "before_flush", _before_flush)


POLICY = """
current_setting('laoban.tenant', true) = '*'
OR {column} = nullif(nullif(current_setting('laoban.tenant', true), ''), '*')::bigint
"""


def isolation_sql(table: str, column: str = "tenant_id") -> list[str]:
    """The statements that put a table under forced row-level security; used by migrations."""
    rule = POLICY.format(column=column).strip()
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant_isolation ON {table} USING ({rule}) WITH CHECK ({rule})",
    ]
