"""Pausing a bot from the chat, and bringing it back from another bot of the same boss."""

from app.core.errors import NotFound
from app.core.i18n import N_
from app.domain.form_answers import TOLD
from app.models import Bot
from app.services import bots
from bots import bossing
from bots.conversations.admin import STATES
from bots.keyboards import Button, Keyboard, data, shortened
from bots.router import Context, Router

router = Router()
MOST = 20
_MEANS = N_(
    "Pause %(bot)s?\n\nWhile it is paused it answers nobody and sends nothing: orders and draws go on, but their messages wait,"
    " and its broadcasts stop. What people write meanwhile waits at Telegram for up to a day."
)
_ITSELF = N_("This is the bot you are talking with: paused, it can't hear you.")
_ON_PAGE = N_("You resume it on the page.")
_OR_THERE = N_("You resume it on the page, or by /admin in %(bots)s.")


@router.button("adbots")
def bots_button(ctx: Context) -> None:
    with bossing.acting(ctx):
        page = _list(ctx)
    ctx.show(*page)


@router.button("adpause")
def pause_button(ctx: Context) -> None:
    """Says what it means, then does it; one that is paused already stays so."""
    wanted, sure = ctx.press.id(), bossing.confirmed(ctx)
    with bossing.acting(ctx):
        bot = _chosen(ctx, wanted)
        resuming = _how_to_resume(ctx, bot)
        if sure and bot.enabled:
            bots.set_enabled(bot.id, enabled=False)
        label = bots.label(bot)
    if sure:
        text = ctx.t(N_("⏸ %(bot)s is paused."), bot=label) + "\n\n" + resuming
        here = wanted == ctx.config.id
        rows = bossing.page_row(ctx, f"/admin/bots/details/?id={wanted}")
        ctx.show(text, Keyboard(rows if here else [*rows, [bossing.back(ctx, "adbots")]]))
        return
    blocks = [ctx.t(_MEANS, bot=label), resuming]
    if wanted == ctx.config.id:
        blocks.insert(1, ctx.t(_ITSELF))
    rows = [
        [Button(ctx.t(N_("⏸ Yes, pause it")), data("adpause", wanted, bossing.YES))],
        [bossing.back(ctx, "adbots")],
    ]
    ctx.show("\n\n".join(blocks), Keyboard(rows))


@router.button("adresume")
def resume_button(ctx: Context) -> None:
    """Another bot of the tenant runs again."""
    with bossing.acting(ctx):
        bot = _chosen(ctx, ctx.press.id())
        if not bot.enabled:
            bots.set_enabled(bot.id, enabled=True)
        label, page = bots.label(bot), _list(ctx)
    ctx.show(*page)
    ctx.toast(ctx.t(N_("%(bot)s is starting."), bot=label))


def _list(ctx: Context) -> tuple[str, Keyboard]:
    found = bots.list_bots(ctx.config.tenant_id, limit=MOST)
    lines = [f"{'▶️' if one.enabled else '⏸'} {_state(ctx, one)}" for one in found]
    rows = [[_button(ctx, one)] for one in found]
    head = ctx.t(N_("🤖 Your bots"))
    return "\n".join([head, "", *lines]), Keyboard([*rows, [bossing.back(ctx)]])


def _state(ctx: Context, bot: Bot) -> str:
    return ctx.t(TOLD, question=bots.label(bot), answer=ctx.t(STATES[bot.state]))


def _button(ctx: Context, bot: Bot) -> Button:
    if bot.enabled:
        label, name = ctx.t(N_("⏸ Pause %(bot)s"), bot=bots.label(bot)), "adpause"
    else:
        label, name = ctx.t(N_("▶️ Resume %(bot)s"), bot=bots.label(bot)), "adresume"
    return Button(shortened(label), data(name, bot.id))


def _how_to_resume(ctx: Context, bot: Bot) -> str:
    others = [
        one for one in bots.list_bots(ctx.config.tenant_id, limit=MOST) if one.enabled and one.id != bot.id
    ]
    if not others:
        return ctx.t(_ON_PAGE)
    return ctx.t(_OR_THERE, bots=", ".join(bots.label(one) for one in others))


def _chosen(ctx: Context, bot_id: int) -> Bot:
    bot = bots.get(bot_id)
    if bot.tenant_id != ctx.config.tenant_id or bot.removed_at is not None:
        raise NotFound
    return bot
