"""What is wrong with a bot, in plain words, and the one action that would help."""

from dataclasses import dataclass, field
from enum import StrEnum

from app.core.i18n import N_
from app.domain.bots import CONFLICT_CODE, FLOOD_CODE, NETWORK


class Problem(StrEnum):
    """The kinds of incidents; also `BotAlert.kind`."""

    REVOKED = "revoked"
    CONFLICT = "conflict"
    UNREACHABLE = "unreachable"
    WEBHOOK = "webhook"


class Repair(StrEnum):
    """What the boss can do about it with one button."""

    NEW_TOKEN = "new_token"  # noqa: S105 - the name of an action
    TAKE_OVER = "take_over"
    REGISTER_WEBHOOK = "register_webhook"
    USE_POLLING = "use_polling"
    RETRY = "retry"
    START = "start"


@dataclass(frozen=True)
class Reading:
    """A failure in plain words: an English msgid with its parameters."""

    problem: Problem | None
    text: str
    params: dict[str, object] = field(default_factory=dict)
    repair: Repair | None = None


REVOKED = N_(
    "Telegram does not accept the token any more: it was revoked or the bot was deleted. Get a new token from @BotFather and save it here."
)
OTHER_READER = N_(
    "Another program is reading this bot's messages with the same token. Stop that program, or get a new token from @BotFather."
)
OTHER_WEBHOOK = N_(
    "Another service at %(host)s receives this bot's messages. Take the bot over, or stop it here."
)
FLOOD = N_("Telegram asks us to slow down. The bot goes on by itself in a moment.")
NO_NETWORK = N_("Telegram cannot be reached right now. We keep trying, and the bot goes on by itself.")
TELEGRAM_DOWN = N_(
    "Telegram has a problem of its own (error %(code)s). We keep trying, and the bot goes on by itself."
)
FORBIDDEN = N_(
    "Telegram refuses this bot (403). It may have been blocked or limited; ask @BotFather or @SpamBot."
)
REFUSED = N_("Telegram refused a request (error %(code)s: %(description)s).")
STOPPED = N_("The bot is stopped. Nothing is answered; Telegram keeps new messages for a day.")

NOT_STARTED = N_(
    "The bot has been waiting to start for a while. The operator should see whether the workers are running."
)

HOOK_WORDS = (
    (
        ("certificate", "ssl"),
        N_("Telegram does not trust the certificate of our address. The operator has to renew it."),
    ),
    (
        ("resolve", "name or service"),
        N_("Telegram cannot find our address by its name. The operator has to check the DNS."),
    ),
    (("refused", "timed out", "timeout", "unreachable", "network"), N_("Telegram cannot reach our address.")),
    (
        ("403", "401", "404"),
        N_(
            "Our address refused Telegram's messages, as if the webhook had been set by somebody else. Register it again."
        ),
    ),
    (
        ("50", "wrong response"),
        N_("Our address answered Telegram with an error. Messages wait and are delivered again."),
    ),
)
HOOK_REFUSED = N_("Telegram does not accept our webhook address: %(description)s")
HOOK_OTHER = N_("Telegram could not deliver messages to us: %(description)s")


_BY_CODE = {
    401: Reading(Problem.REVOKED, REVOKED, repair=Repair.NEW_TOKEN),
    404: Reading(Problem.REVOKED, REVOKED, repair=Repair.NEW_TOKEN),
    403: Reading(Problem.UNREACHABLE, FORBIDDEN, repair=Repair.RETRY),
    CONFLICT_CODE: Reading(Problem.CONFLICT, OTHER_READER, repair=Repair.NEW_TOKEN),
    FLOOD_CODE: Reading(None, FLOOD),
    NETWORK: Reading(Problem.UNREACHABLE, NO_NETWORK, repair=Repair.RETRY),
}


def read_failure(code: int, description: str, webhook_host: str = "") -> Reading:
    """A refused or failed request. `webhook_host` = who receives the updates, where that is not us."""
    if code == CONFLICT_CODE and webhook_host:
        return Reading(Problem.CONFLICT, OTHER_WEBHOOK, {"host": webhook_host}, Repair.TAKE_OVER)
    if code in _BY_CODE:
        return _BY_CODE[code]
    if code >= 500:
        return Reading(Problem.UNREACHABLE, TELEGRAM_DOWN, {"code": code}, Repair.RETRY)
    if "webhook" in description.lower():
        return Reading(Problem.WEBHOOK, HOOK_REFUSED, {"description": description}, Repair.USE_POLLING)
    return Reading(Problem.UNREACHABLE, REFUSED, {"code": code, "description": description}, Repair.RETRY)


def read_webhook_error(description: str) -> Reading:
    """What Telegram last complained about when it delivered to our webhook (`last_error_message`)."""
    lowered = description.lower()
    for words, text in HOOK_WORDS:
        if any(word in lowered for word in words):
            return Reading(Problem.WEBHOOK, text, repair=Repair.REGISTER_WEBHOOK)
    return Reading(Problem.WEBHOOK, HOOK_OTHER, {"description": description}, Repair.REGISTER_WEBHOOK)
