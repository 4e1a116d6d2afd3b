"""What a member writes when he gives credits to another: to whom, how many, and a note."""

import re
import unicodedata
from typing import Final

from app.core.errors import BadInput, Conflict, LimitReached, NotFound
from app.core.i18n import N_
from app.domain.credits import MAX_AMOUNT
from app.domain.members import clean_name, read_number, read_username

MAX_NOTE: Final = 100
NO_NOTE: Final = "-"
"""The reason of a transfer without a note; a posting can't be without one."""
_THOUSANDS = re.compile(r"[,， ](?=[0-9]{3}(?![0-9]))")
_UNITS = re.compile(r"\s*(?:个?积分|分|credits?|points?)$", re.IGNORECASE)
_USERNAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,31}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,13}", re.ASCII)


def references(key: str) -> tuple[str, str]:
    """Of a transfer's two postings: what was taken from the one, what the other got. `key` has up to 196 characters."""
    return f"{key}:out", f"{key}:in"


def other_side(reference: str) -> str:
    """The reference of the other posting of a transfer."""
    key, _, side = reference.rpartition(":")
    out, into = references(key)
    return into if side == "out" else out


class ReceiverNotReadable(BadInput):
    code = "receiver_not_readable"
    message = N_(
        "I can't tell whom you mean. Send me an @username, a t.me link or a Telegram number, or forward me a message of"
        " that person."
    )


class ReceiverHidden(BadInput):
    """Whose message was forwarded does not let Telegram tell who he is."""

    code = "receiver_hidden"
    message = N_(
        "Telegram does not tell me who this is: this person hides in forwarded messages. Please send me the @username"
        " instead."
    )


class UnknownReceiver(NotFound):
    code = "unknown_receiver"
    message = N_(
        "I don't know this person. Credits can be given only to people who have used this bot: ask this person to send me"
        " /start, then try again."
    )


class SeveralReceivers(Conflict):
    """A username has changed hands, and nobody knows for sure whose it is now."""

    code = "several_receivers"
    message = N_(
        "Several people have had this username, so I can't be sure whom you mean. Please forward me a message of that"
        " person, or send me the Telegram number."
    )


class ReceiverIsBot(BadInput):
    code = "receiver_is_bot"
    message = N_("This is a bot. Credits can be given to people only.")


class ReceiverIsSender(BadInput):
    code = "receiver_is_sender"
    message = N_("This is yourself. Whom else do you want to give credits?")


class TooManyReceivers(LimitReached):
    """Somebody looks for many people one after the other, as whoever wants to know who the members are."""

    code = "too_many_receivers"
    message = N_("You have looked for many people in a short time. Please try again in a few minutes.")


class CreditsNotReadable(BadInput):
    code = "credits_not_readable"
    message = N_("Please write how many credits as a whole number, such as 50.")


class NoteTooLong(BadInput):
    code = "note_too_long"
    message = N_("A note may have up to %(limit)s characters; yours has %(count)s.")


def read_receiver(text: str) -> int | str:
    """The Telegram number or the username that somebody wrote. Raises ReceiverNotReadable, ReceiverIsBot."""
    word = unicodedata.normalize("NFKC", text).strip()
    number, username = read_number(word), read_username(word) or word
    if number:
        return number
    if not _USERNAME.fullmatch(username):
        raise ReceiverNotReadable
    if username.lower().endswith("bot"):
        raise ReceiverIsBot
    return username


def read_credits(text: str) -> int:
    """The number of what people write: `50`, `1,000`, `50积分`, full-width digits. Raises CreditsNotReadable."""
    word = _UNITS.sub("", unicodedata.normalize("NFKC", text).strip())
    found = _NUMBER.fullmatch(_THOUSANDS.sub("", word))
    if found is None or not 0 < int(found[0]) <= MAX_AMOUNT:
        raise CreditsNotReadable
    return int(found[0])


def read_note(text: str) -> str:
    """One line, cleaned; empty where there is nothing to see. Raises NoteTooLong."""
    note = " ".join(clean_name(" ".join(text.split()), longest=10_000).split())
    if len(note) > MAX_NOTE:
        raise NoteTooLong(limit=MAX_NOTE, count=len(note))
    return note
