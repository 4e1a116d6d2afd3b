"""Takes secrets out of anything that is about to be written down."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

HIDDEN = "***"
DEPTH = 6

# Names of fields and headers whose value is a secret whatever it looks like. Lengths are bounded so that a
# hostile text costs no more than a plain one.
_NAMES = (
    r"authorization|proxy-authorization|x-api-key|api[_-]?key|cookie|set-cookie|session|csrf[_-]?token"
    r"|[\w-]{0,32}(?:secret|password|passwd|encryption[_-]?keys?|fernet[_-]?keys?)[\w-]{0,32}|token|bot[_-]?token|salt"
)
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)

# Each pattern is tried only where its hint is found: most lines hold none, and the hints are far cheaper.
_NAME_HINT = re.compile(r"auth|key|cookie|session|token|secret|passw|salt", re.IGNORECASE)
# `name: value`, `name=value`, `"name": "value"`, `name='value'`, also with a scheme before the value and with
# the backslashes of a text that was quoted twice.
_NAMED = re.compile(
    rf"""(?<![\w-])(?P<name>{_NAMES})(?P<between>\\*["']?\s*[:=]\s*\\*["']?)"""
    r"""(?P<scheme>(?:Bearer|Basic|Digest|HMAC)\s+)?(?P<value>[^\s"'\\,;&)}\]]+)""",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_PATTERNS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    # Telegram: no word boundary in front, because in `/bot7123…:AA…` there is none.
    (":", re.compile(r"(?<!\d)(\d{6,12}):[A-Za-z0-9_-]{30,}"), rf"\1:{HIDDEN}"),
    ("%3", re.compile(r"(?<!\d)(\d{6,12})%3[Aa][A-Za-z0-9_-]{30,}"), rf"\1%3A{HIDDEN}"),
    ("tk_", re.compile(r"(?<![A-Za-z0-9])tk_[A-Za-z0-9_-]{8,}"), f"tk_{HIDDEN}"),
    # Keys of partner projects: what stands before the dot is no secret, and tells which it is.
    ("ck_", re.compile(r"(?<![A-Za-z0-9])(ck_[0-9a-f]{4,32})\.[A-Za-z0-9_-]{8,}"), rf"\1.{HIDDEN}"),
    # What Fernet made, and Fernet's keys.
    ("gAAAA", re.compile(r"(?<![A-Za-z0-9_-])gAAAA[A-Za-z0-9_-]{60,}={0,2}"), HIDDEN),
    ("=", re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}=(?![A-Za-z0-9=])"), HIDDEN),
    # Links that work once; Flask names the path of a request that crashed.
    *(
        (f"/{page}/", re.compile(rf"(?<=/{page}/)[A-Za-z0-9_.-]{{16,}}"), HIDDEN)
        for page in ("reset", "confirm", "invite")
    ),
    ("://", re.compile(r"(?<=://)([^\s:/@\"']*):[^\s/@\"']+@"), rf"\1:{HIDDEN}@"),
)


def redact_text(text: str) -> str:
    """The text without bot tokens, API keys, Fernet keys, passwords in URLs and values of secret fields."""
    for hint, pattern, instead in _PATTERNS:
        if hint in text:
            text = pattern.sub(instead, text)
    if "earer" in text or "asic" in text:
        text = _SCHEME.sub(rf"\1 {HIDDEN}", text)
    if _NAME_HINT.search(text):
        text = _NAMED.sub(rf"\g<name>\g<between>\g<scheme>{HIDDEN}", text)
    return text


def redact(value: Any, clean: Callable[[str], str] = redact_text, depth: int = DEPTH) -> Any:
    """The same for nested data: values under a secret name are hidden whole, other texts go through `clean`.

    Below `depth` the rest is treated as one text.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return clean(value)
    if depth > 0 and isinstance(value, Mapping):
        return {
            key: HIDDEN if each and is_secret_name(key) else redact(each, clean, depth - 1)
            for key, each in value.items()
        }
    if depth > 0 and isinstance(value, list | tuple | set | frozenset):
        return [redact(each, clean, depth - 1) for each in value]
    return redact_text(repr(value))


@lru_cache(maxsize=4096)
def is_secret_name(name: object) -> bool:
    """True for the name of a field or header that holds a secret."""
    text = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
    return _SECRET_NAME.fullmatch(text) is not None
