"""Reading requests, as strictly as the documentation says."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from sandbox.shapes import Json

MODELS = ("deepseek-flash", "deepseek-v4-pro")
OLD_NAMES = frozenset({"deepseek-v4-flash", "deepseek-v4-flash-vision-exp"})
USER = re.compile(r"[a-zA-Z0-9_-]{1,512}", re.ASCII)
ROLES = frozenset({"system", "user", "assistant", "tool"})
MOST_TOKENS = 384 * 1024


class BadRequest(Exception):
    """A refusal with its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Question:
    """`prompt` is everything that was said, `system` what of it comes first and may be in the cache."""

    model: str
    prompt: str
    system: str
    is_stream: bool
    wants_usage: bool
    thinks: bool
    wants_json: bool
    most_tokens: int


def read_question(body: bytes) -> tuple[Question, Json]:
    """The question, and the request as it came; raises BadRequest."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest(400, "Failed to parse the request body as JSON") from None
    if not isinstance(asked, dict):
        raise BadRequest(400, "Failed to parse the request body as JSON: object expected")
    model = asked.get("model")
    if model not in MODELS and model not in OLD_NAMES:
        raise BadRequest(400, "Model Not Exist")
    is_stream = plain(asked, "stream", bool, default=False)
    refuse_strange_numbers(asked)
    if "stream_options" in asked and not is_stream:
        raise BadRequest(400, "stream_options should be set along with stream = true")
    if "user_id" in asked and not USER.fullmatch(str(asked["user_id"])):
        raise BadRequest(400, "Invalid user_id")
    texts = messages_of(asked)
    wants_json = (asked.get("response_format") or {}).get("type") == "json_object"
    if wants_json and "json" not in "".join(texts).lower():
        raise BadRequest(400, "Prompt must contain the word 'json' in some form to use 'response_format'")
    question = Question(
        model=str(model), prompt="\n".join(texts), system=texts[0], is_stream=is_stream,
        wants_usage=bool((asked.get("stream_options") or {}).get("include_usage")),
        thinks=(asked.get("thinking") or {}).get("type", "enabled") == "enabled", wants_json=wants_json,
        most_tokens=plain(asked, "max_tokens", int, default=MOST_TOKENS),
    )  # fmt: skip
    return question, asked


def messages_of(asked: Json) -> list[str]:
    """What every message says; raises BadRequest."""
    messages = asked.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest(400, "Empty input messages")
    texts = []
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise BadRequest(422, "Failed to deserialize the JSON body: messages: unknown role")
        if not isinstance(message.get("content"), str):
            raise BadRequest(422, "Failed to deserialize the JSON body: messages: content must be a string")
        texts.append(message["content"])
    return texts


def refuse_strange_numbers(asked: Json) -> None:
    """Raise BadRequest for numbers out of their range."""
    for name, least, most in (
        ("temperature", 0, 2),
        ("top_p", 0, 1),
        ("max_tokens", 1, MOST_TOKENS),
    ):
        value = asked.get(name)
        if value is None:
            continue
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise BadRequest(422, f"Failed to deserialize the JSON body: {name}: invalid type")
        if not least <= value <= most:
            raise BadRequest(400, f"Invalid {name} value, the valid range of {name} is [{least}, {most}]")


def plain(asked: Json, name: str, kind: type, *, default: Any) -> Any:
    """A value of this type; raises BadRequest."""
    value = asked.get(name)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise BadRequest(422, f"Failed to deserialize the JSON body: {name}: invalid type")
    return value
