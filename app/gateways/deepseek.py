"""DeepSeek, or another service that speaks like OpenAI's: one streamed answer within one hard limit of time.

The library's own timeout counts anew with each byte, and the service keeps waiting callers with blank lines, so the
limit is set from outside. It never asks twice by itself: whoever calls decides what a second time may cost.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from json import JSONDecodeError
from typing import Any, Final, Protocol

from app.domain.ai_costs import MOST_WRITTEN
from app.domain.services import Access, Service, ServiceFailed

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 60.0
CHECK_SECONDS: Final = 10.0
MAX_CHARACTERS: Final = 60_000
TOKENS_PER_CHARACTER: Final = 0.7
"""For what was used where the service could not tell us any more; Chinese takes about 0.6."""
FINISHED: Final = "stop"
_PERMANENT: Final = {
    400: "settings",
    401: "key",
    402: "balance",
    403: "key",
    404: "settings",
    422: "settings",
}

Message = Mapping[str, str]


class Model(Access, Protocol):
    """An account and the model that is asked."""

    @property
    def model(self) -> str:
        """The model's name at the service."""


class Cut(ServiceFailed):
    """The answer ended before its end. `answer` is what came."""

    def __init__(self, reason: str, usage: Mapping[str, int], text: str) -> None:
        super().__init__(Service.DEEPSEEK, permanent=False, reason=reason, usage=usage)
        self.answer = text


@dataclass(frozen=True, slots=True)
class Written:
    """A complete answer and what it used: tokens `read`, `cached`, `written`, and one of `calls`."""

    text: str
    usage: Mapping[str, int]


@dataclass(slots=True)
class _Heard:
    """What has come so far."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    finish: str = ""
    usage: dict[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "".join(self.parts)


@cache
def _library() -> Any:
    """`openai`. It takes most of a second and much memory to load, so only who asks a model pays for that."""
    return import_module("openai")


def write(
    messages: Sequence[Message],
    access: Model,
    *,
    user: str,
    seconds: float,
    on_text: Callable[[str], None],
) -> Written:
    """The model's answer. `on_text` gets all of it so far with each new line. Raises Cut and ServiceFailed.

    `user` is a pseudonym ([A-Za-z0-9_-]); by it the service keeps apart the end users of one account.
    """
    openai, heard = _library(), _Heard()
    asked = sum(len(message["content"]) for message in messages)
    try:
        asyncio.run(asyncio.wait_for(_listen(messages, access, user, heard, on_text), seconds))
    except openai.APIStatusError as error:
        raise _refused(error.status_code) from None
    except (TimeoutError, openai.APITimeoutError):
        raise _cut("timeout", heard, asked) from None
    except (openai.OpenAIError, JSONDecodeError, OSError, UnicodeDecodeError):
        # What the other side said is left out: it may repeat the request.
        raise _cut("broken", heard, asked) from None
    if heard.finish != FINISHED:
        raise _cut(heard.finish or "cut", heard, asked)
    if not heard.text.strip():
        raise _cut("empty", heard, asked)
    return Written(heard.text, heard.usage or _estimated(heard, asked))


def models(access: Access) -> tuple[str, ...]:
    """The models that the key may use; costs nothing. Raises ServiceFailed."""
    openai = _library()
    timeout = openai.Timeout(CHECK_SECONDS, connect=CONNECT_SECONDS)
    try:
        with openai.OpenAI(api_key=access.key, base_url=access.url, max_retries=0, timeout=timeout) as client:
            return tuple(model.id for model in client.models.list().data)
    except openai.APIStatusError as error:
        raise _refused(error.status_code) from None
    except openai.APITimeoutError:
        raise ServiceFailed(Service.DEEPSEEK, permanent=False, reason="timeout") from None
    except (openai.OpenAIError, JSONDecodeError, OSError, UnicodeDecodeError):
        raise ServiceFailed(Service.DEEPSEEK, permanent=False, reason="broken") from None


async def _listen(
    messages: Sequence[Message], access: Model, user: str, heard: _Heard, on_text: Callable[[str], None]
) -> None:
    openai = _library()
    timeout = openai.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    settings = {"api_key": access.key, "base_url": access.url, "max_retries": 0, "timeout": timeout}
    async with openai.AsyncOpenAI(**settings) as client:
        stream = await client.chat.completions.create(
            model=access.model,
            messages=list(messages),
            stream=True,
            stream_options={"include_usage": True},
            max_tokens=MOST_WRITTEN // 2,
            temperature=0.8,
            # Thinking is on by default there, and doubles time and cost.
            extra_body={"thinking": {"type": "disabled"}, "user_id": user},
        )
        async with stream:
            async for chunk in stream:
                _take(chunk, heard)
                if heard.length > MAX_CHARACTERS:
                    heard.finish = "length"
                    return
                if heard.parts and "\n" in heard.parts[-1]:
                    on_text(heard.text)


def _take(chunk: Any, heard: _Heard) -> None:
    if chunk.usage:
        heard.usage = _counted(chunk.usage)
    for choice in chunk.choices[:1]:
        content = choice.delta.content or ""
        heard.parts.append(content)
        heard.length += len(content)
        heard.finish = choice.finish_reason or heard.finish


def _counted(usage: Any) -> dict[str, int]:
    extra = usage.model_extra or {}
    details = usage.prompt_tokens_details
    cached = extra.get("prompt_cache_hit_tokens") or (details.cached_tokens if details else 0) or 0
    cached = min(int(cached), usage.prompt_tokens)
    return {
        "read": usage.prompt_tokens - cached,
        "cached": cached,
        "written": usage.completion_tokens,
        "calls": 1,
    }


def _estimated(heard: _Heard, asked: int) -> dict[str, int]:
    return {
        "read": int(asked * TOKENS_PER_CHARACTER),
        "cached": 0,
        "written": int(heard.length * TOKENS_PER_CHARACTER),
        "calls": 1,
    }


def _refused(status: int) -> ServiceFailed:
    """It did not begin, so nothing was used."""
    reason = _PERMANENT.get(status)
    return ServiceFailed(
        Service.DEEPSEEK, permanent=reason is not None, reason=reason or "busy", usage={"calls": 1}
    )


def _cut(reason: str, heard: _Heard, asked: int) -> Cut:
    """Where not a word came, nobody knows whether it was read; where words came, it was."""
    usage = heard.usage or (_estimated(heard, asked) if heard.length else {"calls": 1})
    return Cut(reason, usage, heard.text)
