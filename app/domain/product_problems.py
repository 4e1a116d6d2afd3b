"""What is wrong with a product that somebody describes: all of it at once, each with its field in plain words."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from app.core.errors import AppError, BadInput
from app.core.i18n import N_, translate
from app.domain.form_answers import TOLD
from app.domain.lottery_fields import BadSpec

T = TypeVar("T")

_NAMES: Final[Mapping[str, str]] = {
    "name": N_("Name"),
    "kind": N_("Kind"),
    "description": N_("Description"),
    "price": N_("Price"),
    "currency": N_("Currency"),
    "stars": N_("Price in Stars"),
    "providers": N_("Ways of paying"),
    "picture_id": N_("Picture"),
    "bot_id": N_("Bot"),
    "position": N_("Place in the shop"),
    "stock": N_("Stock"),
    "expires_minutes": N_("Minutes to pay"),
    "fields": N_("Questions"),
    "commission": N_("Commission"),
    "commission.kind": N_("Commission"),
    "commission.first": N_("Commission, first level"),
    "commission.second": N_("Commission, second level"),
    "credits": N_("Credits"),
    "late_zi_next_day": N_("Late Zi hour"),
    "true_solar_time": N_("True solar time"),
    "chart": N_("Birth chart"),
    "instructions": N_("What the buyer reads after paying"),
    "items": N_("Codes and links"),
}
_QUESTION: Final = re.compile(r"fields\[(\d+)\]")
_ITEM: Final = re.compile(r"items\[(\d+)\]")


class BadProduct(BadInput):
    """`problems` are all that was found, one per field."""

    code = "bad_product"
    message = N_("This product is not valid.")

    def __init__(self, problems: Sequence[BadSpec]) -> None:
        self.problems = tuple(problems)
        super().__init__()
        self.args = ("; ".join(str(one.args[0]) for one in problems),)

    def text(self, locale: str) -> str:
        """One line per problem."""
        return "\n".join(told(one.field, one.problem(locale), locale) for one in self.problems)

    def by_field(self, locale: str) -> dict[str, str]:
        """What is wrong, by the path of the field."""
        return {one.field: one.problem(locale) for one in self.problems}


class Problems:
    """Collects what readers raise, so that they all are told together."""

    def __init__(self) -> None:
        self.found: list[BadSpec] = []

    def read(self, reader: Callable[[], T], otherwise: T, field: str = "") -> T:
        """What the reader gives, else `otherwise`. An error without a field is told of `field`."""
        try:
            return reader()
        except BadSpec as error:
            self.found.append(error)
        except BadInput as error:
            self.add(field, error)
        return otherwise

    def add(self, field: str, error: AppError) -> None:
        """Notes what is wrong with a field."""
        self.found.append(BadSpec(field, error.message, **error.params))

    def check(self) -> None:
        """Raises BadProduct where something was found."""
        if self.found:
            raise BadProduct(self.found)


def told(path: str, problem: str, locale: str) -> str:
    """A problem with the name of its field, in one line."""
    return translate(locale, TOLD, question=name_of(path, locale), answer=problem)


def name_of(path: str, locale: str) -> str:
    """A field's path in plain words: `fields[2].label` is "Question 3"."""
    for pattern, words in ((_QUESTION, N_("Question %(number)s")), (_ITEM, N_("Line %(number)s"))):
        found = pattern.match(path)
        if found:
            return translate(locale, words, number=int(found[1]) + 1)
    return translate(locale, _NAMES[path]) if path in _NAMES else path
