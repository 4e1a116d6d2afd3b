"""What the pages of promoters share: whether they are offered, links, amounts, masked names."""

import os
import time
from collections.abc import Mapping
from functools import cache

from app.core.i18n import N_
from app.core.queue import transaction
from app.domain import links
from app.domain.bots import BotConfig
from app.models import Promoter
from app.services.affiliates import promoters, terms
from app.services.affiliates.telling import OPEN
from bots.context import Context
from bots.keyboards import Button, ButtonExpired, data

FRESH_SECONDS = 60.0
_MOST = 2000


def is_offered(config: BotConfig) -> bool:
    """Whether the menu invites people to promote, at most a minute old; at once when the boss turns it on or off."""
    known = _memory(os.getpid())
    entry = known.get(config.id)
    if entry is not None and entry[0] == config.version and entry[1] > time.monotonic():
        return entry[2]
    with transaction():
        offered = terms.is_offered(config.tenant_id)
    if len(known) >= _MOST:
        known.clear()
    known[config.id] = (config.version, time.monotonic() + FRESH_SECONDS, offered)
    return offered


@cache
def _memory(pid: int) -> dict[int, tuple[int, float, bool]]:  # noqa: ARG001 - one memory per process, also after a fork
    return {}


def link_of(ctx: Context, promoter: Promoter) -> str:
    """What a promoter sends to others."""
    return links.promoter_link(ctx.config.username, promoter.code)


def share_link(ctx: Context, promoter: Promoter) -> str:
    """Opens Telegram's list of chats, with a message to send on."""
    words = ctx.t(N_("I like this bot, have a look:"))
    return links.share_link(link_of(ctx, promoter), words)


def the_promoter(ctx: Context) -> Promoter:
    """The person as a promoter, for buttons that only one sees. Needs a transaction; raises ButtonExpired."""
    found = promoters.find(ctx.config.tenant_id, ctx.person.telegram_id)
    if found is None:
        raise ButtonExpired
    return found


def sums(ctx: Context, amounts: Mapping[str, int]) -> str:
    """Amounts of several currencies in one line; a dash where there are none."""
    return ", ".join(ctx.place.money(minor, currency) for currency, minor in amounts.items() if minor) or "-"


def masked(name: str) -> str:
    """Enough of a first name for whoever knows him; a promoter learns no more about strangers."""
    return f"{name[0]}**" if name else "***"


def back_button(ctx: Context) -> Button:
    """To the promoter's own page."""
    return Button(ctx.t(N_("« Back")), data(OPEN))
