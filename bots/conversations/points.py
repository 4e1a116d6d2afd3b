"""A member's credits: balance, what is held, and the history page by page. Only in his own chat with the bot."""

from typing import Final

from app.core.i18n import N_
from app.domain.links import start_link
from app.services.credits import holds, reading, settings, statement
from app.services.credits.statement import OPEN, Page
from bots import points
from bots.conversations.lotteries import at_home
from bots.keyboards import Button, ButtonExpired, Keyboard, data
from bots.router import Context, Router

router = Router()
router.menu_entry(70, "menu_points", data(OPEN), points.is_used)
GIVE: Final = "ptgive"
"""The button that begins a transfer."""
GIVING: Final = "points_"
"""What the names of the steps of a transfer begin with."""
_BEFORE, _AFTER = "b", "a"


@router.command("points")
def points_command(ctx: Context) -> None:
    """What somebody has concerns nobody else, so a group sees no more than the way to the private chat."""
    if ctx.private:
        _show(ctx)
        return
    link = start_link(ctx.config.username, OPEN)
    text = N_("I show credits only in a private chat, where nobody else can see them.")
    ctx.say(ctx.t(text), Keyboard([[Button(ctx.main_text("menu_points"), url=link)]]))


@router.start_link(OPEN)
def from_link(ctx: Context) -> None:
    _show(ctx)


@router.button(OPEN)
def points_button(ctx: Context) -> None:
    """Without arguments the latest, else the page before or after a posting. Whoever comes back here gives nothing away."""
    at_home(ctx)
    if ctx.step is not None and ctx.step.name.startswith(GIVING):
        ctx.forget()
    if not ctx.press.arguments:
        _show(ctx)
    elif ctx.press.word() == _BEFORE:
        _show(ctx, before=ctx.press.id(1))
    elif ctx.press.word() == _AFTER:
        _show(ctx, after=ctx.press.id(1))
    else:
        raise ButtonExpired


def _show(ctx: Context, *, before: int | None = None, after: int | None = None) -> None:
    tenant_id, me = ctx.config.tenant_id, ctx.person.telegram_id
    with ctx.transaction():
        page = statement.page(tenant_id, me, before=before, after=after)
        standing = reading.standing(tenant_id, me)
        held = holds.list_of(tenant_id, me)
        sources = [line.source for line in page.lines] + [one.source for one in held]
        names = points.names_of(tenant_id, sources)
        may_give = settings.get(tenant_id).transfers
    blocks = [ctx.t(N_("💰 My credits"))]
    if not page.newer:
        blocks.append(points.balance(ctx, standing, held, names))
    blocks += points.history(ctx, page.lines, names)
    if not page.lines:
        blocks.append(ctx.t(N_("Nothing yet. Every credit that you get or spend will stand here.")))
    ctx.show("\n\n".join(blocks), _buttons(ctx, page, may_give=may_give))


def _buttons(ctx: Context, page: Page, *, may_give: bool) -> Keyboard:
    turns = []
    if page.newer:
        turns.append(Button(ctx.t(N_("⬅️ Newer")), data(OPEN, _AFTER, page.lines[0].id)))
    if page.older:
        turns.append(Button(ctx.t(N_("Older ➡️")), data(OPEN, _BEFORE, page.lines[-1].id)))
    rows = [turns] if turns else []
    if may_give:
        rows.append([Button(ctx.t(N_("🔁 Transfer")), data(GIVE))])
    return Keyboard([*rows, [Button(ctx.t(N_("« Main menu")), data("menu"))]])
