"""What a person sees of an update that was set aside: who wrote, what kind of thing it was, and its first words."""

from dataclasses import dataclass

import orjson

from app.domain.members import clean_name

SHOWN = 160
KINDS = (
    "message",
    "edited_message",
    "channel_post",
    "callback_query",
    "inline_query",
    "my_chat_member",
    "chat_member",
)


@dataclass(frozen=True)
class Summary:
    """`kind` is the update's type in Telegram's words, or "unknown"."""

    kind: str
    who: str
    text: str


def summarise(raw: bytes) -> Summary:
    """Never raises, whatever the bytes."""
    try:
        update = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return Summary("unknown", "", "")
    kind = next(
        (name for name in KINDS if isinstance(update, dict) and isinstance(update.get(name), dict)), "unknown"
    )
    payload = update[kind] if kind != "unknown" else {}
    return Summary(kind, _name(payload.get("from") or payload.get("chat")), _words(payload))


def _name(person: object) -> str:
    if not isinstance(person, dict):
        return ""
    parts = [person.get("first_name"), person.get("last_name")]
    full = " ".join(part for part in parts if isinstance(part, str)).strip()
    return clean_name(full or str(person.get("title") or person.get("username") or ""), SHOWN)


def _words(payload: dict[str, object]) -> str:
    for field in ("text", "caption", "data", "query"):
        value = payload.get(field)
        if isinstance(value, str):
            return clean_name(" ".join(value[: 2 * SHOWN].split()), SHOWN)
    return ""
