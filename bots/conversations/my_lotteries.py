"""A person's latest entries: how they stand, the prize to claim, and the proof that he is on the list."""

from collections.abc import Sequence

from app.core import clock
from app.core.i18n import N_
from app.domain.lotteries import LotteryState, WinnerState
from app.models import Lottery, LotteryWinner
from app.services.lotteries import lookup, receipts, settling, showing, winners
from app.services.lotteries.lookup import MyEntry
from app.services.lotteries.receipts import Receipt
from bots.conversations.lotteries import at_home
from bots.keyboards import Button, ButtonExpired, Keyboard, data, shortened
from bots.router import Context, Router

router = Router()
router.menu_entry(110, "menu_my_lotteries", data("lmine"))
_SEALED = frozenset({LotteryState.DRAWING, LotteryState.DRAWN})
_WON = {
    WinnerState.WON: N_("🏆 You won: %(prize)s"),
    WinnerState.CLAIMED: N_("🏆 You won: %(prize)s (claimed, on its way to you)"),
    WinnerState.HANDED_OVER: N_("🏆 You won: %(prize)s (handed over)"),
    WinnerState.EXPIRED: N_("⌛ You had won: %(prize)s (not claimed in time)"),
}


@router.button("lmine")
def mine_button(ctx: Context) -> None:
    at_home(ctx)
    _show(ctx)


@router.command("mylotteries")
def mine_command(ctx: Context) -> None:
    """Whom the entries belong to concerns nobody else, so nothing is said in groups."""
    if not ctx.private:
        ctx.say(ctx.t(N_("Please send me this in a private chat.")))
        return
    _show(ctx)


def _show(ctx: Context) -> None:
    with ctx.transaction():
        mine = lookup.latest_entries(ctx.config.tenant_id, ctx.person.telegram_id)
    if not mine:
        ctx.show(
            ctx.t(N_("You have not joined a lottery yet.")),
            Keyboard([[Button(ctx.main_text("menu_lotteries"), data("lots"))], [_home(ctx)]]),
        )
        return
    blocks = [f"{number}. {_block(ctx, one)}" for number, one in enumerate(mine, start=1)]
    ctx.show("\n\n".join([ctx.t(N_("🎊 Your latest lotteries")), *blocks]), _buttons(ctx, mine))


def _block(ctx: Context, one: MyEntry) -> str:
    link = showing.public_link(one.lottery.code)
    lines = [one.lottery.title, _state(ctx, one), *([f"🔗 {link}"] if link else [])]
    return "\n   ".join(lines)


def _state(ctx: Context, one: MyEntry) -> str:
    lottery, place = one.lottery, ctx.place
    if one.winner is not None and lottery.state is LotteryState.DRAWN:
        told = ctx.t(_WON[one.winner.state], prize=one.prize.name if one.prize else "")
        until = one.winner.claim_until
        if until is not None and _claimable(one):
            told += "\n   " + ctx.t(N_("Claim it by %(time)s."), time=place.time(until))
        return told
    if lottery.state is LotteryState.DRAWN:
        return ctx.t(N_("Drawn. No luck this time."))
    if lottery.state is LotteryState.CANCELLED:
        paid = N_("🚫 Cancelled. Your credits are given back.") if one.entry.paid else N_("🚫 Cancelled.")
        return ctx.t(paid)
    if lottery.state is LotteryState.DRAWING:
        return ctx.t(N_("⏳ The draw is running."))
    return ctx.t(N_("⏳ You are in. Draw: %(time)s"), time=place.time(lottery.closes_at))


def _claimable(one: MyEntry) -> bool:
    winner: LotteryWinner | None = one.winner
    if winner is None or winner.state is not WinnerState.WON or one.lottery.state is not LotteryState.DRAWN:
        return False
    return winner.claim_until is None or winner.claim_until > clock.now()


def _buttons(ctx: Context, mine: Sequence[MyEntry]) -> Keyboard:
    """Prizes to claim stand first."""
    rows = []
    for one in mine:
        if _claimable(one):
            label = ctx.t(N_("🏆 Claim: %(prize)s"), prize=one.prize.name if one.prize else "")
            rows.append([Button(shortened(label), data(settling.CLAIM, one.lottery.code))])
    for number, one in enumerate(mine, start=1):
        if one.lottery.state in _SEALED:
            label = ctx.t(N_("🔍 Receipt %(number)s. %(title)s"), number=number, title=one.lottery.title)
            rows.append([Button(shortened(label), data(settling.RECEIPT, one.lottery.code))])
        else:
            rows.append([Button(shortened(f"{number}. {one.lottery.title}"), data("lot", one.lottery.code))])
    return Keyboard([*rows, [_home(ctx)]])


@router.button(settling.CLAIM)
def claim_button(ctx: Context) -> None:
    """From the list or the message that told him. Only the winner's own press does anything, a second one nothing more."""
    at_home(ctx)
    with ctx.transaction():
        lottery = _lottery(ctx)
        winner = winners.claim(lottery.id, ctx.person.telegram_id)
    if winner.state is WinnerState.HANDED_OVER:
        told = N_("This prize was handed over to you already.")
    else:
        told = N_("✅ Claimed! The people who run this bot will hand it over to you.")
    ctx.toast(ctx.t(told), alert=True)
    receipt = Button(ctx.t(N_("🔍 Receipt")), data(settling.RECEIPT, lottery.code))
    ctx.redraw(Keyboard([[receipt], [Button(ctx.main_text("menu_my_lotteries"), data("lmine"))]]))


@router.button(settling.RECEIPT)
def receipt_button(ctx: Context) -> None:
    """The person's line of the sealed list and the way from it to the public root."""
    at_home(ctx)
    with ctx.transaction():
        lottery = _lottery(ctx)
        receipt = receipts.receipt(lottery.id, ctx.person.telegram_id)
    back = Button(ctx.t(N_("« Back")), data("lmine"))
    ctx.show(_receipt(ctx, lottery, receipt), Keyboard([[back]]))


def _receipt(ctx: Context, lottery: Lottery, receipt: Receipt) -> str:
    head = ctx.t(
        N_(
            "🔍 Your receipt for %(title)s\n\nYou are number %(number)s of the sealed list, with tickets: %(weight)s. From"
            " the lines below anybody can compute the fingerprint (root) of the list, which stands on the public page:"
            " so nobody can have changed your entry."
        ),
        title=lottery.title,
        number=receipt.number,
        weight=receipt.weight,
    )
    link = showing.public_link(lottery.code)
    lines = [
        f"number: {receipt.number}",
        f"ref: {receipt.ref}",
        f"weight: {receipt.weight}",
        f"conditions: {receipt.conditions or '-'}",
        f"leaf: {receipt.leaf}",
        *(f"{side}: {neighbour}" for side, neighbour in receipt.path),
        f"root: {receipt.root}",
    ]
    return "\n\n".join([head, "\n".join(lines), *([f"🔗 {link}"] if link else [])])


def _lottery(ctx: Context) -> Lottery:
    lottery = lookup.find_by_code(ctx.press.word())
    if lottery is None:
        raise ButtonExpired
    return lottery


def _home(ctx: Context) -> Button:
    return Button(ctx.t(N_("« Main menu")), data("menu"))
