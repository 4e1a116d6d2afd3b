"""What Telegram's refusals mean and what follows from each."""

import re
from dataclasses import dataclass

from app.core.queue import transaction
from app.core.tenancy import tenant_scope
from app.domain.bots import BotConfig
from app.services import bots, members
from bots.telegram import gate
from bots.telegram.errors import Blocked, Postpone, Refused, TokenRevoked, Unreachable
from bots.telegram.transport import Json

# Answers to a repeated edit, and to a button press that has been answered or is too old: nothing is amiss.
_HARMLESS = re.compile("message is not modified|query is too old|query id is invalid", re.IGNORECASE)
# The chat is gone or does not let us write there.
_UNWANTED = re.compile(
    "chat not found|user not found|not enough rights|have no rights|need administrator rights|chat_write_forbidden"
    "|peer_id_invalid|chat_restricted|group chat was deactivated",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer with `ok: false`. `moved_to` = the group has become a supergroup under this id."""

    method: str
    code: int
    description: str
    retry_after: float | None
    moved_to: int | None

    @property
    def harmless(self) -> bool:
        return self.code == 400 and _HARMLESS.search(self.description) is not None

    @property
    def revoked(self) -> bool:
        """Both codes mean an unknown token, except chat only the method is unknown."""
        return self.code == 401 or (self.code == 404 and "method not found" not in self.description.lower())

    @property
    def unwanted(self) -> bool:
        return self.code == 403 or (self.code == 400 and _UNWANTED.search(self.description) is not None)

    @property
    def outcome(self) -> str:
        """For the metrics."""
        if self.revoked:
            return "revoked"
        if self.code == 429:
            return "flood"
        if self.code >= 500:
            return "broken"
        return "blocked" if self.unwanted else "refused"


def read(method: str, answer: Json) -> Failure:
    """Reads a refusal; whatever is missing or odd in it gets a harmless value."""
    parameters = answer.get("parameters")
    known = parameters if isinstance(parameters, dict) else {}
    code, retry_after, moved_to = (
        answer.get("error_code"),
        known.get("retry_after"),
        known.get("migrate_to_chat_id"),
    )
    return Failure(
        method,
        code if isinstance(code, int) else 500,
        str(answer.get("description", ""))[:300],
        float(retry_after) if isinstance(retry_after, int | float) else None,
        moved_to if isinstance(moved_to, int) else None,
    )


def act(config: BotConfig, chat: int | str | None, failure: Failure) -> Exception:
    """Does what must be done at once (park, report, mark) and returns the error to raise."""
    told = (failure.method, failure.code, failure.description)
    if failure.code == 429:
        return Postpone(gate.park(config, chat, failure.retry_after or 1.0), "Telegram asked to wait")
    if failure.revoked:
        gate.close(config)
        _report_revoked(config, failure)
        return TokenRevoked(*told)
    if failure.code >= 500:
        return Unreachable(*told, unclear=failure.code == 504)
    if failure.unwanted:
        if failure.code == 403 and isinstance(chat, int) and chat > 0:
            _mark_blocked(config, chat)
        return Blocked(*told)
    return Refused(*told)


def _report_revoked(config: BotConfig, failure: Failure) -> None:
    with tenant_scope(config.tenant_id), transaction():
        bots.report_failure(config.id, failure.code, failure.description, version=config.version)


def _mark_blocked(config: BotConfig, telegram_id: int) -> None:
    with tenant_scope(config.tenant_id), transaction():
        members.mark_blocked(config.tenant_id, config.id, telegram_id)
