"""How each route is authenticated. Every view says it by one of these decorators; a route that says nothing is refused.

The decorators only mark; `app.http.guard` checks before each request, so the order of decorators doesn't matter.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from app.domain.people import Role

View = TypeVar("View", bound=Callable[..., Any])
ATTRIBUTE = "access"


class How(StrEnum):
    """Ways to say who may come in."""

    BARE = "bare"
    """Anybody; nothing is looked up, not even the session: health, static files."""
    OWN = "own_secret"
    """The view checks a credential of its own, such as Telegram's webhook secret; no session, no CSRF token."""
    PUBLIC = "public"
    """Anybody; the view may greet whoever is signed in."""
    SIGNED_IN = "signed_in"
    """Any signed-in person."""
    ROLE = "role"
    """A person with this role or more in the open tenant, or a key of that tenant where keys are allowed."""
    OPERATOR = "operator"
    """Who runs the deployment."""
    VIEW = "view"
    """An admin page, whose class decides; it gets the session looked up and the CSRF token checked."""


@dataclass(frozen=True)
class Access:
    """What a view asks for. `fresh` = the password was given within the last 15 minutes."""

    how: How
    role: Role | None = None
    api_key: bool = False
    fresh: bool = False


def declare(view: View, access: Access) -> View:
    """Marks a view."""
    setattr(view, ATTRIBUTE, access)
    return view


def declared(view: object) -> Access | None:
    """What a view says, or None."""
    found = getattr(view, ATTRIBUTE, None)
    return found if isinstance(found, Access) else None


def bare(view: View) -> View:
    """Anybody; nothing is looked up."""
    return declare(view, Access(How.BARE))


def own_secret(view: View) -> View:
    """The view checks a credential of its own."""
    return declare(view, Access(How.OWN))


def public(view: View) -> View:
    """Anybody."""
    return declare(view, Access(How.PUBLIC))


def signed_in(view: View) -> View:
    """Any signed-in person."""
    return declare(view, Access(How.SIGNED_IN))


def operator_only(view: View) -> View:
    """Who runs the deployment."""
    return declare(view, Access(How.OPERATOR))


def require(role: Role, *, api_key: bool = False) -> Callable[[View], View]:
    """A person with `role` or more in the open tenant; with `api_key` also a key of the tenant, which acts as manager."""

    def mark(view: View) -> View:
        return declare(view, Access(How.ROLE, role=role, api_key=api_key))

    return mark


def fresh(view: View) -> View:
    """On top of another of these decorators: the password was given within the last 15 minutes."""
    before = declared(view)
    if before is None:
        raise TypeError("@fresh stands above the decorator that says who may come in")
    return declare(view, replace(before, fresh=True))
