"""The form of a product: its questions, and what it holds as the JSON that `product_spec` reads."""

import re
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    FieldList,
    FormField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from admin.forms import AdminForm, CleanStringField, RowSelectField
from admin.lottery_fields import RowOfForm
from admin.pictures import PictureField
from app.domain.affiliates import CommissionKind
from app.domain.credits import MAX_AMOUNT
from app.domain.form_fields import FieldKind
from app.domain.forms import MAX_ANSWER, MAX_CHOICE, MAX_CHOICES, MAX_HINT, MAX_LABEL, MAX_NUMBER
from app.domain.money import EXPONENTS, STARS
from app.domain.payments import Provider
from app.domain.product_problems import BadProduct, told
from app.domain.product_spec import (
    MAX_EXPIRY,
    MAX_INSTRUCTIONS,
    MAX_POSITION,
    MAX_STARS,
    MAX_STOCK,
    OWN,
)
from app.domain.products import MAX_DESCRIPTION, MAX_FIELDS, MAX_NAME, ProductKind
from app.models import Bot

_PATH = re.compile(r"([a-z_]+)(?:\[(\d+)\])?(?:\.([a-z_]+))?")
_MAX_ITEMS = 200_000
QUESTION_KINDS = [
    SelectChoice(FieldKind.TEXT.value, _l("Text")),
    SelectChoice(FieldKind.NUMBER.value, _l("A number")),
    SelectChoice(FieldKind.CHOICE.value, _l("One of several")),
    SelectChoice(FieldKind.DATE.value, _l("Date")),
    SelectChoice(FieldKind.EMAIL.value, _l("E-mail")),
]
COMMISSIONS = [
    SelectChoice(CommissionKind.NONE.value, _l("No commission")),
    SelectChoice(CommissionKind.PERCENT.value, _l("A percentage of the price")),
    SelectChoice(CommissionKind.FIXED.value, _l("A fixed amount")),
]
CHART_CHOICES = [
    SelectChoice("auto", _l("Yuanfenju where there is a key, else the built-in calculation")),
    SelectChoice("built_in", _l("Always the built-in calculation")),
]
CURRENCIES = [currency for currency in EXPONENTS if currency != STARS]


class QuestionRow(RowOfForm):
    """A question to the buyer; a row without words counts as none. Its `key` stays when the words change."""

    key = HiddenField("", [Length(max=30)])
    label = CleanStringField(_l("Question"), [Length(max=MAX_LABEL)])
    kind = SelectField(_l("Kind of answer"), choices=QUESTION_KINDS, default=FieldKind.TEXT.value)
    required = BooleanField(_l("Must be answered"), default=True)
    choices = TextAreaField(
        _l("Choices, one per line"), [Length(max=MAX_CHOICES * (MAX_CHOICE + 2))], render_kw={"rows": 3}
    )
    hint = CleanStringField(_l("Hint"), [Optional(), Length(max=MAX_HINT)])
    least = IntegerField(_l("Not less than"), [Optional(), NumberRange(-MAX_NUMBER, MAX_NUMBER)])
    most = IntegerField(_l("Not more than"), [Optional(), NumberRange(-MAX_NUMBER, MAX_NUMBER)])
    max_length = IntegerField(_l("Most characters"), [Optional(), NumberRange(1, MAX_ANSWER)])


