"""Long lists: read from the database once, row by row, in bounded memory, or worked on by one statement."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Result, TextClause, text

from app.core.db import db

# One statement lasts as long as the list is read, which may be longer than any statement of a page.
_PATIENCE = text("SET LOCAL statement_timeout = '10min'")


def patiently() -> None:
    """Lets the statements of this transaction take up to ten minutes each."""
    db.session.execute(_PATIENCE)


# What was just written is unknown to the planner: it takes a million rows for one, and joins them one by one.
_HASH = text("SET LOCAL enable_nestloop = off")
_ANY = text("SET LOCAL enable_nestloop = on")


def in_bulk(statement: TextClause, values: Mapping[str, object]) -> Result[Any]:
    """Runs a statement that joins many rows with many; its time grows with their number and not with its square."""
    patiently()
    db.session.execute(_HASH)
    result = db.session.execute(statement, values)
    db.session.execute(_ANY)
    return result


def rows(statement: str, **params: object) -> Iterator[list[bytes]]:
    """The columns of a SELECT's rows as PostgreSQL writes them, `%(name)s` standing for values.

    Only for numbers and texts without tabs, line ends and backslashes. Nothing else may use the session meanwhile.
    """
    patiently()
    connection = db.session.connection().connection.driver_connection
    if connection is None:
        raise RuntimeError("the transaction has no connection")
    with connection.cursor() as cursor, cursor.copy(f"COPY ({statement}) TO STDOUT", params) as copy:
        for row in copy:
            yield bytes(row)[:-1].split(b"\t")
