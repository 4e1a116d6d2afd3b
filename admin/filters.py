"""Filters of lists: a few per kind of column, in plain words, with values that the database can't choke on."""

from datetime import datetime, timedelta
from typing import Any

from flask_admin.contrib.sqla.filters import BaseSQLAFilter
from flask_babel import lazy_gettext as _l
from sqlalchemy import Boolean, DateTime, Enum, Integer

from admin.forms import YES_NO, viewer_zone

MAX_TEXT = 100
MAX_INT = 2**63 - 1


def escape_like(text: str) -> str:
    """Takes the special meaning from the per cent sign, underscore and backslash in a LIKE pattern."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


class ColumnFilter(BaseSQLAFilter):
    """A filter on one column of the view's own table."""

    words: Any = ""

    def operation(self) -> Any:
        """The words between the column's name and the value."""
        return self.words

    def validate(self, value: str) -> bool:
        """Whether `clean` takes the value."""
        try:
            self.clean(value)
        except (ValueError, KeyError, OverflowError):
            return False
        return True

    def clean(self, value: str) -> Any:
        """The value as the database wants it; ValueError when it is none."""
        if "\0" in value or len(value) > MAX_TEXT:
            raise ValueError(value)
        return value


class Contains(ColumnFilter):
    """Part of a text."""

    words = _l("contains")

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        """Narrows the query."""
        return query.filter(self.get_column(alias).ilike(f"%{escape_like(value)}%"))


class Equals(ColumnFilter):
    """The whole text."""

    words = _l("is")

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        """Narrows the query."""
        return query.filter(self.get_column(alias) == value)


class IsOneOf(Equals):
    """One of a few values, by their labels."""

    def clean(self, value: str) -> Any:
        """The member of the enum, or yes or no."""
        kind = self.column.type
        return value == "1" if isinstance(kind, Boolean) else kind.enum_class(value)


class Number(ColumnFilter):
    """Compares whole numbers."""

    def clean(self, value: str) -> int:
        """A number that fits bigint."""
        number = int(value)
        if abs(number) > MAX_INT or len(value) > 20:
            raise ValueError(value)
        return number


class NumberIs(Number, Equals):
    """Exactly the number."""


class AtLeast(Number):
    """The number or more."""

    words = _l("at least")

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        """Narrows the query."""
        return query.filter(self.get_column(alias) >= value)


class AtMost(Number):
    """The number or less."""

    words = _l("at most")

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        """Narrows the query."""
        return query.filter(self.get_column(alias) <= value)


class Day(ColumnFilter):
    """Compares moments by days of the tenant's calendar."""

    def clean(self, value: str) -> datetime:
        """Midnight of that day in the tenant's zone."""
        return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=viewer_zone())


class FromDay(Day):
    """On that day or later."""

    words = _l("from")

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        """Narrows the query."""
        return query.filter(self.get_column(alias) >= value)


class UntilDay(Day):
    """On that day or earlier."""

    words = _l("until")

    def clean(self, value: str) -> datetime:
        """The midnight after that day. OverflowError for the last day of all."""
        return super().clean(value) + timedelta(days=1)

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        """Narrows the query."""
        return query.filter(self.get_column(alias) < value)


def filters_for(column: Any, name: Any, choices: Any = None) -> list[ColumnFilter]:
    """The filters that fit a column's type. `choices` are (value, label) pairs of an enum."""
    kind = column.type
    if isinstance(kind, Boolean):
        return [IsOneOf(column, name, options=YES_NO)]
    if isinstance(kind, Enum) and kind.enum_class is not None:
        pairs = choices or [(member, member.value) for member in kind.enum_class]
        return [IsOneOf(column, name, options=[(member.value, label) for member, label in pairs])]
    if isinstance(kind, DateTime):
        return [FromDay(column, name, data_type="date"), UntilDay(column, name, data_type="date")]
    if isinstance(kind, Integer):
        return [cls(column, name, data_type="number") for cls in (NumberIs, AtLeast, AtMost)]
    return [Contains(column, name), Equals(column, name)]
