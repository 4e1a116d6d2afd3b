"""Reading a long list from the database once, row by row, in bounded memory."""

from collections.abc import Iterator

from sqlalchemy import text

from app.core.db import db

# One statement lasts as long as the list is read, which may be longer than any statement of a page.
_PATIENCE = text("SET LOCAL statement_timeout = '10min'")


def patiently() -> None:
    """Lets the statements of this transaction take up to ten minutes each."""
    db.session.execute(_PATIENCE)


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
