"""Rules of broadcasts: states and moves, audiences, content and its limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from app.core.errors import BadInput
from app.core.i18n import N_
from app.domain.sending import MAX_CAPTION, MAX_TEXT, utf16_length

"""UTF-16 units below a picture."""
MAX_BUTTONS = 8
MAX_LABEL = 64
MAX_URL = 2048
MAX_NAME = 80
MAX_DAYS = 3650
MAX_ATTEMPTS = 5
"""So often is a message tried that Telegram's own troubles stopped."""
PER_SECOND = 25.0
"""What one bot may send, all its messages together."""


class BroadcastState(StrEnum):
    """draft -> scheduled -> running <-> paused -> done, or cancelled before done."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


MOVES: Mapping[BroadcastState, frozenset[BroadcastState]] = {
    BroadcastState.DRAFT: frozenset(
        {BroadcastState.SCHEDULED, BroadcastState.RUNNING, BroadcastState.CANCELLED}
    ),
    BroadcastState.SCHEDULED: frozenset(
        {BroadcastState.DRAFT, BroadcastState.RUNNING, BroadcastState.CANCELLED}
    ),
    BroadcastState.RUNNING: frozenset({BroadcastState.PAUSED, BroadcastState.DONE, BroadcastState.CANCELLED}),
    BroadcastState.PAUSED: frozenset({BroadcastState.RUNNING, BroadcastState.CANCELLED}),
    BroadcastState.DONE: frozenset({BroadcastState.RUNNING}),
    BroadcastState.CANCELLED: frozenset(),
}
"""One that is done runs again only when the boss sends what is unclear once more."""
CHANGEABLE = frozenset({BroadcastState.DRAFT, BroadcastState.SCHEDULED})


class RecipientState(StrEnum):
    """pending -> sending -> sent | blocked | failed; sending -> unknown when its sender died in the middle.

    `unknown` is not sent again by itself: Telegram may have it, and nobody gets a broadcast twice. It becomes what
    it really is when the sender was only slow, and `pending` when the boss asks for it.
    """

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    BLOCKED = "blocked"
    FAILED = "failed"
    UNKNOWN = "unknown"


class AudienceKind(StrEnum):
    ALL = "all"
    ENTRANTS = "entrants"
    BUYERS = "buyers"
    """Whoever has paid an order, of one product where a value names it."""
    LANGUAGE = "language"
    ACTIVE = "active"
    INACTIVE = "inactive"


LANGUAGES = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Audience:
    """Who gets it, among those who wrote to the bot and do not block it. `value`: lottery id, language, days, or product id."""

    kind: AudienceKind = AudienceKind.ALL
    value: str = ""

    @property
    def number(self) -> int:
        """The lottery's or product's id, or the days. Raises BadInput."""
        if not (self.value.isascii() and self.value.isdigit() and len(self.value) <= 18):
            raise BadInput(N_("Choose who gets it."), field="audience")
        return int(self.value)


@dataclass(frozen=True, slots=True)
class Button:
    """A button below the message that opens a link."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Content:
    """What is sent. `picture_id` makes `body` the caption of a picture."""

    body: str
    buttons: tuple[Button, ...] = ()
    picture_id: int | None = None

    @property
    def limit(self) -> int:
        """UTF-16 units that the text may have."""
        return MAX_TEXT if self.picture_id is None else MAX_CAPTION

    @property
    def method(self) -> str:
        """Of the Bot API."""
        return "sendMessage" if self.picture_id is None else "sendPhoto"

    def payload(self) -> dict[str, object]:
        """The method's parameters without `chat_id`; `picture_id` stands for the picture's bytes."""
        text: dict[str, object] = (
            {"text": self.body}
            if self.picture_id is None
            else {"picture_id": self.picture_id, "caption": self.body}
        )
        if self.buttons:
            rows = [[{"text": button.label, "url": button.url}] for button in self.buttons]
            text["reply_markup"] = {"inline_keyboard": rows}
        return text


class Halt(StrEnum):
    """Why a broadcast paused by itself."""

    BOT_REMOVED = "bot_removed"
    BOT_STOPPED = "bot_stopped"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    REFUSED = "refused"


HALTS: Mapping[Halt, str] = {
    Halt.BOT_REMOVED: N_("The bot was removed."),
    Halt.BOT_STOPPED: N_("The bot is stopped. Start it, then resume the broadcast."),
    Halt.SUSPENDED: N_("The account is suspended."),
    Halt.REVOKED: N_(
        "Telegram no longer accepts the bot's token. Paste a new one, then resume the broadcast."
    ),
    Halt.REFUSED: N_("Telegram refuses this message: %(reason)s"),
}


def halt_words(error: str) -> tuple[str, dict[str, object]]:
    """The msgid and its parameters for `broadcast.error`, which is `<Halt>` or `refused:<what Telegram said>`."""
    kind, _, reason = error.partition(":")
    return HALTS[Halt(kind)], {"reason": reason}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a broadcast is. `pace` is what was sent per second lately."""

    total: int
    sent: int
    blocked: int
    failed: int
    unknown: int
    pace: float

    @property
    def left(self) -> int:
        """Who has not had his turn."""
        return max(0, self.total - self.sent - self.blocked - self.failed - self.unknown)

    @property
    def percent(self) -> int:
        """Whole per cent, 100 only when nobody is left."""
        return 100 * (self.total - self.left) // self.total if self.total else 0

    @property
    def seconds_left(self) -> float:
        """At the pace of lately, or at the limit before there is one."""
        return self.left / (self.pace if self.pace > 0.5 else PER_SECOND)


def check_content(content: Content) -> None:
    """Raises BadInput with `field` for what Telegram would refuse."""
    if not content.body.strip():
        raise BadInput(N_("Write the message first."), field="body")
    if utf16_length(content.body) > content.limit:
        raise BadInput(N_("The text may have up to %(limit)s characters."), limit=content.limit, field="body")
    if len(content.buttons) > MAX_BUTTONS:
        raise BadInput(N_("There may be up to %(limit)s buttons."), limit=MAX_BUTTONS, field="buttons")
    for button in content.buttons:
        if not button.label.strip() or len(button.label) > MAX_LABEL:
            raise BadInput(N_("Each button needs a label of up to 64 characters."), field="buttons")
        if not is_link(button.url):
            raise BadInput(
                N_("Each button needs a link that begins with https://, http:// or tg://."), field="buttons"
            )


def is_link(url: str) -> bool:
    """Whether Telegram takes it for a button's link."""
    if len(url) > MAX_URL or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme == "tg":
        return bool(parts.netloc)
    host = parts.hostname or ""
    return parts.scheme in {"http", "https"} and "." in host.strip(".")


def check_audience(audience: Audience) -> None:
    """Raises BadInput for a value that does not fit its kind."""
    if audience.kind is AudienceKind.LANGUAGE and audience.value not in LANGUAGES:
        raise BadInput(N_("Choose who gets it."), field="audience")
    if audience.kind is AudienceKind.ENTRANTS or (audience.kind is AudienceKind.BUYERS and audience.value):
        _ = audience.number
    if audience.kind in {AudienceKind.ACTIVE, AudienceKind.INACTIVE} and not 1 <= audience.number <= MAX_DAYS:
        raise BadInput(N_("Give a number of days from 1 to 3650."), field="audience")


def read_buttons(raw: Sequence[object]) -> tuple[Button, ...]:
    """Buttons as they are kept: a list of {"label", "url"}."""
    return tuple(
        Button(str(each.get("label", "")), str(each.get("url", "")))
        for each in raw
        if isinstance(each, Mapping)
    )
