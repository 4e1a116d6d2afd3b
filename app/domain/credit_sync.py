"""Sending changes of balances to partners: states, waiting times, what is sent, and what an answer means."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

import orjson

from app.core.i18n import N_
from app.domain.strict_json import Malformed, read_object

MAX_BODY: Final = 256 * 1024
"""Bytes of a batch. A single change that is larger goes alone."""
MAX_ANSWER: Final = 256 * 1024
BATCH_SIZE: Final = 500
MAX_NAME: Final = 80
MAX_REASON: Final = 200
LETTERS_IN_ROW: Final = 3
"""When so many changes were refused alone and nothing was taken between, the address is at fault, not the changes."""
FIRST_WAIT: Final = 5.0
LONGEST_WAIT: Final = 900.0
LONGEST_ASKED: Final = 3600.0
"""The most that a partner's Retry-After may make us wait, in seconds."""
TELL_AFTER: Final = 1800.0
"""A partner that has failed for so long is news for the boss."""
_LATER: Final = frozenset({401, 408, 425, 429})
"""Of the 4xx those that no change is to blame for: the key is not entered there yet, the partner has no time."""
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")


class PartnerState(StrEnum):
    """Whether changes are sent to a partner."""

    ACTIVE = "active"
    PAUSED = "paused"
    """By the boss."""
    GONE = "gone"
    """The partner answered 410: it wants nothing more until the boss starts it again."""


class LetterState(StrEnum):
    """A change that could not be delivered."""

    DEAD = "dead"
    """Refused by the partner; waits for the boss."""
    BEHIND = "behind"
    """A later change of the same account: it may not overtake the dead one."""
    REPLAYING = "replaying"
    DONE = "done"
    DISMISSED = "dismissed"
    """The boss decided that the partner shall never have it."""


OPEN_LETTERS: Final = (LetterState.DEAD, LetterState.BEHIND, LetterState.REPLAYING)
"""Letters that keep later changes of their account from being sent before them."""


class Verdict(StrEnum):
    """What an answer means for the batch."""

    TAKEN = "taken"
    REFUSED = "refused"
    """Something in the batch is not liked; the batch is halved until it is known what."""
    LATER = "later"
    GONE = "gone"


class Trouble(StrEnum):
    """Why a batch waits. `status:503` and `no_answer:timeout` say more behind the colon."""

    UNSAFE = "unsafe"
    NO_ANSWER = "no_answer"
    STATUS = "status"
    REDIRECT = "redirect"
    WRONG_ANSWER = "wrong_answer"
    REFUSES_ALL = "refuses_all"
    GONE = "gone"


TROUBLES: Final[Mapping[Trouble, str]] = {
    Trouble.UNSAFE: N_("The address is no public https address."),
    Trouble.NO_ANSWER: N_("No complete answer came (%(what)s)."),
    Trouble.STATUS: N_("The partner answered with status %(what)s."),
    Trouble.REDIRECT: N_(
        "The partner sends us to another address (status %(what)s), which we do not follow."
    ),
    Trouble.WRONG_ANSWER: N_("The answer does not name the batch, so it is not known whether it was taken."),
    Trouble.REFUSES_ALL: N_("The partner refuses one change after the other (status %(what)s)."),
    Trouble.GONE: N_("The partner wants no more changes (status 410)."),
}


def trouble_text(error: str) -> tuple[str, dict[str, object]]:
    """A msgid and its parameters for what is kept as a partner's error."""
    kind, _, what = error.partition(":")
    return TROUBLES[Trouble(kind)], {"what": what}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of sending a batch."""

    verdict: Verdict
    error: str = ""
    """One of Trouble, perhaps with a colon and more."""
    words: str = ""
    """What the partner said about a change that it refused."""
    refused: Mapping[int, str] = field(default_factory=dict)
    """Of a batch that was taken: changes that were not, by id, with the partner's words."""
    wait: float | None = None
    """Seconds that the partner asks us to wait."""


