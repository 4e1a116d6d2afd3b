"""Rules about tenants: their names in addresses, and what a request knows of its tenant."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from zoneinfo import available_timezones

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
RESERVED = frozenset(
    {
        "www",
        "app",
        "api",
        "admin",
        "mail",
        "smtp",
        "imap",
        "pop",
        "ns",
        "ns1",
        "ns2",
        "mx",
        "static",
        "assets",
        "cdn",
        "docs",
        "help",
        "support",
        "status",
        "blog",
        "login",
        "register",
        "account",
        "accounts",
        "auth",
        "oauth",
        "sso",
        "operator",
        "root",
        "system",
        "laoban",
        "metrics",
        "health",
        "webhook",
        "webhooks",
    }
)
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)
MAX_NAME = 80


@dataclass(frozen=True)
class TenantFacts:
    """What a request needs to know of its tenant; a snapshot, at most some seconds old."""

    id: int
    uuid: str
    name: str
    slug: str | None
    locale: str
    timezone: str
    suspended: bool

    @classmethod
    def read(cls, values: dict[str, object] | None) -> Self | None:
        """From what a cache holds."""
        return None if values is None else cls(**values)  # type: ignore[arg-type]


@dataclass(frozen=True)
class TenantRow:
    """A line of the operator's list."""

    id: int
    uuid: str
    name: str
    slug: str | None
    plan: str
    owner: str
    bots: int
    members: int
    created_at: datetime
    suspended_at: datetime | None


def clean_slug(text: str) -> str | None:
    """The slug in its one form, or None where it is not allowed."""
    slug = text.strip().lower()
    return slug if SLUG.fullmatch(slug) and slug not in RESERVED else None


def clean_host(text: str) -> str | None:
    """A host name in its one form (lower case, IDNA, no port), or None where it is none of the public internet."""
    host = text.strip().rstrip(".").lower()
    try:
        host = host.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    labels = host.split(".")
    fits = len(labels) >= 2 and len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels)
    return host if fits and not labels[-1].isdigit() else None


def is_timezone(name: str) -> bool:
    """Whether the name is a zone that we can show times in."""
    return name in available_timezones()
