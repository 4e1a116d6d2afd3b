"""Formatted text: HTML to plain text with entities, and entities that Telegram finds by itself.

Offsets and lengths count UTF-16 code units, as Telegram does.
"""

import re
from dataclasses import dataclass

from sandbox.botapi.errors import ApiError, bad_request
from sandbox.shapes import Json

TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "tg-spoiler": "spoiler",
    "code": "code", "pre": "pre", "a": "text_link", "blockquote": "blockquote", "span": "spoiler",
    "tg-emoji": "custom_emoji",
}  # fmt: skip
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
TOKEN = re.compile(r"<[^>]*>?|&(?:#x[0-9a-fA-F]+|#[0-9]+|[a-z]+);|[^<&]+|&")
TAG = re.compile(r"<(/?)\s*([a-zA-Z][\w-]*)((?:\s+[\w-]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?)*)\s*>")
ATTRIBUTE = re.compile(r"([\w-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
FOUND = re.compile(
    r"(?P<url>https?://[^\s<>\"']+)|(?P<email>[\w.+-]+@[\w-]+\.[\w.]+)|(?<![\w/])(?P<bot_command>/[A-Za-z0-9_]{1,64}"
    r"(?:@\w{3,32})?)|(?<![\w@])(?P<mention>@[A-Za-z]\w{3,31})|(?<![\w#])(?P<hashtag>#\w*[^\W\d]\w*)"
)


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass(slots=True)
class OpenTag:
    """A start tag that waits for its end."""

    name: str
    offset: int
    extra: Json


def read_text(text: str, parse_mode: str, given: list[Json] | None) -> tuple[str, list[Json]]:
    """Plain text and its entities; raises ApiError for bad markup or an unknown mode."""
    if given is not None and not parse_mode:
        return text, given
    mode = parse_mode.lower()
    if mode not in {"", "html"}:
        raise bad_request("unsupported parse_mode (the sandbox reads HTML only)")
    plain, entities = parse_html(text) if mode else (text, [])
    return plain, sorted(entities + find_entities(plain, entities), key=lambda entity: int(entity["offset"]))


def parse_html(text: str) -> tuple[str, list[Json]]:
    """Telegram's HTML: few tags, properly nested. Raises ApiError as the real server words it."""
    plain: list[str] = []
    offset = position = 0
    stack: list[OpenTag] = []
    entities: list[Json] = []
    for found in TOKEN.finditer(text):
        token = found[0]
        if token[0] == "<":
            tag = TAG.fullmatch(token)
            if tag is None or tag[2].lower() not in TAGS:
                raise unsupported(token, position)
            if tag[1]:
                close_tag(stack, entities, tag[2].lower(), offset, position)
            else:
                stack.append(open_tag(tag[2].lower(), tag[3], offset, position))
        else:
            piece = character(token) if token[0] == "&" else token
            plain.append(piece)
            offset += units(piece)
        position += len(token.encode())
    if stack:
        raise cannot_parse(f'Can\'t find end tag corresponding to start tag "{stack[-1].name}"')
    return "".join(plain), entities


def open_tag(name: str, rest: str, offset: int, position: int) -> OpenTag:
    """A start tag with what its attributes add to the entity."""
    attributes = {
        found[1].lower(): found[2] or found[3] or found[4] or "" for found in ATTRIBUTE.finditer(rest)
    }
    if name == "span" and attributes.get("class") != "tg-spoiler":
        raise cannot_parse(f'Tag "span" must have class "tg-spoiler" at byte offset {position}')
    extra: Json = {"type": TAGS[name]}
    if name == "a":
        extra["url"] = re.sub(
            r"&(?:#x?[0-9a-fA-F]+|[a-z]+);", lambda found: character(found[0]), attributes.get("href", "")
        )
    elif name == "tg-emoji":
        extra["custom_emoji_id"] = attributes.get("emoji-id", "")
    elif name == "code" and attributes.get("class", "").startswith("language-"):
        extra = {"type": "pre", "language": attributes["class"].removeprefix("language-")}
    elif name == "blockquote" and re.search(r"\bexpandable\b", rest):
        extra["type"] = "expandable_blockquote"
    return OpenTag(name, offset, extra)


def close_tag(stack: list[OpenTag], entities: list[Json], name: str, offset: int, position: int) -> None:
    """End the innermost tag, which must have this name."""
    if not stack:
        raise cannot_parse(f"Unexpected end tag at byte offset {position}")
    tag = stack.pop()
    if tag.name != name:
        raise cannot_parse(
            f'Unmatched end tag at byte offset {position}, expected "</{tag.name}>", found "</{name}>"'
        )
    if tag.extra.get("url") == "":
        return
    if offset > tag.offset:
        kind = tag.extra["type"]
        extra = {key: value for key, value in tag.extra.items() if key != "type"}
        entities.append({"offset": tag.offset, "length": offset - tag.offset, "type": kind, **extra})


def character(reference: str) -> str:
    """What &lt; and its like stand for; unknown names stay as they are."""
    name = reference[1:-1]
    if name.startswith("#"):
        number = int(f"0{name[1:]}", 0) if name[1] == "x" else int(name[1:])
        return chr(number) if 0 < number < 0x110000 else reference
    return NAMED.get(name, reference)


def find_entities(text: str, known: list[Json]) -> list[Json]:
    """Links, commands, mentions and hashtags outside of what is formatted as code or link already."""
    if not ("/" in text or "@" in text or "#" in text):
        return []
    taken = [entity for entity in known if entity["type"] in {"code", "pre", "text_link"}]
    entities = []
    for found in FOUND.finditer(text):
        offset, length = units(text[: found.start()]), units(found[0])
        if not any(
            entity["offset"] < offset + length and offset < entity["offset"] + entity["length"]
            for entity in taken
        ):
            entities.append({"offset": offset, "length": length, "type": str(found.lastgroup)})
    return entities


def unsupported(token: str, position: int) -> ApiError:
    """The error for a tag that Telegram does not know, or that is none."""
    name = re.match(r"</?\s*([^\s>]*)", token)
    text = name[1] if name else ""
    return cannot_parse(f'Unsupported start tag "{text}" at byte offset {position}')


def cannot_parse(text: str) -> ApiError:
    """400 for bad markup."""
    return bad_request(f"can't parse entities: {text}")
