"""What needs the boss: the open alerts, and one of them with what it is about."""

from app.core.i18n import N_
from app.domain.people import Role
from app.models import ShopAlert
from app.services import audit, shop_alerts
from bots import bossing
from bots.bossing import Boss
from bots.keyboards import Button, ButtonExpired, Keyboard, data, shortened
from bots.router import Context, Router

router = Router()
SHOWN = 8


@router.button("adalerts")
def alerts_button(ctx: Context) -> None:
    with bossing.acting(ctx, Role.SUPPORT):
        page = _list(ctx)
    ctx.show(*page)


@router.button("adalert")
def alert_button(ctx: Context) -> None:
    with bossing.acting(ctx, Role.SUPPORT):
        page = _card(ctx, _chosen(ctx))
    ctx.show(*page)


@router.button("adsettle")
def settle_button(ctx: Context) -> None:
    """Pressed again it is settled already, and nothing happens."""
    with bossing.acting(ctx, Role.SUPPORT) as boss:
        _settle(_chosen(ctx), boss)
        page = _list(ctx)
    ctx.show(*page)
    ctx.toast(ctx.t(N_("Settled.")))


def _settle(alert: ShopAlert, boss: Boss) -> None:
    if shop_alerts.settle(alert.id, boss.name):
        about = ("shop_alert", alert.id, "")
        audit.record(alert.tenant_id, "shop_alert.settled", about, {"kind": alert.kind})


def _chosen(ctx: Context) -> ShopAlert:
    alert = shop_alerts.get(ctx.press.id())
    if alert.tenant_id != ctx.config.tenant_id:
        raise ButtonExpired
    return alert


def _list(ctx: Context) -> tuple[str, Keyboard]:
    tenant_id = ctx.config.tenant_id
    found, count = shop_alerts.list_open(tenant_id, limit=SHOWN), shop_alerts.count_open(tenant_id)
    if not found:
        return ctx.t(N_("🔔 Nothing needs you right now.")), Keyboard([[bossing.back(ctx)]])
    told = [(one, shop_alerts.words(one, ctx.locale)) for one in found]
    head = ctx.t(N_("🔔 Open alerts: %(count)s"), count=count)
    lines = [f"{ctx.place.short_time(one.created_at)}  {words}" for one, words in told]
    rows = [
        [Button(shortened(f"{place}. {words}"), data("adalert", one.id))]
        for place, (one, words) in enumerate(told, start=1)
    ]
    numbered = [f"{place}. {line}" for place, line in enumerate(lines, start=1)]
    more = bossing.page_row(ctx, "/admin/alerts/") if count > len(found) else []
    return "\n\n".join([head, *numbered]), Keyboard([*rows, *more, [bossing.back(ctx)]])


def _card(ctx: Context, alert: ShopAlert) -> tuple[str, Keyboard]:
    text = f"🔔 {ctx.place.short_time(alert.created_at)}\n\n{shop_alerts.words(alert, ctx.locale)}"
    rows: list[list[Button]] = []
    if alert.order_id is not None:
        label = ctx.t(shop_alerts.OPEN_ORDER)
        rows.append([Button(label, data(shop_alerts.ORDER_BUTTON, alert.order_id))])
    if alert.settled_at is None:
        rows.append([Button(ctx.t(N_("✅ Settled")), data("adsettle", alert.id))])
    else:
        text += "\n\n" + ctx.t(N_("Settled by %(name)s."), name=alert.settled_by)
    rows += bossing.page_row(ctx, shop_alerts.path(alert))
    return text, Keyboard([*rows, [bossing.back(ctx, "adalerts")]])
