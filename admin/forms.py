"""Forms of the admin: one base with CSRF and our translations that refuses unknown fields, and our own fields.

A form names every field that may be sent (nothing is made from a model), so nobody can slip in `tenant_id` or `role`.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from flask_admin.form import BaseForm
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy import Select, select
from wtforms import DateTimeLocalField, FieldList, FormField, SelectField, StringField
from wtforms.i18n import get_translations
from wtforms.validators import ValidationError

from admin.guard import tenant_id, viewer
from app.core.db import db
from app.core.errors import BadInput
from app.core.i18n import N_

ALWAYS_POSTED = frozenset({"csrf_token", "url", "_add_another", "_continue_editing"})
MAX_CHOICES = 500


class UnknownField(BadInput):
    """A form was sent with a field that it does not have."""

    code = "unknown_field"
    message = N_("This form has no field %(name)s.")


class _Texts:
    """Messages of validators: ours where our catalogue has them, else those of WTForms."""

    def gettext(self, text: str) -> str:
        ours = gettext(text)
        return ours if ours != text else str(self._theirs().gettext(text))

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        return str(self._theirs().ngettext(singular, plural, n))

    @staticmethod
    def _theirs() -> Any:
        return get_translations([str(get_locale()), "en"])


class AdminForm(BaseForm):
    """The base of every form. `also_posted` names what a page sends beside the fields."""

    also_posted: ClassVar[frozenset[str]] = frozenset()

    class Meta(FlaskForm.Meta):
        """Flask-WTF's token, so that the application-wide check and the form agree on one."""

        csrf = True

        def get_translations(self, form: Any) -> Any:
            """Texts in the viewer's language."""
            del form
            return _Texts()

    def __init__(self, formdata: Any = None, obj: Any = None, prefix: str = "", **kwargs: Any) -> None:
        super().__init__(formdata=formdata, obj=obj, prefix=prefix, **kwargs)
        if formdata:
            self._refuse_unknown(formdata)

    def _refuse_unknown(self, formdata: Iterable[str]) -> None:
        nested = tuple(f"{f.name}-" for f in self if isinstance(f, FieldList | FormField))
        known = {f.name for f in self} | ALWAYS_POSTED | self.also_posted
        known.update(*(getattr(f, "also_posted", ()) for f in self))
        for name in formdata:
            if name not in known and not (nested and name.startswith(nested)):
                raise UnknownField(name=name[:50])

    def hidden_tag(self) -> str:
        """The CSRF field, for templates that ask for it by this name."""
        return str(self.csrf_token)

    def add_error(self, text: str, field: str | None = None) -> None:
        """Shows an error of a service at its field, or above the form."""
        if field is not None and field in self:
            self[field].errors = [*self[field].errors, text]
        else:
            self.form_errors.append(text)

    def values(self) -> dict[str, Any]:
        """What was entered, without the token."""
        return {name: value for name, value in self.data.items() if name != "csrf_token"}


def viewer_zone() -> ZoneInfo:
    """The zone in which this viewer enters and reads times."""
    return ZoneInfo(viewer().timezone)


class LocalDateTimeField(DateTimeLocalField):
    """A moment: entered and shown in the tenant's zone, kept aware in UTC."""

    data: Any

    def __init__(self, label: Any = None, validators: Any = None, **kwargs: Any) -> None:
        kwargs.setdefault("format", ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
        super().__init__(label, validators, **kwargs)

    def process_data(self, value: datetime | None) -> None:
        """From the database."""
        self.data = value.astimezone(viewer_zone()) if value else None

    def process_formdata(self, valuelist: list[str]) -> None:
        """From the browser, which sends the wall clock's time without a zone."""
        super().process_formdata(valuelist)
        entered: datetime | None = self.data
        if entered is not None:
            self.data = entered.replace(tzinfo=viewer_zone()).astimezone(UTC)


class CleanStringField(StringField):
    """One line of text without blanks around it and without control or direction-changing characters."""

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        """From the browser."""
        super().process_formdata(valuelist)
        if self.data:
            self.data = clean_text(self.data)


def clean_text(text: str) -> str:
    """Strips blanks at the ends, control characters, and marks that turn the direction of text around."""
    hidden = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F}
    return "".join(c for c in text if (c.isprintable() or c in "\n\t") and ord(c) not in hidden).strip()


class RowSelectField(SelectField):
    """One row of the open tenant, chosen from a list; `data` is its id. For up to 500 rows.

    `model` is TenantOwned; `shown` makes the text of a row; `narrow` may add conditions to the query.
    """

    def __init__(
        self,
        label: Any = None,
        validators: Any = None,
        *,
        model: Any,
        shown: Callable[[Any], str] = str,
        narrow: Callable[[Select[Any]], Select[Any]] = lambda query: query,
        blank: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, validators, coerce=_row_id, choices=[], **kwargs)
        self.model, self.shown, self.narrow, self.blank = model, shown, narrow, blank

    def iter_choices(self) -> Iterator[Any]:
        """The tenant's rows."""
        self.choices = [("", self.blank)] if self.blank is not None else []
        self.choices += [(row.id, self.shown(row)) for row in self._rows()]
        choices: Iterator[Any] = super().iter_choices()
        return choices

    def _rows(self) -> Iterable[Any]:
        query = select(self.model).where(self.model.tenant_id == tenant_id()).limit(MAX_CHOICES)
        return db.session.scalars(self.narrow(query))

    def pre_validate(self, form: Any) -> None:
        """Only rows of the open tenant are taken."""
        del form
        if self.data is None and self.blank is not None:
            return
        query = select(self.model.id).where(self.model.tenant_id == tenant_id(), self.model.id == self.data)
        if self.data is None or db.session.scalar(self.narrow(query)) is None:
            raise ValidationError(gettext("This is not one of the choices."))


def _row_id(value: Any) -> int | None:
    if value in (None, "", "None"):
        return None
    text = str(value)
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise ValueError(text)
    return int(text)


YES_NO = [("1", _l("Yes")), ("0", _l("No"))]
