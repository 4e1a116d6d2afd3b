"""Promoting: somebody comes by a promoter's link, becomes a promoter himself, and sees what his link brought."""

import html
import io

import segno

from app.core.i18n import N_
from app.domain.affiliates import PromoterState, Referral
from app.models import Promoter
from app.services import affiliates
from app.services.affiliates import figures, promoters, terms
from app.services.affiliates.figures import Figures
from app.services.affiliates.telling import OPEN
from app.services.affiliates.terms import Terms
from bots import promoting
from bots.conversations.lotteries import at_home
from bots.conversations.menu import back_keyboard, menu_keyboard
from bots.keyboards import Button, Keyboard, data
from bots.promoting import sums
from bots.router import Context, Router
from bots.telegram.sender import Call, perform

router = Router()
router.menu_entry(120, "menu_promote", data(OPEN), promoting.is_offered)
WITHDRAWING = "withdraw_"
"""What the names of the steps begin with in which somebody asks to be paid."""
_QR_SCALE = 12


@router.start_link("r_")
def from_link(ctx: Context) -> None:
    """The first transaction of the update both writes the person down and binds him, so he is new in it or never."""
    with ctx.transaction():
        outcome = affiliates.touch(ctx.config.tenant_id, ctx.event.argument, ctx.person.telegram_id)
    if outcome is Referral.SELF:
        ctx.say(ctx.t(N_("This is your own link: it counts when others open it. Send it to your friends!")))
        open_page(ctx)
        return
    ctx.say(ctx.main_text("welcome"), menu_keyboard(ctx))


@router.command("promote")
def promote_command(ctx: Context) -> None:
    """What somebody earns concerns nobody else, so nothing is said in groups."""
    if not ctx.private:
        ctx.say(ctx.t(N_("Please send me this in a private chat.")))
        return
    open_page(ctx)


@router.button(OPEN)
def promote_button(ctx: Context) -> None:
    """Whoever goes back here is no longer about to ask for money."""
    at_home(ctx)
    if ctx.step is not None and ctx.step.name.startswith(WITHDRAWING):
        ctx.forget()
    open_page(ctx)


@router.button("prnew")
def become_button(ctx: Context) -> None:
    at_home(ctx)
    with ctx.transaction():
        promoters.become(ctx.config.tenant_id, ctx.person.telegram_id)
    ctx.toast(ctx.t(N_("Welcome on board! Here is your link.")))
    open_page(ctx)


def open_page(ctx: Context) -> None:
    """A promoter's own page; for others what it is about, and the button that makes them one."""
    tenant_id = ctx.config.tenant_id
    with ctx.transaction():
        rules = terms.load(tenant_id)
        promoter = promoters.find(tenant_id, ctx.person.telegram_id)
        found = figures.of(promoter.id) if promoter is not None else None
    if promoter is not None and found is not None:
        ctx.show(_page(ctx, promoter, found, rules), _buttons(ctx, promoter), html=True)
    elif promoting.is_offered(ctx.config):
        ctx.show(_offer(ctx, rules), _offer_buttons(ctx), html=True)
    else:
        ctx.show(ctx.t(promoters.PromotingOff.message), back_keyboard(ctx))


def _offer(ctx: Context, rules: Terms) -> str:
    how = N_(
        "You get a link of your own. Whoever comes here by it for the first time counts for you for %(days)s days: whenever"
        " he buys something that pays a commission, you earn. If he becomes a promoter himself, you may earn from what he"
        " brings too.\n\nIf an order is refunded, its commission is taken back. You can ask to be paid out here at any time."
    )
    head = ctx.t(N_("📣 Promote and earn"))
    parts = [f"<b>{_e(head)}</b>", _e(ctx.t(how, days=rules.window_days))]
    least = {currency: minor for currency, minor in rules.least.items() if minor}
    if least:
        parts.append(_e(ctx.t(N_("Smallest withdrawal: %(amounts)s"), amounts=sums(ctx, least))))
    if rules.words:
        title = ctx.t(N_("Terms"))
        parts.append(f"<b>{_e(title)}</b>\n{_e(rules.words)}")
    return "\n\n".join(parts)


