"""What the pages of promoters share: whether they are offered, links, amounts, masked names."""

from collections.abc import Mapping

from app.core.i18n import N_
from app.domain import links
from app.models import Promoter
from app.services.affiliates import promoters, terms
from app.services.affiliates.telling import OPEN
from bots.context import Context
from bots.keyboards import Button, ButtonExpired, data
from bots.remembered import for_a_minute

is_offered = for_a_minute(terms.is_offered)
"""Whether the menu invites people to promote; at once when the boss turns it on or off."""


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
