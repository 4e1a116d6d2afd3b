"""Joining a lottery, from its card or from its post in a channel, and getting more tickets."""

from app.core.errors import NotFound
from app.core.i18n import N_
from app.domain.lotteries import bot_link
from app.services.lotteries import conditions, entries, standing, tickets
from app.services.lotteries.standing import Standing
from bots import joining, lottery_card, points
from bots.conversations.lotteries import at_home, show_card
from bots.keyboards import Button, ButtonExpired, Keyboard, data
from bots.router import Context, Router

router = Router()
_OFFERS = (1, 5, 10, 20)


@router.button("lj")
def join_button(ctx: Context) -> None:
    """What happened stands in an alert; the buttons under the card then show what is missing, or that he is in."""
    if not ctx.private:
        _join_at_post(ctx)
        return
    at_home(ctx)
    try:
        found, outcome = joining.look_and_join(ctx, ctx.press.word())
    except NotFound:
        raise ButtonExpired from None
    ctx.toast(outcome.note, alert=True)
    if outcome.joined or outcome.checked:
        ctx.redraw(lottery_card.keyboard(ctx, found, outcome.checked, joined=outcome.joined))


def _join_at_post(ctx: Context) -> None:
    """In a channel or group: only where the lottery was posted, and only whom the bot can tell about a prize.

    Anybody else is led to the bot, where he joins. So is who lacks a condition: an alert holds no button, the card in
    the bot has one for each that is missing.
    """
    with ctx.transaction():
        found = standing.find_by_code(ctx.press.word(), ctx.person.telegram_id)
        posted, reachable = False, False
        if found is not None:
            event = ctx.event
            posted, reachable = standing.at_post(found, ctx.config.id, event.chat_id, event.chat_username)
    if found is None or not posted:
        raise ButtonExpired
    outcome = joining.join(ctx, found) if reachable or not found.takes_entries else None
    if outcome is None or (outcome.checked and not outcome.joined):
        ctx.toast(url=bot_link(ctx.config.username, found.code))
    else:
        ctx.toast(outcome.note, alert=True)


@router.button("ln")
def condition_button(ctx: Context) -> None:
    """Says what a condition still needs, for those that no address leads to."""
    at_home(ctx)
    found, place = _look(ctx), ctx.press.word(1)
    checked = entries.check(found, {})
    if not place.isdecimal() or len(place) > 2 or int(place) >= len(checked):
        raise ButtonExpired
    one = checked[int(place)]
    if one.passed:
        ctx.toast(ctx.t(N_("✅ You meet this condition.")), alert=True)
    else:
        ctx.toast(conditions.words_for_missing(one, ctx.locale), alert=True)


@router.button("lt")
def tickets_button(ctx: Context) -> None:
    """Asks how many tickets it shall be."""
    at_home(ctx)
    found = _look(ctx)
    most = tickets.on_offer(found)
    price, balance = found.tickets.price, found.known.balance
    if found.entry is None or not most or not found.takes_entries:
        ctx.toast(ctx.t(tickets.NoTickets.message), alert=True)
        return
    if balance < price:
        short = N_("One ticket costs %(credits)s credits, you have %(have)s.")
        ctx.toast(ctx.t(short, credits=points.number(price), have=points.number(balance)), alert=True)
        return
    text = N_(
        "🎟 %(title)s\n\nOne more ticket costs %(credits)s credits. You have %(have)s credits and hold %(held)s of at most"
        " %(most)s tickets.\n\nHow many do you want?"
    )
    ctx.show(
        ctx.t(
            text,
            title=found.title,
            credits=points.number(price),
            have=points.number(balance),
            held=found.weight,
            most=found.tickets.most,
        ),
        _offers(ctx, found, min(most, balance // price), found.entry.bought),
    )


def _offers(ctx: Context, found: Standing, most: int, had: int) -> Keyboard:
    price = found.tickets.price
    rows = [
        [
            Button(
                ctx.t(
                    N_("Buy %(count)s for %(credits)s credits"),
                    count=count,
                    credits=points.number(count * price),
                ),
                data("lb", found.code, had, count),
            )
        ]
        for count in _OFFERS
        if count <= most
    ]
    return Keyboard([*rows, [Button(ctx.t(N_("« Back")), data("lot", found.code))]])


@router.button("lb")
def buy_button(ctx: Context) -> None:
    """The button knows how many he had when it was drawn, so pressing it again buys nothing."""
    at_home(ctx)
    found = _look(ctx)
    had, count = ctx.press.word(1), ctx.press.id(2)
    if count not in _OFFERS or not had.isdecimal() or len(had) > 3:
        raise ButtonExpired
    with ctx.transaction():
        bought = tickets.buy(found.lottery_id, ctx.person.telegram_id, had=int(had), count=count)
    told = N_("🎟 Done! You hold %(held)s tickets now and have %(balance)s credits left.")
    ctx.toast(ctx.t(told, held=bought.weight, balance=points.number(bought.balance)), alert=True)
    show_card(ctx, found.code)


@router.button("lo")
def boosts_button(ctx: Context) -> None:
    """Asks Telegram again how often he boosts the channel."""
    at_home(ctx)
    found = _look(ctx)
    if found.entry is None or not found.takes_entries or not found.tickets.per_boost:
        raise ButtonExpired
    boosts = joining.count_boosts(ctx, found)
    with ctx.transaction():
        entries.set_boosts(found.lottery_id, ctx.person.telegram_id, boosts)
        found = standing.find_by_code(found.code, ctx.person.telegram_id) or found
    told = N_("🚀 Your boosts: %(boosts)s. You hold %(held)s tickets now.")
    ctx.toast(ctx.t(told, boosts=boosts, held=found.weight), alert=True)
    show_card(ctx, found.code)


def _look(ctx: Context) -> Standing:
    """How the person stands with the lottery that the button names. Raises ButtonExpired where there is none."""
    with ctx.transaction():
        found = standing.find_by_code(ctx.press.word(), ctx.person.telegram_id)
    if found is None:
        raise ButtonExpired
    return found
