"""The latest orders for whoever runs the shop: the list, a card, trying again, and marking as delivered."""

from collections.abc import Callable
from typing import Final

from app.core.errors import Conflict
from app.core.i18n import N_
from app.domain.orders import OrderState
from app.domain.people import Role
from app.domain.shop_alerts import AlertKind
from app.models import Order
from app.services import audit, shop_alerts
from app.services.fulfilment import manual
from app.services.orders import listing, lookup, retry
from app.services.orders.listing import Wanted
from app.services.orders.standing import waits_for_hand
from app.services.shop_alerts import ORDER_BUTTON
from bots import boss_order, bossing
from bots.bossing import Boss
from bots.keyboards import Button, ButtonExpired, Keyboard, data
from bots.router import Context, Router

router = Router()
PAGE: Final = 6
_LAST_PAGE: Final = 999
_NOTE: Final = "boss_note"
_MOST_NOTE: Final = 1000
FILTERS: Final = {
    "all": (N_("All"), Wanted()),
    "todo": (N_("Waits for you"), Wanted(todo=True)),
    "working": (N_("In work"), Wanted(states=(OrderState.PAID, OrderState.GENERATING))),
    "failed": (N_("Failed"), Wanted(states=(OrderState.FAILED,))),
}


@router.button("adorders")
def orders_button(ctx: Context) -> None:
    """A page of the list; pages count from 1."""
    wanted, number = ctx.press.word(), ctx.press.id(1)
    if wanted not in FILTERS or number > _LAST_PAGE:
        raise ButtonExpired
    with bossing.acting(ctx, Role.SUPPORT):
        page = _list(ctx, wanted, number)
    ctx.show(*page)


@router.button(ORDER_BUTTON)
def card_button(ctx: Context) -> None:
    """Also from the alerts that a boss gets."""
    with bossing.acting(ctx, Role.SUPPORT) as boss:
        page = boss_order.card(ctx, boss, the_order(ctx, ctx.press.id()))
    ctx.leave()
    ctx.show(*page)


@router.button("adretry")
def retry_button(ctx: Context) -> None:
    """A failed one is worked on anew; one that is not failed any more is only shown."""
    act(ctx, _again, N_("It is being worked on again."), Role.SUPPORT)


@router.button("addone")
def done_button(ctx: Context) -> None:
    """Asks for a few words to the buyer; the second button goes without them."""
    order_id, sure = ctx.press.id(), bossing.confirmed(ctx)
    if sure:
        ctx.leave()
        act(ctx, _deliver, N_("Marked as delivered. The buyer is told."), Role.SUPPORT)
        return
    with bossing.acting(ctx, Role.SUPPORT) as boss:
        order = the_order(ctx, order_id)
        waits, page = waits_for_hand(order), boss_order.card(ctx, boss, order)
        code = order.code
    if not waits:
        ctx.show(*page)
        return
    ctx.expect(_NOTE, order=order_id)
    text = N_(
        "You have delivered order %(code)s?\n\nWrite a few words to the buyer (a code, a parcel number, thanks), or press the"
        " button. He is told at once."
    )
    rows = [
        [Button(ctx.t(N_("🤝 Delivered, without words")), data("addone", order_id, bossing.YES))],
        [bossing.back(ctx, ORDER_BUTTON, order_id)],
    ]
    ctx.show(ctx.t(text, code=code), Keyboard(rows))


@router.step(_NOTE)
def note_written(ctx: Context) -> None:
    """His words go to the buyer. Handled again after a crash, the order does not wait any more, and is only shown."""
    order_id = ctx.step.data.get("order") if ctx.step else None
    note = ctx.event.text.strip()
    if not note:
        ctx.say(ctx.t(N_("Please write it as a text message.")))
        return
    with bossing.acting(ctx, Role.SUPPORT) as boss:
        order = the_order(ctx, int(str(order_id)))
        if waits_for_hand(lookup.get(order.id, lock=True)):
            _deliver(order, boss, note)
        page = boss_order.card(ctx, boss, order)
    ctx.leave()
    ctx.say(*page)


def act(ctx: Context, change: Callable[[Order, Boss], None], said: str, needed: Role = Role.MANAGER) -> None:
    """Changes the order of the pressed button and shows it. What is not possible any more changes nothing."""
    order_id, note = ctx.press.id(), ctx.t(said)
    try:
        with bossing.acting(ctx, needed) as boss:
            change(the_order(ctx, order_id), boss)
    except Conflict as error:
        note = error.text(ctx.locale)
    with bossing.acting(ctx, Role.SUPPORT) as boss:
        page = boss_order.card(ctx, boss, the_order(ctx, order_id))
    ctx.show(*page)
    ctx.toast(note, alert=True)


def the_order(ctx: Context, order_id: int) -> Order:
    """One of the tenant's. Needs a transaction; raises NotFound, ButtonExpired."""
    order = lookup.get(order_id)
    if order.tenant_id != ctx.config.tenant_id:
        raise ButtonExpired
    return order


def recorded(order: Order, action: str, changes: dict[str, object] | None = None) -> None:
    """Writes what somebody of the staff did with an order into the audit log."""
    audit.record(order.tenant_id, action, ("order", order.id, order.code), changes)


def _again(order: Order, boss: Boss) -> None:
    retry.retry(order.id, boss.name)
    shop_alerts.settle_kind(order.tenant_id, [AlertKind.ORDER_FAILED], boss.name, order_id=order.id)
    recorded(order, "order.retried")


def _deliver(order: Order, boss: Boss, note: str = "") -> None:
    manual.done(order.id, note[:_MOST_NOTE], name=boss.name)
    recorded(order, "order.delivered")


def _list(ctx: Context, wanted: str, number: int) -> tuple[str, Keyboard]:
    found = listing.page(ctx.config.tenant_id, FILTERS[wanted][1], number - 1, PAGE)
    head = " · ".join([ctx.t(N_("📦 Orders")), ctx.t(FILTERS[wanted][0])])
    if number > 1 or len(found) > PAGE:
        head += " " + ctx.t(N_("(page %(number)s)"), number=number)
    lines = [boss_order.line(ctx, one) for one in found[:PAGE]] or [ctx.t(N_("There is nothing here."))]
    rows = [[boss_order.line_button(ctx, one)] for one in found[:PAGE]]
    tabs = [
        Button(("• " if key == wanted else "") + ctx.t(label), data("adorders", key, 1))
        for key, (label, _) in FILTERS.items()
    ]
    turns = _turns(ctx, wanted, number, more=len(found) > PAGE)
    keyboard = Keyboard([*rows, *([turns] if turns else []), tabs[:2], tabs[2:], [bossing.back(ctx)]])
    return "\n\n".join([head, *lines]), keyboard


def _turns(ctx: Context, wanted: str, number: int, *, more: bool) -> list[Button]:
    turns = []
    if number > 1:
        turns.append(Button(ctx.t(N_("⬅️ Previous")), data("adorders", wanted, number - 1)))
    if more:
        turns.append(Button(ctx.t(N_("Next ➡️")), data("adorders", wanted, number + 1)))
    return turns