def _offer_buttons(ctx: Context) -> Keyboard:
    agree = Button(ctx.t(N_("✅ I agree, make me a promoter")), data("prnew"))
    return Keyboard([[agree], [Button(ctx.t(N_("« Main menu")), data("menu"))]])


def _page(ctx: Context, promoter: Promoter, found: Figures, rules: Terms) -> str:
    head, copy = ctx.t(N_("📣 My promoting")), ctx.t(N_("Your link (tap to copy):"))
    lines = [f"<b>{_e(head)}</b>"]
    if promoter.state is PromoterState.PAUSED:
        paused = N_(
            "⏸ Your promoting is paused: nobody new counts for you. What you have earned stays yours."
        )
        lines.append(_e(ctx.t(paused)))
    elif not rules.enabled:
        lines.append(_e(ctx.t(N_("⏸ The shop has paused promoting. What you have earned stays yours."))))
    lines.append(f"{_e(copy)}\n<code>{_e(promoting.link_of(ctx, promoter))}</code>")
    lines.append("\n".join(_e(line) for line in _figures(ctx, found)))
    lines.append(_e(_balance(ctx, found)))
    return "\n\n".join(lines)


def _figures(ctx: Context, found: Figures) -> list[str]:
    buyers = N_("🛒 Buyers: %(buyers)s (%(share)s), orders: %(orders)s")
    lines = [
        ctx.t(N_("👀 Opened your link: %(count)s"), count=found.touched),
        ctx.t(
            N_("🤝 Count for you: %(count)s (%(share)s)"),
            count=found.bound,
            share=f"{found.share(found.bound):.0%}",
        ),
        ctx.t(
            buyers,
            buyers=found.buyers,
            share=f"{found.share(found.buyers):.0%}",
            orders=found.orders,
        ),
        ctx.t(N_("💰 Earned from those you brought: %(amounts)s"), amounts=sums(ctx, found.earned[1])),
    ]
    if found.earned[2]:
        above = N_("💰 Earned through promoters you brought: %(amounts)s")
        lines.append(ctx.t(above, amounts=sums(ctx, found.earned[2])))
    return lines


def _balance(ctx: Context, found: Figures) -> str:
    line = ctx.t(N_("👛 Balance: %(amounts)s"), amounts=sums(ctx, found.balances))
    for currency, minor in found.balances.items():
        if minor < 0:
            debt = N_(
                "Orders were refunded after their commission was paid out: %(amount)s of what you earn next fills that up."
            )
            line += "\n" + ctx.t(debt, amount=ctx.place.money(-minor, currency))
    return line


def _buttons(ctx: Context, promoter: Promoter) -> Keyboard:
    return Keyboard(
        [
            [Button(ctx.t(N_("📤 Send my link to friends")), url=promoting.share_link(ctx, promoter))],
            [
                Button(ctx.t(N_("🔳 QR code")), data("prqr")),
                Button(ctx.t(N_("👥 Who came")), data("prwho")),
            ],
            [
                Button(ctx.t(N_("📒 Entries")), data("prbook")),
                Button(ctx.t(N_("💸 Withdraw")), data("prwd")),
            ],
            [Button(ctx.t(N_("« Main menu")), data("menu"))],
        ]
    )


@router.button("prqr")
def picture_button(ctx: Context) -> None:
    """The link as a picture that can be sent on, printed, or shown to somebody across the table."""
    at_home(ctx)
    with ctx.transaction():
        promoter = promoting.the_promoter(ctx)
    link, file = promoting.link_of(ctx, promoter), io.BytesIO()
    segno.make(link, error="m", micro=False).save(file, kind="png", scale=_QR_SCALE, border=3)
    keyboard = Keyboard(
        [[Button(ctx.t(N_("📤 Send my link to friends")), url=promoting.share_link(ctx, promoter))]]
    )
    params = {"chat_id": ctx.event.chat_id, "caption": link, "reply_markup": keyboard.to_json()}
    perform(Call(ctx.config, "sendPhoto"), params, {"photo": ("link.png", file.getvalue())})


def _e(text: str) -> str:
    return html.escape(text, quote=False)
