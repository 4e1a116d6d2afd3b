"""Roles of people inside a tenant, what each may do, and who looks at a page."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, ip_address, ip_network

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

# Addresses inside a company (`boss@shop.local`) are addresses too; the library lets its list be changed.
SPECIAL_USE_DOMAIN_NAMES.clear()
MAX_EMAIL = 254


class Role(StrEnum):
    """From most to least; an operator stands outside of this list and above it."""

    OWNER = "owner"
    MANAGER = "manager"
    SUPPORT = "support"
    READ_ONLY = "read_only"


_RANK = {Role.READ_ONLY: 0, Role.SUPPORT: 1, Role.MANAGER: 2, Role.OWNER: 3}


def may(role: Role, needed: Role) -> bool:
    """Whether somebody with `role` may do what asks for `needed` or more."""
    return _RANK[role] >= _RANK[needed]


@dataclass(frozen=True)
class TenantChoice:
    """A tenant that a person may switch to."""

    id: int
    name: str
    role: Role


@dataclass(frozen=True)
class Viewer:
    """Who is signed in on a web request, in which tenant and with which role.

    `app/http/auth` puts one at `flask.g.viewer` before each request (nothing when nobody is signed in); pages read it
    there. `role` is None where the person belongs to no tenant, such as an operator who has opened none.
    `opened_as` means that an operator looks at somebody else's tenant.
    """

    user_id: int
    name: str
    email: str
    role: Role | None = None
    tenant_id: int | None = None
    tenant_name: str = ""
    timezone: str = "Asia/Shanghai"
    locale: str | None = None
    is_operator: bool = False
    opened_as: bool = False
    fresh: bool = False
    """Whether the person gave his password a short while ago; sensitive acts ask for it again otherwise."""
    session_id: str = ""
    membership_id: int | None = None
    tenants: tuple[TenantChoice, ...] = ()

    def may(self, needed: Role) -> bool:
        """Whether the person's role in the open tenant is `needed` or more."""
        return self.role is not None and may(self.role, needed)


def clean_email(text: str) -> str:
    """An address in the one form that accounts are found by."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def is_email(text: str) -> bool:
    """Whether this has the shape of an address; nobody is asked whether it exists."""
    try:
        validate_email(clean_email(text), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return False
    return len(text) <= MAX_EMAIL


def network_of(address: str | None) -> str:
    """The neighbourhood of an address, /24 of IPv4 and /56 of IPv6, so that one guesser counts as one."""
    try:
        ip = ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    return str(ip_network(f"{ip}/{24 if isinstance(ip, IPv4Address) else 56}", strict=False))


# In this order: a browser names its ancestors too.
_BROWSERS = {
    "MicroMessenger": "WeChat",
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "HarmonyOS": "HarmonyOS",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "Linux": "Linux",
}


def browser_name(agent: str | None) -> str:
    """Browser and system out of a User-Agent header, such as "Chrome · Windows"; empty where neither is known."""
    text = agent or ""
    found = (
        next((name for mark, name in marks.items() if mark in text), "") for marks in (_BROWSERS, _SYSTEMS)
    )
    return " · ".join(name for name in found if name)
