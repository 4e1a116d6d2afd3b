"""What somebody is filling in before he orders, read from the database and changed there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain import form_answers
from app.domain.form_fields import Choice, Field
from app.domain.products import VisitStage
from app.models import OrderForm, Product
from app.services.orders import forms, ways
from app.services.orders.ways import Way
from app.services.products import lookup, visits
from bots.context import Context


class Gone(Exception):
    """The product is not on sale any more; what was filled in for it means nothing now."""


@dataclass(frozen=True, slots=True)
class Filling:
    """A form as it stands now. `key` is the question that waits; "" = the summary.

    `answers` are JSON values by question; `offered` is what the last answer may have meant.
    """

    product: Product
    mark: str
    fields: tuple[Field, ...]
    key: str
    answers: Mapping[str, object]
    ways: Sequence[Way]
    offered: Sequence[Choice] = ()

    @property
    def place(self) -> int:
        """Of the question that waits, from 0; behind the last one where none does."""
        keys = [field.key for field in self.fields]
        return keys.index(self.key) if self.key in keys else len(keys)

    @property
    def field(self) -> Field | None:
        """The question that waits."""
        return self.fields[self.place] if self.place < len(self.fields) else None

    @property
    def complete(self) -> bool:
        """Whether every question has been answered or skipped."""
        return all(field.key in self.answers for field in self.fields)


def read(ctx: Context, form: OrderForm) -> Filling:
    """The form with its product as it is now: the boss may have changed it meanwhile. Raises Gone."""
    product = lookup.get(form.product_id)
    if not lookup.is_sold_in(product, ctx.config.id):
        raise Gone
    fields = form_answers.questions(product.kind, product.fields)
    answers = forms.answers(form)
    known = {field.key for field in fields}
    key = form.field
    if key not in known:
        key = next((field.key for field in fields if field.key not in answers), "")
    kept = {name: value for name, value in answers.items() if name in known}
    return Filling(product, forms.mark(form), fields, key, kept, ways.offered(product), forms.offered(form))


def begin(ctx: Context, product: Product) -> Filling:
    """An empty form in place of whatever he was filling in."""
    fields = form_answers.questions(product.kind, product.fields)
    visits.record(product, ctx.person.telegram_id, VisitStage.STARTED, ctx.config.timezone)
    return read(ctx, forms.begin(product, fields, ctx.config.id, ctx.person.telegram_id))


def answer(form: OrderForm, filling: Filling, field: Field, value: object) -> None:
    """Keeps an answer and asks what is still open."""
    forms.write(form, filling.fields, form_answers.with_answer(filling.answers, field.key, value))
