"""A lottery as one person sees it in his chat with the bot: the card, and the buttons under it."""

from collections.abc import Sequence

from app.core import clock
from app.core.i18n import N_
from app.domain.links import share_link
from app.domain.lotteries import ConditionKind, bot_link
from app.domain.sending import MAX_CAPTION, MAX_TEXT, visible_length
from app.domain.wording import Place
from app.models import Lottery
from app.services.lotteries import entries, invites, showing, tickets
from app.services.lotteries.conditions import Checked
from app.services.lotteries.standing import Standing
from bots import points
from bots.context import Context
from bots.keyboards import Button, Keyboard, data, shortened

_MARKS = {True: "✅", False: "❌", None: "👉"}


def text(ctx: Context, lottery: Lottery, found: Standing) -> str:
    """The card in Telegram's HTML, with what concerns the person alone. Needs a transaction."""
    place = ctx.place
    pictured = lottery.picture_id is not None
    card = showing.card_of(lottery, place, now=clock.now(), caption=pictured)
    whole = "\n\n".join([card, *_own(found, place, link(ctx, found))])
    # Where the room does not suffice, under a picture above all, the buttons tell the same in short.
    room = MAX_CAPTION if pictured else MAX_TEXT
    return whole if visible_length(whole) <= room else card


def _own(found: Standing, place: Place, url: str) -> list[str]:
    lines = []
    if found.entry is not None:
        lines.append(place.e(N_("✅ You are in, with tickets: %(count)s"), count=found.weight))
    if found.takes_entries and (invites_wanted(found) or found.entry is not None):
        told = place.e(N_("👥 Friends who came by your link: %(count)s"), count=found.known.friends)
        lines.append(f"{told}\n{url}")
    return lines


def link(ctx: Context, found: Standing) -> str:
    """The address that opens this lottery in the bot; friends who come by it count for this person."""
    ref = invites.make_ref(found.member_id) if found.member_id else ""
    return bot_link(ctx.config.username, found.code, ref)


def invites_wanted(found: Standing) -> bool:
    """Whether friends are worth something here."""
    kinds = {condition.kind for condition in found.conditions}
    return ConditionKind.INVITES in kinds or bool(found.tickets.per_invite)


def keyboard(
    ctx: Context, found: Standing, checked: Sequence[Checked] = (), *, joined: bool = False
) -> Keyboard:
    """The buttons; `checked` are the conditions as they were just asked, `joined` = he has joined since `found`."""
    rows: list[list[Button]] = []
    if not found.takes_entries:
        pass
    elif joined or found.entry is not None:
        rows += _rows_of_entrant(ctx, found)
    else:
        rows.append([Button(ctx.t(N_("🎁 Join now")), data("lj", found.code))])
        conditions = checked or entries.check(found, {})
        rows += [[_way(ctx, found, place, one)] for place, one in enumerate(conditions)]
        if found.tickets.per_invite and not any(
            one.condition.kind is ConditionKind.INVITES for one in conditions
        ):
            rows.append([_share(ctx, found)])
        if any(one.condition.kind is ConditionKind.CREDITS and one.passed is False for one in conditions):
            rows.append([points.button(ctx)])
    rows.append(
        [
            Button(ctx.t(N_("« Lotteries")), data("lots")),
            Button(ctx.main_text("menu_my_lotteries"), data("lmine")),
        ]
    )
    return Keyboard(rows)


def _rows_of_entrant(ctx: Context, found: Standing) -> list[list[Button]]:
    rows = [[Button(ctx.t(N_("✅ You are in")), data("lj", found.code))], [_share(ctx, found)]]
    if found.tickets.price and (found.entry is None or tickets.on_offer(found)):
        label = ctx.t(
            N_("🎟 One more ticket for %(credits)s credits"), credits=points.number(found.tickets.price)
        )
        rows.append([Button(label, data("lt", found.code))])
        if found.known.balance < found.tickets.price:
            rows.append([points.button(ctx)])
    if found.tickets.per_boost:
        rows.append([Button(ctx.t(N_("🚀 Count my boosts again")), data("lo", found.code))])
    return rows


def _way(ctx: Context, found: Standing, place: int, one: Checked) -> Button:
    """A condition with its mark, and the way to what is missing."""
    condition, mark = one.condition, _MARKS[one.passed]
    if condition.kind is ConditionKind.INVITES:
        return _share(ctx, found, f"{mark} ", one)
    if condition.kind is ConditionKind.CHANNEL:
        label = ctx.t(N_("Join the channel %(chat)s"), chat=condition.title or condition.chat)
        address = condition.url or (f"https://t.me/{condition.chat[1:]}" if condition.chat[0] == "@" else "")
        if address:
            return Button(shortened(f"{mark} {label}"), url=address)
    elif condition.kind is ConditionKind.CREDITS:
        label = ctx.t(
            N_("%(credits)s credits (you have %(have)s)"),
            credits=points.number(condition.amount),
            have=points.number(one.have),
        )
    else:
        label = ctx.t(N_("Known for %(days)s days (you: %(have)s)"), days=condition.amount, have=one.have)
    return Button(shortened(f"{mark} {label}"), data("ln", found.code, place))


def _share(ctx: Context, found: Standing, mark: str = "📨 ", one: Checked | None = None) -> Button:
    """Opens Telegram's list of chats to send the invite link to."""
    have = found.known.friends
    if one is not None:
        label = ctx.t(N_("Invite friends (%(have)s/%(count)s so far)"), have=have, count=one.condition.amount)
    else:
        label = ctx.t(N_("Invite friends (%(have)s so far)"), have=have)
    said = ctx.t(N_("Join me in this lottery: %(title)s"), title=found.title)
    return Button(mark + label, url=share_link(link(ctx, found), said))
