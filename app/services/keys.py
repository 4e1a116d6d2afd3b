"""Puts every stored secret under the first encryption key, so that the others can be thrown away.

Works in small steps, each its own transaction: what is under the first key already is left alone, so a run that was
interrupted is simply started again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Column, Table, Text, select, tuple_, type_coerce, update

from app.core import crypto
from app.core.crypto import Box, EncryptedText, WrongKey
from app.core.db import Base, db
from app.models import User

BATCH = 200
Key = tuple[object, ...]


@dataclass(frozen=True)
class Place:
    """A column that holds secrets."""

    table: Table
    column: Column[str]

    def __str__(self) -> str:
        return f"{self.table.name}.{self.column.name}"


@dataclass(frozen=True)
class Step:
    """What one step did. `after` is where the next begins; None = the column is finished."""

    seen: int
    changed: int
    after: Key | None


def places() -> Iterator[Place]:
    """Every encrypted column."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, EncryptedText):
                yield Place(table, column)


def rotate_some(place: Place, first_key: str, after: Key | None) -> Step:
    """The next rows of a column; needs the system scope. Raises WrongKey where no key opens a secret."""
    keys = list(place.table.primary_key.columns)
    stored = type_coerce(place.column, Text)
    query = select(*keys, stored).where(place.column.is_not(None)).order_by(*keys).limit(BATCH)
    if after is not None:
        query = query.where(tuple_(*keys) > tuple_(*after))
    rows = [tuple(row) for row in db.session.execute(query)]
    changed = sum(_rotate_row(place, keys, row[:-1], row[-1], first_key) for row in rows)
    return Step(len(rows), changed, rows[-1][:-1] if len(rows) == BATCH else None)


def _rotate_row(place: Place, keys: list[Column[object]], row: Key, old: str, first_key: str) -> int:
    if _under(first_key, old):
        return 0
    mine = [column == value for column, value in zip(keys, row, strict=True)]
    stored = type_coerce(place.column, Text)
    new = crypto.box().rotate(old)
    # Conditional on the old value: whoever changed the secret meanwhile wrote it under the first key.
    done = db.session.execute(
        update(place.table)
        .where(*mine, stored == old)
        .values({place.column.name: type_coerce(new, Text)})
        .returning(*keys)
    )
    return len(done.all())


def _under(key: str, encrypted: str) -> bool:
    try:
        Box([key]).decrypt(encrypted)
    except WrongKey:
        return False
    return True


def rotate_people(first_key: str, rotate_totp: Callable[[str], str | None], after: int) -> Step:
    """The second factors of the next people: Flask-Security keeps them in forms of its own."""
    rows = db.session.scalars(select(User).where(User.id > after).order_by(User.id).limit(BATCH)).all()
    changed = 0
    for user in rows:
        secret = rotate_totp(user.tf_totp_secret) if user.tf_totp_secret else None
        codes = user.mf_recovery_codes or []
        old = [code for code in codes if not _under(first_key, code)]
        if secret:
            user.tf_totp_secret = secret
        if old:
            user.mf_recovery_codes = [crypto.box().rotate(code) for code in codes]
        changed += bool(secret or old)
    return Step(len(rows), changed, (rows[-1].id,) if len(rows) == BATCH else None)
