"""How values look in lists, on details pages and in exports."""

from datetime import datetime
from enum import Enum
from typing import Any

from flask import Flask
from flask_admin.model import typefmt
from flask_babel import format_datetime, format_decimal, gettext
from markupsafe import Markup


def localtime(moment: datetime | None, pattern: str = "yyyy-MM-dd HH:mm:ss") -> str:
    """A moment in the tenant's zone (Flask-Babel's zone selector knows it)."""
    return format_datetime(moment, pattern) if moment else ""


def _nothing(view: Any, value: None, name: str) -> Markup:
    del view, value, name
    return Markup('<span class="text-muted">—</span>')


def _yes_no(view: Any, value: bool, name: str) -> Markup:  # noqa: FBT001 - the library's signature
    del view, name
    tone, word = ("ok", gettext("Yes")) if value else ("idle", gettext("No"))
    return Markup('<span class="status status-{}">{}</span>').format(tone, word)


def _moment(view: Any, value: datetime, name: str) -> Markup:
    del view, name
    return Markup('<time datetime="{}" data-relative>{}</time>').format(value.isoformat(), localtime(value))


def _exact_moment(view: Any, value: datetime, name: str) -> Markup:
    del view, name
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), localtime(value))


def _enum(view: Any, value: Enum, name: str) -> str:
    del view, name
    return str(value.value)


def _plain_moment(view: Any, value: datetime, name: str) -> str:
    del view, name
    return localtime(value)


def _plain_nothing(view: Any, value: None, name: str) -> str:
    del view, value, name
    return ""


LIST = {**typefmt.BASE_FORMATTERS, type(None): _nothing, bool: _yes_no, datetime: _moment, Enum: _enum}
DETAIL = {**LIST, datetime: _exact_moment}
EXPORT = {**typefmt.EXPORT_FORMATTERS, type(None): _plain_nothing, datetime: _plain_moment, Enum: _enum}


def init_app(app: Flask) -> None:
    """Gives templates the filters `localtime` and `number`."""
    app.add_template_filter(localtime)
    app.add_template_filter(format_decimal, "number")
