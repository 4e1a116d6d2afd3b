"""What came of asking an entrant for what a lottery needs of him, and how that is kept and said."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.core.i18n import N_
from app.domain.draw import STAFF
from app.domain.lotteries import Condition, ConditionKind
from app.domain.sending import MAX_NOTE, utf16_length
from app.domain.wording import Place
from app.services.lotteries.errors import ConditionMissing
from app.services.lotteries.wording import chat_name

_SIGNS: Final = {True: "1", False: "0", None: "-"}
_MEANINGS: Final = {sign: passed for passed, sign in _SIGNS.items()}

Result = tuple[bool | None, int]
"""What came of asking a condition, and when (unix seconds); None = it could not be asked and was dropped."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows about somebody: friends who count, his credits, since when he is known."""

    friends: int = 0
    balance: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A condition and what came of it; `have` is how much of its amount there is. `passed` None = not asked yet."""

    condition: Condition
    passed: bool | None
    at: int
    have: int = 0


class Missing(ConditionMissing):
    """Somebody may not join yet. `checked` are all conditions in order; the text names those that are missing."""

    def __init__(self, checked: Sequence[Checked]) -> None:
        self.checked = tuple(checked)
        self.missing = [one for one in checked if not one.passed]
        super().__init__([one.condition for one in self.missing])

    def text(self, locale: str) -> str:
        """A line for each, as many as the answer to a pressed button holds."""
        lines = [words_for_missing(one, locale) for one in self.missing]
        told, shown = "\n".join(lines), len(lines)
        while utf16_length(told) > MAX_NOTE and shown > 1:
            shown -= 1
            more = Place(locale, "UTC").t(N_("… and %(count)s more conditions."), count=len(lines) - shown)
            told = "\n".join([*lines[:shown], more])
        return told


def price(conditions: Iterable[Condition]) -> int:
    """The credits that joining costs."""
    return sum(one.amount for one in conditions if one.kind is ConditionKind.CREDITS)


def check(
    conditions: Sequence[Condition], known: Known, results: Mapping[int, Result], at: datetime
) -> list[Checked]:
    """All conditions in order. `results` are those of channels by place; one that is not in there stays unasked."""
    moment = int(at.timestamp())
    checked = []
    for place, condition in enumerate(conditions):
        if condition.kind is ConditionKind.CHANNEL:
            passed, asked = results.get(place, (None, moment))
            checked.append(Checked(condition, passed, asked))
        else:
            have = _have(condition.kind, known, at)
            checked.append(Checked(condition, have >= condition.amount, moment, have))
    return checked


def _have(kind: ConditionKind, known: Known, at: datetime) -> int:
    if kind is ConditionKind.INVITES:
        return known.friends
    if kind is ConditionKind.CREDITS:
        return known.balance
    return (at - known.since) // timedelta(days=1) if known.since else 0


def render(results: Iterable[Result]) -> str:
    """Results as they are kept and sealed: `<place>:<1, 0 or ->:<unix time>` in order, joined by `;`."""
    return ";".join(f"{place}:{_SIGNS[passed]}:{at}" for place, (passed, at) in enumerate(results))


def read(rendered: str) -> list[Result] | None:
    """The other way; None for an entrant whom staff added. Raises ValueError or KeyError for what `render` did not make."""
    if rendered == STAFF:
        return None
    found: list[Result] = []
    for number, part in enumerate(rendered.split(";") if rendered else []):
        place, sign, at = part.split(":")
        if int(place) != number:
            raise ValueError(f"not in order: {rendered!r}")
        found.append((_MEANINGS[sign], int(at)))
    return found


def words_for_missing(one: Checked, locale: str) -> str:
    """What somebody still has to do, in a line."""
    place, condition = Place(locale, "UTC"), one.condition
    if condition.kind is ConditionKind.CHANNEL:
        return place.t(N_("Please join the channel %(chat)s first."), chat=chat_name(condition))
    if condition.kind is ConditionKind.INVITES:
        return place.t(
            N_("Please invite friends first: %(have)s of %(count)s so far."),
            have=one.have,
            count=condition.amount,
        )
    if condition.kind is ConditionKind.CREDITS:
        return place.t(
            N_("Joining costs %(credits)s credits, you have %(have)s."),
            credits=f"{condition.amount:,}",
            have=f"{one.have:,}",
        )
    return place.t(
        N_("Only for people who have known this bot for %(days)s days; you have for %(have)s."),
        days=condition.amount,
        have=one.have,
    )
