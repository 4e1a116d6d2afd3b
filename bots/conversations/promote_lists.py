"""Who came by a promoter's link and what came of it, and the entries of his balance."""

from app.core.i18n import N_
from app.services.affiliates import figures
from app.services.affiliates.figures import PAGE, Line
from app.services.affiliates.wording import ENTRIES, OUTCOMES
from bots import promoting
from bots.conversations.lotteries import at_home
from bots.keyboards import Button, Keyboard, data
from bots.router import Context, Router

router = Router()


@router.button("prwho")
def who_button(ctx: Context) -> None:
    """So that nobody has to ask why somebody whom he sent does not count."""
    at_home(ctx)
    with ctx.transaction():
        promoter = promoting.the_promoter(ctx)
        found = figures.visitors(promoter.id, _before(ctx), PAGE + 1)
    lines = [
        f"{ctx.place.short_time(one.at)}  {promoting.masked(one.name)}\n   {ctx.t(OUTCOMES[one.outcome])}"
        for one in found[:PAGE]
    ]
    empty = N_("Nobody has opened your link yet. Send it to friends and groups, every visit shows up here.")
    head = ctx.t(N_("👥 Who came by your link"))
    _show(ctx, head, lines or [ctx.t(empty)], _older(ctx, "prwho", [one.id for one in found]))


@router.button("prbook")
def book_button(ctx: Context) -> None:
    at_home(ctx)
    with ctx.transaction():
        promoter = promoting.the_promoter(ctx)
        found = figures.lines(promoter.id, _before(ctx), PAGE + 1)
    lines = [_line(ctx, one) for one in found[:PAGE]]
    empty = N_("Nothing yet. When somebody you brought buys, your commission stands here.")
    head = ctx.t(N_("📒 Your entries"))
    _show(ctx, head, lines or [ctx.t(empty)], _older(ctx, "prbook", [one.id for one in found]))


def _line(ctx: Context, one: Line) -> str:
    sign = "+" if one.amount > 0 else ""
    what = ctx.t(ENTRIES[one.kind])
    if one.level == 2:
        what += ctx.t(N_(" (through a promoter you brought)"))
    lines = [
        f"{ctx.place.short_time(one.at)}  {sign}{ctx.place.money(one.amount, one.currency)}",
        f"   {what}" + (f" · {one.order_code}" if one.order_code else ""),
    ]
    if one.note:
        lines.append(f"   {one.note}")
    return "\n".join(lines)


def _before(ctx: Context) -> int | None:
    return ctx.press.id() if ctx.press.arguments else None


def _older(ctx: Context, name: str, ids: list[int]) -> list[list[Button]]:
    if len(ids) <= PAGE:
        return []
    return [[Button(ctx.t(N_("Older ➡️")), data(name, ids[PAGE - 1]))]]


def _show(ctx: Context, head: str, lines: list[str], turns: list[list[Button]]) -> None:
    ctx.show("\n\n".join([head, *lines]), Keyboard([*turns, [promoting.back_button(ctx)]]))
