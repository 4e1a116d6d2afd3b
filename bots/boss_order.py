"""An order as the shop's staff sees it in the bot: a line of the list, the card, and what may be done with it.

What the buyer answered stays hidden here: a chat is no place for it, the page shows it to whoever may read it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.i18n import N_
from app.domain import form_answers
from app.domain.members import shown_name
from app.domain.orders import OrderState, Phase, is_erased
from app.domain.payments import PaymentState, Provider, RefundState
from app.domain.people import Role
from app.domain.products import ProductKind
from app.models import Member, Order, OrderEvent, Payment, PaymentReceipt, Product, Refund
from app.services.fulfilment.reasons import REASONS
from app.services.orders import lookup
from app.services.orders.listing import Listed
from app.services.payments import lookup as payments
from app.services.payments import transfers
from bots import bossing
from bots.bossing import Boss
from bots.context import Context
from bots.keyboards import Button, Keyboard, data, shortened

HIDDEN: Final = "••••"
MOST_LINES: Final = 8
"""Lines of the history that a card shows, the latest ones."""
_STATES: Mapping[OrderState, str] = {
    OrderState.PENDING: N_("Waits for payment"),
    OrderState.PAID: N_("Paid, in line"),
    OrderState.GENERATING: N_("Being worked on"),
    OrderState.COMPLETED: N_("Completed"),
    OrderState.EXPIRED: N_("Not paid in time"),
    OrderState.FAILED: N_("Failed"),
    OrderState.REFUNDED: N_("Refunded"),
}
_MARKS: Mapping[OrderState, str] = {
    OrderState.PENDING: "⏳",
    OrderState.PAID: "💰",
    OrderState.GENERATING: "⚙️",
    OrderState.COMPLETED: "✅",
    OrderState.EXPIRED: "⌛",
    OrderState.FAILED: "⚠️",
    OrderState.REFUNDED: "↩️",
}
_BY_HAND = N_("Waits for you")
_CLAIMED = N_("Transfer to be checked")
_LATER = N_("Paid, tried again later")
WAYS: Mapping[Provider, str] = {
    Provider.PINGPONG: N_("Card (PingPong)"),
    Provider.STARS: N_("Telegram Stars"),
    Provider.MANUAL: N_("Transfer by hand"),
}
_REFUNDS: Mapping[RefundState, str] = {
    RefundState.QUEUED: N_("In line"),
    RefundState.SENDING: N_("Being paid back"),
    RefundState.BY_HAND: N_("To be paid back by you"),
    RefundState.DONE: N_("Paid back"),
    RefundState.FAILED: N_("Refused"),
}


def line_button(ctx: Context, listed: Listed) -> Button:
    """Opens the order from the list."""
    order = listed.order
    label = f"{_mark(order, listed.claimed_at)} {order.code} · {name(order)} · {price(ctx, order)}"
    return Button(shortened(label), data("adord", order.id))


def line(ctx: Context, listed: Listed) -> str:
    """The order in the list."""
    order = listed.order
    head = f"{_mark(order, listed.claimed_at)} {order.code} · {name(order)} · {price(ctx, order)}"
    state = ctx.t(_state(order, listed.claimed_at))
    return f"{head}\n   {bossing.moment(ctx, order.created_at)} · {_person(order, listed.member)} · {state}"


def card(ctx: Context, boss: Boss, order: Order) -> tuple[str, Keyboard]:
    """The whole card with its buttons. Needs a transaction."""
    made, refunds = payments.payments_of(order.id), payments.refunds_of(order.id)
    claimed_at = next(
        (one.claimed_at for one in made if one.claimed_at and one.state is PaymentState.OPEN), None
    )
    state = f"{_mark(order, claimed_at)} {ctx.t(_state(order, claimed_at))}"
    if order.error and order.state in {OrderState.PAID, OrderState.FAILED}:
        state += "\n" + ctx.t(REASONS.get(order.error, order.error))
    facts = [name(order), f"{price(ctx, order)} · {ctx.t(WAYS[order.provider])}", _buyer(ctx, order)]
    blocks = [
        ctx.t(N_("📦 Order %(code)s"), code=order.code),
        "\n".join(facts),
        state,
        "\n".join(_answers(ctx, order)),
        "\n".join(_timeline(ctx, lookup.history(order.id))),
        "\n".join(_refund_line(ctx, one) for one in refunds),
    ]
    return "\n\n".join(block for block in blocks if block), Keyboard(_rows(ctx, boss, order, refunds))


def name(order: Order) -> str:
    """What was ordered."""
    return str(order.product.get("name", ""))


def price(ctx: Context, order: Order) -> str:
    """What it costs."""
    return bossing.money(ctx, order.amount_minor, order.currency)


def left_of(order: Order) -> PaymentReceipt | None:
    """The payment of which something can still go back; the one that the order was paid with comes first."""
    found = [one for one in payments.receipts_of(order.id) if one.refunded_minor < one.amount_minor]
    return min(found, key=lambda one: (not one.accepted, one.id), default=None)


def transfer_of(order: Order) -> Payment | None:
    """The transfer that may be confirmed, also late."""
    if order.state not in {OrderState.PENDING, OrderState.EXPIRED}:
        return None
    newest = transfers.newest(order.id)
    return newest if newest is not None and newest.state is not PaymentState.PAID else None


def waits_for_hand(order: Order) -> bool:
    """Whether the boss is to deliver it himself."""
    return order.state is OrderState.GENERATING and order.phase is Phase.BY_HAND


def _state(order: Order, claimed_at: datetime | None) -> str:
    if waits_for_hand(order):
        return _BY_HAND
    if order.state is OrderState.PENDING and claimed_at is not None:
        return _CLAIMED
    if order.state is OrderState.PAID and order.not_before is not None and order.not_before > clock.now():
        return _LATER
    return _STATES[order.state]


def _mark(order: Order, claimed_at: datetime | None) -> str:
    waits = waits_for_hand(order) or (order.state is OrderState.PENDING and claimed_at is not None)
    return "👉" if waits else _MARKS[order.state]


def _buyer(ctx: Context, order: Order) -> str:
    query = select(Member).where(Member.tenant_id == order.tenant_id, Member.telegram_id == order.telegram_id)
    return ctx.t(N_("Buyer: %(name)s"), name=_person(order, db.session.scalar(query)))


def _person(order: Order, member: Member | None) -> str:
    if member is None:
        return f"#{order.telegram_id}"
    shown = shown_name(member.first_name, member.last_name, order.telegram_id)
    return f"{shown} @{member.username}" if member.username else shown


def _answers(ctx: Context, order: Order) -> list[str]:
    if not order.inputs:
        return []
    product = db.session.get(Product, order.product_id)
    kind = ProductKind(str(order.product.get("kind", ProductKind.MANUAL)))
    fields = form_answers.questions(kind, product.fields if product is not None else [])
    told = form_answers.lines(fields, order.inputs, ctx.locale)
    return [ctx.t(form_answers.TOLD, question=question, answer=HIDDEN) for question, _ in told]


def _timeline(ctx: Context, history: Sequence[OrderEvent]) -> list[str]:
    """The moves alone; what happens in between stands on the page."""
    moves = [event for event in history if event.from_state is not event.to_state]
    return [
        f"{bossing.moment(ctx, event.at)} {ctx.t(_STATES[event.to_state])}"
        + (f" · {event.actor_name}" if event.actor_name else "")
        for event in moves[-MOST_LINES:]
    ]


def _refund_line(ctx: Context, refund: Refund) -> str:
    amount = bossing.money(ctx, refund.amount_minor, refund.currency)
    return ctx.t(N_("Refund %(amount)s: %(state)s"), amount=amount, state=ctx.t(_REFUNDS[refund.state]))


def _rows(ctx: Context, boss: Boss, order: Order, refunds: Sequence[Refund]) -> list[list[Button]]:
    rows: list[list[Button]] = []
    if order.state is OrderState.FAILED and not is_erased(order.telegram_id):
        rows.append([Button(ctx.t(N_("🔁 Try again")), data("adretry", order.id))])
    if waits_for_hand(order):
        rows.append([Button(ctx.t(N_("🤝 Mark as delivered")), data("addone", order.id))])
    if boss.may(Role.MANAGER):
        rows += _money_rows(ctx, order, refunds)
    rows += bossing.page_row(ctx, f"/admin/orders/details/?id={order.id}")
    return [*rows, [bossing.back(ctx, "adorders", "all", 1)]]


def _money_rows(ctx: Context, order: Order, refunds: Sequence[Refund]) -> list[list[Button]]:
    rows: list[list[Button]] = []
    transfer, left = transfer_of(order), left_of(order)
    if transfer is not None:
        amount = bossing.money(ctx, transfer.amount_minor, transfer.currency)
        label = ctx.t(N_("✅ Confirm the transfer of %(amount)s"), amount=amount)
        rows.append([Button(label, data("adpaid", order.id))])
    if left is not None:
        amount = bossing.money(ctx, left.amount_minor - left.refunded_minor, left.currency)
        rows.append([Button(ctx.t(N_("💸 Refund %(amount)s"), amount=amount), data("adrefund", order.id))])
    for one in refunds:
        if one.state is RefundState.BY_HAND:
            amount = bossing.money(ctx, one.amount_minor, one.currency)
            label = ctx.t(N_("☑️ I have paid %(amount)s back"), amount=amount)
            rows.append([Button(label, data("adback", order.id, one.id))])
    return rows
