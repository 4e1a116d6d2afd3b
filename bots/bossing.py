"""What the boss's own conversations share: who may act, asked anew at every press, and a few words."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from app.core.errors import NotAllowed, NotFound
from app.core.i18n import N_
from app.core.settings import get_settings
from app.domain.broadcasts import is_link
from app.domain.people import Role, may
from app.services import people
from app.services.audit import Actor, act_as
from bots.context import Context
from bots.keyboards import Button, ButtonExpired, data

HOME: Final = "adm"
"""The button that opens the boss's first page."""
YES: Final = "yes"


@dataclass(frozen=True, slots=True)
class Boss:
    """Somebody of the tenant's staff who linked his Telegram account. `name` stands in the history of orders."""

    user_id: int
    email: str
    name: str
    role: Role

    def may(self, needed: Role) -> bool:
        """Whether his role is `needed` or more."""
        return may(self.role, needed)


def find(ctx: Context, *, lock: bool = False) -> Boss | None:
    """Who of the staff writes, with the role of this moment; None for everybody else. Needs a transaction."""
    place = people.find_linked(ctx.config.tenant_id, ctx.person.telegram_id, lock=lock)
    if place is None or not may(place.role, Role.SUPPORT):
        return None
    user = place.user
    return Boss(user.id, user.email, user.name or user.email, place.role)


@contextmanager
def acting(ctx: Context, needed: Role = Role.MANAGER, *, alone: bool = False) -> Iterator[Boss]:
    """A transaction in which somebody of the staff acts, under the name that the pages would write down.

    `alone` = a second press of his waits until this one is done. A press raises ButtonExpired for strangers, in groups, and for rows that the tenant does not have. A role that is too
    low by now raises NotAllowed, and ends what he was in the middle of.
    """
    pressed = ctx.event.query_id is not None
    if not ctx.private or ctx.event.chat_id != ctx.person.telegram_id:
        raise ButtonExpired
    try:
        with ctx.transaction():
            boss = _permitted(find(ctx, lock=alone), needed, pressed=pressed)
            act_as(Actor("user", boss.user_id, boss.email))
            yield boss
    except NotAllowed:
        ctx.leave()
        raise
    except NotFound:
        if pressed:
            raise ButtonExpired from None
        raise


def _permitted(boss: Boss | None, needed: Role, *, pressed: bool) -> Boss:
    if boss is None and pressed:
        raise ButtonExpired
    if boss is None or not boss.may(needed):
        raise NotAllowed
    return boss


def confirmed(ctx: Context, place: int = 1) -> bool:
    """Whether the button was the one that says yes."""
    return len(ctx.press.arguments) > place and ctx.press.word(place) == YES


def back(ctx: Context, *target: str | int) -> Button:
    """To the page before: the name and arguments of its button, else the boss's first page."""
    name, *arguments = target or (HOME,)
    return Button(ctx.t(N_("« Back")), data(str(name), *arguments))


def page_row(ctx: Context, path: str) -> list[list[Button]]:
    """A row with the button that opens a page of the admin area; none where the deployment has no address."""
    url = page_url(path)
    return [[Button(ctx.t(N_("🌐 Open the page")), url=url)]] if url else []


def page_url(path: str) -> str:
    """The address of a page; empty where Telegram would not take it for a button."""
    base = get_settings().public_url
    url = f"{base}{path}"
    return url if base and is_link(url) else ""
