"""What giving credits to another member needs: how much there is to give, names, and the word to the receiver."""

from dataclasses import dataclass
from typing import Final

from app.core import buckets
from app.core.buckets import Bucket
from app.core.i18n import N_, locale_of
from app.domain.credit_transfers import NO_NOTE, ReceiverHidden, ReceiverIsBot, TooManyReceivers
from app.domain.credits import Posting, TransfersOff
from app.domain.members import visible_name
from app.domain.wording import Place
from app.models import Member
from app.services import notices, outbox
from app.services.credits import reading, settings, transfers
from app.services.credits.statement import OPEN
from bots import points
from bots.context import Context
from bots.keyboards import data

LOOKUPS: Final = 20
"""How many receivers one member may look for at once, and from then on one a minute."""
_MINUTE: Final = 60_000


@dataclass(frozen=True, slots=True)
class Room:
    """What somebody has and can give away; `left` of today's limit, None = there is no limit."""

    balance: int
    available: int
    left: int | None


def room(tenant_id: int, telegram_id: int) -> Room:
    """Raises TransfersOff where the boss does not allow transfers."""
    if not settings.get(tenant_id).transfers:
        raise TransfersOff
    standing = reading.standing(tenant_id, telegram_id)
    return Room(standing.balance, standing.available, transfers.left_today(tenant_id, telegram_id))


def written(ctx: Context) -> str:
    """Whom the message means: the one whom it shows, else what it says. Raises ReceiverIsBot, ReceiverHidden."""
    shared = ctx.event.shared
    if shared is None:
        return ctx.event.text
    if shared.is_bot:
        raise ReceiverIsBot
    if shared.telegram_id is None:
        raise ReceiverHidden
    return str(shared.telegram_id)


def look(ctx: Context) -> None:
    """Counts a search for a receiver. Raises TooManyReceivers: nobody shall try numbers to see who is a member."""
    key = f"laoban:receivers:{ctx.config.tenant_id}:{ctx.person.telegram_id}"
    bucket = Bucket(key, _MINUTE, (LOOKUPS - 1) * _MINUTE)
    if not buckets.take([bucket], tag="receivers", longest_wait=0).taken:
        raise TooManyReceivers


def name_of(ctx: Context, member: Member) -> str:
    """The name that he shows himself, and nothing more: whoever types numbers shall learn no usernames."""
    return visible_name(member.first_name, member.last_name) or ctx.t(points.SOMEBODY)


def tell(ctx: Context, receiver: Member, received: Posting, note: str, key: str) -> None:
    """Writes down the word to the receiver, in his language, by a bot that he talks with; needs the transfer's transaction.

    Who blocks all of them finds it in his history.
    """
    bot_id = notices.carrier(ctx.config.tenant_id, receiver.telegram_id, ctx.config.id)
    if bot_id is None:
        return
    chosen = receiver.locale or locale_of(receiver.language_code) or ctx.config.locale
    place = Place(chosen, ctx.config.timezone)
    sender = visible_name(ctx.person.first_name, ctx.person.last_name) or place.t(points.SOMEBODY)
    told = N_("🎁 %(name)s has given you %(amount)s credits.\nYour balance: %(balance)s")
    lines = [
        place.t(
            told, name=sender, amount=points.number(received.amount), balance=points.number(received.balance)
        )
    ]
    if note != NO_NOTE:
        lines.append(place.t(N_("%(name)s writes: “%(note)s”"), name=sender, note=note))
    payload: dict[str, object] = {
        "text": "\n\n".join(lines),
        "link_preview_options": {"is_disabled": True},
        "reply_markup": {
            "inline_keyboard": [[{"text": place.t(N_("💰 My credits")), "callback_data": data(OPEN)}]]
        },
    }
    outbox.queue_message(
        ctx.config.tenant_id, bot_id, receiver.telegram_id, "sendMessage", payload, f"transfer:{key}"
    )
