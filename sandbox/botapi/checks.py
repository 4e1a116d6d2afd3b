"""Parameters and answers checked against the extract of the Bot API description."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from sandbox.botapi.errors import bad_request
from sandbox.params import Params, Upload
from sandbox.shapes import Json

EXTRACT: Json = orjson.loads(Path(__file__).with_name("extract.json").read_bytes())
NUMBER = re.compile(r"-?\d{1,18}")
TRUE_WORDS = frozenset({"true", "yes", "1"})
FALSE_WORDS = frozenset({"false", "no", "0", ""})

# What the real server says when one of these is missing.
MISSING = {
    "chat_id": "chat_id is empty",
    "text": "message text is empty",
    "callback_query_id": "query is too old and response timeout expired or query ID is invalid",
    "photo": "there is no photo in the request",
    "document": "there is no document in the request",
    "user_id": "invalid user_id specified",
    "message_id": "message identifier is not specified",
    "file_id": "file_id is not specified",
    "action": "wrong parameter action in request",
    "commands": "can't parse commands: expected an Array of BotCommand",
}
# Required by the description, yet the real server takes an empty one as "remove the webhook".
OPTIONAL_AFTER_ALL = {("setWebhook", "url")}

Converter = Callable[[str, Any], Any]


def to_integer(name: str, value: object) -> int:
    """A whole number, also when it came as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        return int(value)
    raise bad_request(f"parameter {name} must be an Integer")


def to_boolean(name: str, value: object) -> bool:
    """A truth value, also in the words that the real server takes for one."""
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise bad_request(f"parameter {name} must be a Boolean")


def to_text(name: str, value: object) -> str:
    """Text; numbers in JSON bodies become text as well."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    raise bad_request(f"parameter {name} must be a String")


def to_chat(name: str, value: object) -> int | str:
    """An id, or @username."""
    text = to_text(name, value).strip()
    if not text:
        raise bad_request(MISSING["chat_id"])
    return int(text) if NUMBER.fullmatch(text) else text


def to_list(name: str, value: object) -> list[Any]:
    """A JSON array."""
    value = parsed(name, value)
    if not isinstance(value, list):
        raise bad_request(f"can't parse {name}: expected an Array")
    return value


def to_object(name: str, value: object) -> Json:
    """A JSON object."""
    value = parsed(name, value)
    if not isinstance(value, dict):
        raise bad_request(
            "object expected as reply markup" if name == "reply_markup" else f"object expected as {name}"
        )
    return value


def to_file(name: str, value: object) -> Upload | str:
    """An uploaded file, or a file id, or "attach://name" of an uploaded file."""
    if isinstance(value, Upload | str) and value:
        return value
    raise bad_request(MISSING.get(name, f"there is no {name} in the request"))


def parsed(name: str, value: object) -> object:
    """What JSON text stands for; other values as they are."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        what = "reply keyboard markup" if name == "reply_markup" else name
        raise bad_request(f"can't parse {what} JSON object") from None


CONVERTERS: dict[tuple[str, ...], Converter] = {
    ("Integer",): to_integer,
    ("Boolean",): to_boolean,
    ("String",): to_text,
    ("Integer", "String"): to_chat,
    ("InputFile", "String"): to_file,
    ("InputFile",): to_file,
}


def converter_for(types: tuple[str, ...]) -> Converter:
    """How to read a parameter of these types."""
    if types in CONVERTERS:
        return CONVERTERS[types]
    return to_list if types[0].startswith("Array") else to_object


class MethodCheck:
    """Required and known parameters of one method."""

    __slots__ = ("_converters", "_required", "known", "name")

    def __init__(self, name: str, fields: dict[str, list[str]]) -> None:
        self.name = name
        self._required = [
            field for field, types in fields.items()
            if types[0] == "required" and (name, field) not in OPTIONAL_AFTER_ALL
        ]  # fmt: skip
        self._converters = {
            field: converter_for(tuple(kind for kind in types if kind != "required"))
            for field, types in fields.items()
        }
        self.known = frozenset(fields)

    def __call__(self, params: Params) -> Params:
        """The known parameters in their right types; unknown ones are ignored, as the real server does."""
        for name in self._required:
            if name not in params:
                raise bad_request(MISSING.get(name, f"parameter {name} is required"))
        converters = self._converters
        return {name: converters[name](name, value) for name, value in params.items() if name in converters}


METHOD_CHECKS = {name: MethodCheck(name, entry["fields"]) for name, entry in EXTRACT["methods"].items()}


def faults_of(kind: str, value: object, where: str = "") -> list[str]:
    """What is wrong with an answer of type `kind`; empty when it is as described.

    Used by tests; too slow for every answer.
    """
    where = where or kind
    if kind.startswith("Array of "):
        if not isinstance(value, list):
            return [f"{where}: no array"]
        inner = kind.removeprefix("Array of ")
        return [
            fault for index, item in enumerate(value) for fault in faults_of(inner, item, f"{where}[{index}]")
        ]
    simple: dict[str, type | tuple[type, ...]] = {
        "Integer": int,
        "String": str,
        "Boolean": bool,
        "Float": (int, float),
    }
    if kind in simple:
        right = isinstance(value, simple[kind]) and not (kind == "Integer" and isinstance(value, bool))
        return [] if right else [f"{where}: {value!r} is no {kind}"]
    if kind not in EXTRACT["types"]:
        return [f"{where}: the extract does not know the type {kind}"]
    described = EXTRACT["types"][kind]
    if "any_of" in described:
        found = [faults_of(choice, value, where) for choice in described["any_of"]]
        return fewest(found)
    return object_faults(kind, described["fields"], value, where)


def object_faults(kind: str, fields: dict[str, list[str]], value: object, where: str) -> list[str]:
    """What is wrong with the fields of one object."""
    if not isinstance(value, dict):
        return [f"{where}: no {kind}"]
    faults = [
        f"{where}.{name} is missing"
        for name, types in fields.items()
        if types[0] == "required" and name not in value
    ]
    for name, item in value.items():
        if name not in fields:
            faults.append(f"{where}.{name} is unknown")
            continue
        choices = [
            faults_of(choice, item, f"{where}.{name}") for choice in fields[name] if choice != "required"
        ]
        faults.extend(fewest(choices))
    return faults


def fewest(choices: list[list[str]]) -> list[str]:
    """The faults of the choice that fits best."""
    return min(choices, key=len)
