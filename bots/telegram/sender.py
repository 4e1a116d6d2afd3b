"""The one door to Telegram: every call passes the gate, goes out by the shared pool, and its failures get a name.

pyTelegramBotAPI is led here by two of its module globals. They hold no state of any bot: whose call it is travels
with the token, so bots of many tenants share a process without ever being mixed up.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from telebot import TeleBot, apihelper

from app.core import metrics
from app.domain.bots import BotConfig
from app.domain.sending import Priority, split_text
from bots.telegram import failures, gate, transport
from bots.telegram.errors import Postpone, SendError

_FILLING = ("send", "edit", "copy", "forward")


class Token(str):
    """A bot's token that knows whose it is, and that never shows itself in a text."""

    __slots__ = ("config", "priority")
    config: BotConfig
    priority: Priority

    def __repr__(self) -> str:
        return f"<token of bot {self.config.id}>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)


@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """Who calls which method; stands where the library would build an address.

    `admitted` = the caller has its turn at the gate already.
    """

    config: BotConfig
    method: str
    priority: Priority = Priority.INTERACTIVE
    admitted: bool = False

    def __repr__(self) -> str:
        return f"{self.method} of bot {self.config.id}"


class _Address:
    """Takes the place of the library's address pattern, so that it hands over a Call and never an address."""

    @staticmethod
    def format(token: Token, method: str) -> Call:
        return Call(token.config, method, token.priority)


class _Answer:
    """What the library reads of a response. It logs `text` at debug level, where nobody's messages belong."""

    status_code = 200
    reason = "OK"
    text = ""

    def __init__(self, result: object) -> None:
        self._result = result

    def json(self) -> dict[str, object]:
        return {"ok": True, "result": self._result}


def _send(
    verb: str,  # noqa: ARG001 - all calls are POST
    call: Call,
    params: Mapping[str, object] | None = None,
    files: Mapping[str, object] | None = None,
    **_ignored: object,
) -> _Answer:
    return _Answer(perform(call, params or {}, _read_files(files)))


apihelper.API_URL = _Address()  # type: ignore[assignment] # the library only ever calls its format()
apihelper.CUSTOM_REQUEST_SENDER = _send  # type: ignore[assignment]
apihelper.RETRY_ON_ERROR = False


class LightBot(TeleBot):
    """The library's bot for one update. `context` is what its handlers hand to the conversations."""

    context: Any


_TEMPLATE = LightBot("1:template", threaded=False, validate_token=False)


def bot_for(config: BotConfig, priority: Priority = Priority.INTERACTIVE) -> LightBot:
    """A bot for one update. Costs a few microseconds, since nothing but the token differs from the template."""
    bot = LightBot.__new__(LightBot)
    bot.__dict__.update(_TEMPLATE.__dict__)
    token = Token(config.token)
    token.config, token.priority = config, priority
    bot.token = token
    bot.bot_id = config.telegram_id
    return bot


def perform(call: Call, params: Mapping[str, object], files: transport.Files | None = None) -> Any:
    """Calls a method of the Bot API and returns its result; a text that is too long goes out in several messages.

    Raises Postpone, TokenRevoked, Blocked, Refused or Unreachable.
    """
    text = params.get("text")
    if call.method != "sendMessage" or not isinstance(text, str) or params.get("parse_mode"):
        return _perform(call, params, files)
    *parts, last = split_text(text) or [""]
    for part in parts:
        # The buttons belong under the last part.
        _perform(call, {**params, "text": part, "reply_markup": None}, None)
    return _perform(call, {**params, "text": last} if parts else params, files)


def _perform(call: Call, params: Mapping[str, object], files: transport.Files | None) -> Any:
    chat = _chat(params.get("chat_id"))
    if not call.admitted:
        gate.wait_turn(call.config, chat if _fills_a_chat(call.method) else None, call.priority)
    answer = _exchange(call, params, files)
    if answer.get("ok"):
        return answer.get("result")
    failure = failures.read(call.method, answer)
    if failure.moved_to is not None:
        answer = _exchange(call, {**params, "chat_id": failure.moved_to}, files)
        if answer.get("ok"):
            return answer.get("result")
        failure = failures.read(call.method, answer)
    if failure.harmless:
        return True
    raise failures.act(call.config, chat, failure)


def _exchange(call: Call, params: Mapping[str, object], files: transport.Files | None) -> transport.Json:
    started = time.perf_counter()
    outcome = "unclear"
    try:
        _, answer = transport.post(str.__str__(call.config.token), call.method, params, files)
        outcome = "ok" if answer.get("ok") else failures.read(call.method, answer).outcome
    finally:
        metrics.telegram_called(call.method, outcome, time.perf_counter() - started)
    return answer


def _chat(given: object) -> int | str | None:
    """The library makes texts of ids; names of channels are texts by nature."""
    if isinstance(given, str):
        return int(given) if given.removeprefix("-").isdecimal() else given
    return given if isinstance(given, int) else None


@lru_cache(maxsize=256)
def _fills_a_chat(method: str) -> bool:
    """Whether the call counts against a chat's limit."""
    return method.startswith(_FILLING) and method != "sendChatAction"


def _read_files(files: Mapping[str, object] | None) -> dict[str, tuple[str, bytes]] | None:
    """The library's shapes of a file (bytes, an open file, (name, file)) as (name, bytes)."""
    if not files:
        return None
    read: dict[str, tuple[str, bytes]] = {}
    for field, value in files.items():
        name, content = value if isinstance(value, tuple) else (getattr(value, "name", field), value)
        data = content.read() if hasattr(content, "read") else content
        read[field] = (str(name), data.encode() if isinstance(data, str) else bytes(data))
    return read


__all__ = ["Call", "Postpone", "SendError", "Token", "bot_for", "perform"]