class WaysField(SelectMultipleField):
    """Boxes of the ways of paying."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form: Any) -> None:
        """The spec says what is wrong."""


class ProductForm(AdminForm):
    """Everything that a boss decides about a product. `kind` never changes, so no field asks for it."""

    also_posted = frozenset({"id", "then", "preset", "version"})

    bot_id = RowSelectField(
        _l("Sold in"),
        model=Bot,
        shown=lambda bot: f"@{bot.username}" if bot.username else bot.name,
        narrow=lambda query: query.where(Bot.removed_at.is_(None)).order_by(Bot.id),
        blank=_l("All your bots"),
    )
    name = CleanStringField(_l("Name"), [InputRequired(), Length(max=MAX_NAME)])
    description = TextAreaField(
        _l("Description"), [Optional(), Length(max=MAX_DESCRIPTION)], render_kw={"rows": 4}
    )
    picture = PictureField(_l("Picture"), [Optional()])
    price = CleanStringField(_l("Price"), [InputRequired(), Length(max=20)])
    currency = SelectField(_l("Currency"), choices=CURRENCIES)
    stars = IntegerField(_l("Price in Stars"), [Optional(), NumberRange(1, MAX_STARS)])
    providers = WaysField(_l("Ways of paying"), choices=[one.value for one in Provider])
    credits = IntegerField(_l("Credits"), [Optional(), NumberRange(1, MAX_AMOUNT)])
    instructions = TextAreaField(
        _l("What the buyer reads after paying"),
        [Optional(), Length(max=MAX_INSTRUCTIONS)],
        render_kw={"rows": 3},
    )
    late_zi_next_day = BooleanField(_l("After 23:00 the next day's pillar counts"))
    true_solar_time = BooleanField(_l("Reckon with true solar time of the birthplace"))
    chart = RadioField(_l("Who calculates the chart"), choices=CHART_CHOICES, default="auto")
    items = TextAreaField(_l("Codes or links, one per line"), [Optional(), Length(max=_MAX_ITEMS)])
    stock = IntegerField(_l("How many you have"), [Optional(), NumberRange(0, MAX_STOCK)])
    stock_was = HiddenField()
    questions = FieldList(FormField(QuestionRow), max_entries=MAX_FIELDS)
    commission_kind = RadioField(_l("Commission"), choices=COMMISSIONS, default=CommissionKind.NONE.value)
    commission_first = CleanStringField(_l("For the promoter"), [Optional(), Length(max=20)])
    commission_second = CleanStringField(_l("For whoever brought the promoter"), [Optional(), Length(max=20)])
    expires_minutes = IntegerField(_l("Minutes to pay"), [Optional(), NumberRange(1, MAX_EXPIRY)])
    position = IntegerField(_l("Place in the shop"), [Optional(), NumberRange(0, MAX_POSITION)])

    def written(self, kind: ProductKind) -> dict[str, Any]:
        """The form as a product's JSON."""
        return {
            "kind": kind.value,
            "name": self.name.data or "",
            "description": (self.description.data or "").strip(),
            "price": self.price.data or "",
            "currency": self.currency.data,
            "stars": self.stars.data,
            "providers": list(self.providers.data or ()),
            "picture_id": self.picture.data,
            "bot_id": self.bot_id.data,
            "position": self.position.data,
            "stock": None if kind is ProductKind.DIGITAL_GOODS else self.stock.data,
            "expires_minutes": self.expires_minutes.data,
            "fields": [] if kind is ProductKind.BAZI_REPORT else self.asked(),
            "commission": self.commission(),
            **{name: self._own(name) for name in OWN[kind]},
        }

    def asked(self) -> list[dict[str, Any]]:
        """The questions as JSON."""
        return [question(row.form) for row in self.questions if row.form.label.data]

    def commission(self) -> dict[str, Any]:
        """What promoters get, as JSON; empty where nothing."""
        kind = self.commission_kind.data
        if kind == CommissionKind.NONE:
            return {}
        return {"kind": kind, "first": self.commission_first.data, "second": self.commission_second.data}

    def stock_unchanged(self) -> bool:
        """The boss left the number as it was shown, so that sales since then are not undone."""
        return str("" if self.stock.data is None else self.stock.data) == (self.stock_was.data or "")

    def place(self, error: BadProduct, locale: str) -> None:
        """Shows each problem at its field, or above the form where it has none."""
        for path, problem in error.by_field(locale).items():
            field = self._field(path)
            if field is None:
                self.add_error(told(path, problem, locale))
            else:
                field.errors = [*field.errors, problem]

    def _own(self, name: str) -> Any:
        value = self[name].data
        return [line for line in (value or "").splitlines() if line.strip()] if name == "items" else value

    def _field(self, path: str) -> Any:
        found = _PATH.match(path)
        name, number, part = found.groups() if found else ("", None, None)
        if name == "fields" and number is not None:
            rows = [row.form for row in self.questions if row.form.label.data]
            row = rows[min(int(number), len(rows) - 1)]
            return row[part if part in row else "label"]
        if name == "items" and number is not None:
            self.add_error(str(gettext("Look at line %(number)s of the codes.", number=int(number) + 1)))
        renamed = {
            "picture_id": "picture",
            "commission": f"commission_{part if part in {'first', 'second'} else 'kind'}",
        }
        return self._fields.get(renamed.get(name, name))


def question(row: Any) -> dict[str, Any]:
    """A row as JSON."""
    found = {
        "label": row.label.data,
        "kind": row.kind.data,
        "required": bool(row.required.data),
        "hint": row.hint.data or "",
    }
    if row.key.data:
        found["key"] = row.key.data
    if row.kind.data == FieldKind.NUMBER:
        found |= {"least": row.least.data, "most": row.most.data}
    if row.kind.data == FieldKind.TEXT:
        found["max_length"] = row.max_length.data
    if row.kind.data == FieldKind.CHOICE:
        lines = re.split(r"[\n,\uff0c\u3001]", row.choices.data or "")
        found["choices"] = [line.strip() for line in lines if line.strip()]
    return found


def filled(body: Mapping[str, Any]) -> dict[str, Any]:
    """A product's JSON as the form's initial data."""
    commission = body.get("commission") or {}
    same = (
        "name",
        "description",
        "price",
        "currency",
        "stars",
        "bot_id",
        "position",
        "stock",
        "expires_minutes",
    )
    own = ("credits", "instructions", "late_zi_next_day", "true_solar_time")
    stock = body.get("stock")
    return {
        **{name: body.get(name) for name in (*same, *own)},
        "chart": body.get("chart") or "auto",
        "picture": body.get("picture_id"),
        "providers": list(body.get("providers") or ()),
        "position": body.get("position") or None,
        "stock_was": "" if stock is None else str(stock),
        "questions": [row_of(field) for field in body.get("fields") or ()],
        "commission_kind": commission.get("kind") or CommissionKind.NONE.value,
        "commission_first": commission.get("first") or "",
        "commission_second": "" if commission.get("second") in {None, "0", "0.00"} else commission["second"],
    }


def row_of(field: Mapping[str, Any]) -> dict[str, Any]:
    """A question's JSON as a row's data."""
    return {
        "key": field.get("key") or "",
        "label": field.get("label") or "",
        "kind": field.get("kind") or FieldKind.TEXT.value,
        "required": field.get("required", True),
        "choices": "\n".join(map(str, field.get("choices") or ())),
        "hint": field.get("hint") or "",
        **{name: field.get(name) for name in ("least", "most", "max_length")},
    }
