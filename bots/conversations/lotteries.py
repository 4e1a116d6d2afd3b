"""The open lotteries of a tenant, and the card of one."""

from app.core.i18n import N_
from app.domain.lotteries import bot_link
from app.services.lotteries import invites, lookup, standing
from app.services.lotteries.lookup import Page
from bots import lottery_card
from bots.keyboards import Button, ButtonExpired, Keyboard, data, shortened
from bots.router import Context, Router

router = Router()
router.menu_entry(100, "menu_lotteries", data("lots"))
_LAST_PAGE = 999


@router.command("lottery")
def lottery_command(ctx: Context) -> None:
    """The list; a code behind the command opens that lottery."""
    if ctx.event.argument and ctx.private:
        show_card(ctx, ctx.event.argument)
        return
    with ctx.transaction():
        page = lookup.list_open(ctx.config.tenant_id)
    ctx.say(_list(ctx, page), _buttons(ctx, page))


@router.button("lots")
def lotteries_button(ctx: Context) -> None:
    """Without an argument the first page, else that one; in a group nobody turns pages for all."""
    at_home(ctx)
    number = ctx.press.id() if ctx.press.arguments else 0
    if number > _LAST_PAGE:
        raise ButtonExpired
    with ctx.transaction():
        page = lookup.list_open(ctx.config.tenant_id, number)
    ctx.show(_list(ctx, page), _buttons(ctx, page))


@router.button("lot")
def card_button(ctx: Context) -> None:
    at_home(ctx)
    show_card(ctx, ctx.press.word())


@router.start_link("l_")
def from_link(ctx: Context) -> None:
    """`l_<code>` or `l_<code>_<ref>`; whatever else stands there is no code of ours."""
    code, _, ref = ctx.event.argument.partition("_")
    show_card(ctx, code, ref)


def at_home(ctx: Context) -> None:
    """Raises ButtonExpired anywhere but in the person's own chat with the bot: no such button was drawn there."""
    if not ctx.private or ctx.event.chat_id != ctx.person.telegram_id:
        raise ButtonExpired


def show_card(ctx: Context, code: str, ref: str = "") -> None:
    """One lottery; `ref` is the mark of whoever sent the link, for whom this person then counts as a friend."""
    with ctx.transaction():
        found = standing.find_by_code(code, ctx.person.telegram_id)
        lottery = lookup.get(found.lottery_id) if found is not None else None
        if found is None or lottery is None:
            text = None
        else:
            if ref:
                invites.record(lottery.id, ctx.person.telegram_id, ref)
            text = lottery_card.text(ctx, lottery, found)
    if text is None or found is None or lottery is None:
        message = N_(
            "There is no such lottery here. Perhaps the link is incomplete, or the lottery was removed."
        )
        ctx.show(ctx.t(message), Keyboard([[Button(ctx.main_text("menu_lotteries"), data("lots"))]]))
        return
    keyboard = lottery_card.keyboard(ctx, found)
    if lottery.picture_id is not None:
        ctx.show_picture(lottery.picture_id, text, keyboard)
    else:
        ctx.show(text, keyboard, html=True)


def _list(ctx: Context, page: Page) -> str:
    if not page.lotteries:
        return ctx.t(N_("No lottery is open at the moment. Have a look again later!"))
    place = ctx.place
    head = ctx.t(N_("🎁 Open lotteries"))
    if page.number or page.more:
        head += " " + ctx.t(N_("(page %(number)s)"), number=page.number + 1)
    lines = [
        f"• {one.title}\n   {ctx.t(N_('Draw: %(time)s'), time=place.time(one.closes_at))}"
        for one in page.lotteries
    ]
    return "\n\n".join([head, *lines])


def _buttons(ctx: Context, page: Page) -> Keyboard:
    """In a group each button opens the lottery in the person's own chat with the bot."""
    if not ctx.private:
        bot = ctx.config.username
        links = [Button(shortened(one.title), url=bot_link(bot, one.code)) for one in page.lotteries]
        return Keyboard([[link] for link in links])
    rows = [[Button(shortened(one.title), data("lot", one.code))] for one in page.lotteries]
    turns = []
    if page.number:
        back = data("lots", page.number - 1) if page.number > 1 else data("lots")
        turns.append(Button(ctx.t(N_("⬅️ Previous")), back))
    if page.more:
        turns.append(Button(ctx.t(N_("Next ➡️")), data("lots", page.number + 1)))
    home = Button(ctx.t(N_("« Main menu")), data("menu"))
    return Keyboard([*rows, *([turns] if turns else []), [home]])
