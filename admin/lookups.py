"""Searching rows of the open tenant while one types: the server's side of a `SearchSelectField`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify, request
from markupsafe import Markup
from sqlalchemy import String, cast, or_, select
from wtforms import StringField
from wtforms.validators import ValidationError

from admin.filters import escape_like
from admin.guard import tenant_id
from app.core.db import db
from app.core.errors import BadInput, NotFound

PAGE = 20
MAX_QUERY = 100


@dataclass(frozen=True)
class Lookup:
    """What may be searched: a TenantOwned model, its searched columns, and how a row is shown."""

    model: Any
    columns: tuple[str, ...]
    shown: Callable[[Any], str] = str

    def find(self, words: str) -> list[Any]:
        """Up to 20 rows of the tenant that hold the words."""
        query = select(self.model).where(self.model.tenant_id == tenant_id())
        if words:
            pattern = f"%{escape_like(words)}%"
            query = query.where(
                or_(*(cast(getattr(self.model, name), String).ilike(pattern) for name in self.columns))
            )
        return list(db.session.scalars(query.order_by(self.model.id.desc()).limit(PAGE)))

    def get(self, key: int) -> Any:
        """One row of the tenant, or None."""
        return db.session.scalar(
            select(self.model).where(self.model.tenant_id == tenant_id(), self.model.id == key)
        )


def answer_lookup(lookups: Mapping[str, Lookup]) -> Response:
    """`[[id, text], ...]` for `?name=...&query=...`."""
    lookup = lookups.get(request.args.get("name", ""))
    if lookup is None:
        raise NotFound
    words = request.args.get("query", "")
    if "\0" in words or len(words) > MAX_QUERY:
        raise BadInput
    return jsonify([[row.id, lookup.shown(row)] for row in lookup.find(words)])


class SearchSelectWidget:
    """A text box with a list below it; `static/js/combo.js` does the rest."""

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        """The box, its hidden value and the empty list."""
        kwargs.setdefault("class", "form-control")
        others = Markup(" ").join(
            Markup('{}="{}"').format(name, value) for name, value in kwargs.items() if name != "id"
        )
        optional = "" if field.flags.required else Markup(" data-optional")
        return Markup(
            '<div class="combo" data-combo="{url}"{optional}><input type="hidden" name="{name}" value="{value}">'
            '<input type="text" id="{id}" role="combobox" autocomplete="off" aria-expanded="false" aria-controls="{id}-list"'
            ' value="{text}" {others}><ul class="combo-list" id="{id}-list" role="listbox" hidden></ul></div>'
        ).format(
            url=field.url(),
            optional=optional,
            name=field.name,
            value=field.data or "",
            id=field.id,
            text=field.text(),
            others=others,
        )


class SearchSelectField(StringField):
    """One row of the tenant, found by typing; `data` is its id. The view lists the same lookup under `lookups`."""

    widget = SearchSelectWidget()

    def __init__(
        self,
        label: Any = None,
        validators: Any = None,
        *,
        lookup: Lookup,
        url: Callable[[], str],
        **kwargs: Any,
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.lookup, self.url = lookup, url

    def text(self) -> str:
        """How the chosen row is shown."""
        row = self.lookup.get(self.data) if isinstance(self.data, int) else None
        return self.lookup.shown(row) if row is not None else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        """From the browser: an id or nothing."""
        raw = valuelist[0] if valuelist else ""
        sane = raw.isascii() and raw.isdigit() and len(raw) <= 18
        self.data: Any = int(raw) if sane else None

    def pre_validate(self, form: Any) -> None:
        """Only rows of the open tenant are taken."""
        del form
        if self.data is not None and self.lookup.get(self.data) is None:
            raise ValidationError(self.gettext("Not a valid choice"))
