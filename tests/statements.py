"""Counts what is sent to PostgreSQL."""

from types import TracebackType
from typing import Self

from sqlalchemy import event

from app.core.db import db


class Statements:
    """Inside `with`, `count` and `texts` of the statements of this process, savepoints among them; `transactions` begun."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.transactions = 0

    @property
    def count(self) -> int:
        return len(self.texts)

    def _note(self, _connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        self.texts.append(statement)

    def _begun(self, _connection: object) -> None:
        self.transactions += 1

    def __enter__(self) -> Self:
        event.listen(db.engine, "before_cursor_execute", self._note)
        event.listen(db.engine, "begin", self._begun)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        event.remove(db.engine, "before_cursor_execute", self._note)
        event.remove(db.engine, "begin", self._begun)
