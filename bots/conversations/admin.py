"""/admin: how the shop and the bot are doing today, and the way to everything that a boss can do from his phone."""

from app.core.i18n import N_
from app.domain.bots import BotState
from app.domain.people import Role
from app.models import Order
from app.services import bot_figures, dashboard, shop_alerts
from app.services.bot_figures import Figures
from app.services.orders import listing, lookup
from app.services.shop_figures import today
from app.services.shop_figures.today import Today
from bots import boss_order, bossing
from bots.bossing import Boss
from bots.keyboards import Button, Keyboard, data
from bots.router import Context, Router

router = Router()
STATES = {
    BotState.STARTING: N_("starting"),
    BotState.RUNNING: N_("running"),
    BotState.STOPPED: N_("stopped"),
    BotState.REVOKED: N_("token revoked"),
    BotState.CONFLICT: N_("somebody else is using this bot"),
    BotState.UNREACHABLE: N_("Telegram cannot be reached"),
}
_SHOP = N_(
    "🧾 Orders paid: %(paid)s\n💰 Revenue: %(revenue)s\n⏳ In work: %(working)s\n👉 Waiting for you: %(todo)s\n"
    "⚠️ Failed: %(failed)s"
)
_BOT = N_(
    "State: %(state)s\nUpdates today: %(today)s\nNew members: %(new)s\nMembers: %(members)s\n"
    "Waiting: %(open)s\nSet aside after errors: %(dead)s"
)
_STRANGER = N_(
    "This is for the people who run this bot. If you are one of them, link your Telegram account on your page first."
)


@router.command("admin")
def admin(ctx: Context) -> None:
    """Figures go only to linked staff, and never into a group; an order's code behind the command opens that order."""
    if not ctx.private:
        ctx.say(ctx.t(N_("Please send me this in a private chat.")))
        return
    with ctx.transaction():
        boss = bossing.find(ctx)
        order = lookup.find_by_code(ctx.event.argument) if boss and ctx.event.argument else None
        page = _page(ctx, boss, order)
    ctx.say(*page)


@router.button(bossing.HOME)
def home_button(ctx: Context) -> None:
    """Back from everywhere, and to see fresh figures; whatever he was asked for is over."""
    with bossing.acting(ctx, Role.SUPPORT) as boss:
        page = _home(ctx, boss)
    ctx.leave()
    ctx.show(*page)


def _page(ctx: Context, boss: Boss | None, order: Order | None) -> tuple[str, Keyboard | None]:
    if boss is None:
        return ctx.t(_STRANGER), None
    return boss_order.card(ctx, boss, order) if order is not None else _home(ctx, boss)


def _home(ctx: Context, boss: Boss) -> tuple[str, Keyboard]:
    config = ctx.config
    shop = today.today(config.tenant_id, config.timezone)
    figures = bot_figures.get(config.id, config.timezone)
    new = dashboard.today(config.tenant_id, config.timezone).new_members
    alerts = shop_alerts.count_open(config.tenant_id)
    blocks = [ctx.t(N_("📊 @%(bot)s · today"), bot=config.username)]
    if shop.sells:
        blocks.append(_shop(ctx, shop))
    blocks.append(_bot(ctx, figures, new))
    blocks.append(ctx.t(N_("🔔 Open alerts: %(count)s"), count=alerts))
    return "\n\n".join(blocks), Keyboard(_rows(ctx, boss, alerts))


def _shop(ctx: Context, shop: Today) -> str:
    revenue = ", ".join(
        ctx.place.money(minor, currency) for currency, minor in shop.received.items() if minor
    )
    return ctx.t(
        _SHOP,
        paid=shop.paid,
        revenue=revenue or "-",
        working=shop.waiting + shop.working,
        todo=listing.todo_count(ctx.config.tenant_id),
        failed=shop.failed,
    )


def _bot(ctx: Context, figures: Figures, new_members: int) -> str:
    return ctx.t(
        _BOT,
        state=ctx.t(STATES[figures.state]),
        today=figures.updates_today,
        new=new_members,
        members=figures.members,
        # This very command is one of those that wait.
        open=max(0, figures.open_updates - 1),
        dead=figures.dead_updates,
    )


def _rows(ctx: Context, boss: Boss, alerts: int) -> list[list[Button]]:
    rows = [
        [
            Button(ctx.t(N_("📦 Orders")), data("adorders", "all", 1)),
            Button(ctx.t(N_("🔔 Alerts (%(count)s)"), count=alerts), data("adalerts")),
        ]
    ]
    if boss.may(Role.MANAGER):
        rows += [
            [
                Button(ctx.t(N_("🎁 New lottery")), data("adlots")),
                Button(ctx.t(N_("📣 Broadcast")), data("adnews")),
            ],
            [
                Button(ctx.t(N_("💰 Credits")), data("adpt")),
                Button(ctx.t(N_("⏸ Pause or resume a bot")), data("adbots")),
            ],
        ]
    rows.append([Button(ctx.t(N_("🔄 Refresh")), data(bossing.HOME))])
    return rows + bossing.page_row(ctx, "/admin/")