def item(
    *,
    posting_id: int,
    telegram_id: int,
    amount: int,
    balance: int,
    source: str,
    reference: str,
    reason: str,
    details: Mapping[str, object],
    created_at: datetime,
) -> bytes:
    """A change as JSON, always the same bytes for the same change."""
    return orjson.dumps(
        {
            "id": posting_id,
            "telegram_id": telegram_id,
            "amount": amount,
            "balance": balance,
            "source": source,
            "reference": reference,
            "reason": reason,
            "metadata": details,
            "created_at": created_at.astimezone(UTC).isoformat(),
        }
    )


def body(batch_id: str, items: Sequence[bytes]) -> bytes:
    """The whole batch."""
    return b'{"batch_id":' + orjson.dumps(batch_id) + b',"changes":[' + b",".join(items) + b"]}"


def fitting(sizes: Sequence[int]) -> int:
    """How many items of these sizes, one at least, fit into one batch."""
    left = MAX_BODY - 256
    for count, size in enumerate(sizes):
        left -= size + 1
        if left < 0:
            return max(count, 1)
    return len(sizes)


def wait_after(failures: int, asked: float | None) -> float:
    """Seconds until the next attempt after so many failures in a row: 5 s to 15 min, never two partners in step."""
    if asked is not None:
        return min(max(asked, FIRST_WAIT), LONGEST_ASKED)
    doubled = FIRST_WAIT * 2.0 ** min(failures - 1, 10)
    return min(doubled, LONGEST_WAIT * 0.8) * random.uniform(1.0, 1.25)  # noqa: S311 - no secret


def read_answer(status: int, headers: Mapping[str, str], raw: bytes, batch_id: str, now: datetime) -> Answer:
    """What a complete answer means. Header names are in lower case."""
    if 200 <= status < 300:
        return _read_taken(raw, batch_id)
    if status == 410:
        return Answer(Verdict.GONE, Trouble.GONE)
    if 400 <= status < 500 and status not in _LATER:
        return Answer(Verdict.REFUSED, f"{Trouble.STATUS}:{status}", words=_words(status, raw))
    kind = Trouble.REDIRECT if 300 <= status < 400 else Trouble.STATUS
    return Answer(Verdict.LATER, f"{kind}:{status}", wait=_retry_after(headers.get("retry-after", ""), now))


def _read_taken(raw: bytes, batch_id: str) -> Answer:
    wrong = Answer(Verdict.LATER, Trouble.WRONG_ANSWER)
    try:
        found = read_object(raw)
    except Malformed:
        return wrong
    given = found.get("refused", [])
    if found.get("batch_id") != batch_id or not isinstance(given, list):
        return wrong
    refused: dict[int, str] = {}
    for each in given:
        number = _number(each.get("id")) if isinstance(each, dict) else None
        if number is None:
            # Which change it means can't be told, and none may be lost.
            return wrong
        message = each.get("message")
        refused[number] = clean(message if isinstance(message, str) else "")
    return Answer(Verdict.TAKEN, refused=refused)


def _number(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value, re.ASCII):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _words(status: int, raw: bytes) -> str:
    """What the answer says for people, behind its status."""
    try:
        found: Mapping[str, object] = read_object(raw)
    except Malformed:
        found = {}
    said = next(
        (found[name] for name in ("message", "detail", "title") if isinstance(found.get(name), str)), ""
    )
    return clean(f"HTTP {status} {said}")


def clean(text: str) -> str:
    """Somebody else's words on one line, not long, and such as a database takes."""
    return _UNPRINTABLE.sub(" ", text).strip()[:MAX_REASON]


def _retry_after(value: str, now: datetime) -> float | None:
    """Seconds; the header has a number of them or a date."""
    if re.fullmatch(r"[0-9]{1,9}", value.strip(), re.ASCII):
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (TypeError, ValueError, OverflowError):
        # No date, one without its zone, or one beyond all years.
        return None
