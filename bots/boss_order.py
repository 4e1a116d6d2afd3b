"""An order as the shop's staff sees it in the bot: a line of the list, the card, and what may be done with it.

What the buyer answered stays hidden here: a chat is no place for it, the page shows it to whoever may read it.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import select

from app.core.db import db
from app.core.i18n import N_
from app.domain import form_answers
from app.domain.members import shown_name
from app.domain.orders import OrderState, is_erased
from app.domain.payments import PaymentState, RefundState
from app.domain.people import Role
from app.models import Member, Order, OrderEvent, Payment, PaymentReceipt, Refund
from app.services.fulfilment.reasons import REASONS
from app.services.orders import lookup
from app.services.orders.listing import Listed
from app.services.orders.standing import REFUNDS, WAYS, WORDS, Standing, standing_of, waits_for_hand
from app.services.payments import lookup as payments
from app.services.payments import transfers
from bots import bossing
from bots.bossing import Boss
from bots.context import Context
from bots.keyboards import Button, Keyboard, data, shortened

HIDDEN: Final = "••••"
MOST_LINES: Final = 8
"""Lines of the history that a card shows, the latest ones."""
_MARKS: Mapping[Standing, str] = {
    Standing.PENDING: "⏳",
    Standing.CLAIMED: "👉",
    Standing.PAID: "💰",
    Standing.LATER: "💰",
    Standing.GENERATING: "⚙️",
    Standing.BY_HAND: "👉",
    Standing.COMPLETED: "✅",
    Standing.EXPIRED: "⌛",
    Standing.FAILED: "⚠️",
    Standing.REFUNDED: "↩️",
}


def line_button(ctx: Context, listed: Listed) -> Button:
    """Opens the order from the list."""
    return Button(shortened(_head(ctx, listed)), data("adord", listed.order.id))


def line(ctx: Context, listed: Listed) -> str:
    """The order in the list."""
    order, state = listed.order, ctx.t(WORDS[standing_of(listed.order, listed.claimed_at)])
    return f"{_head(ctx, listed)}\n   {ctx.place.short_time(order.created_at)} · {_person(order, listed.member)} · {state}"


def _head(ctx: Context, listed: Listed) -> str:
    order, mark = listed.order, _MARKS[standing_of(listed.order, listed.claimed_at)]
    return f"{mark} {order.code} · {order.product_name} · {price(ctx, order)}"


def card(ctx: Context, boss: Boss, order: Order) -> tuple[str, Keyboard]:
    """The whole card with its buttons. Needs a transaction."""
    made, refunds = payments.payments_of(order.id), payments.refunds_of(order.id)
    stands = standing_of(order, payments.claimed_at(made))
    state = f"{_MARKS[stands]} {ctx.t(WORDS[stands])}"
    if order.error and order.state in {OrderState.PAID, OrderState.FAILED}:
        state += "\n" + ctx.t(REASONS.get(order.error, order.error))
    facts = [order.product_name, f"{price(ctx, order)} · {ctx.t(WAYS[order.provider])}", _buyer(ctx, order)]
    blocks = [
        ctx.t(N_("📦 Order %(code)s"), code=order.code),
        "\n".join(facts),
        state,
        "\n".join(_answers(ctx, order)),
        "\n".join(_timeline(ctx, lookup.history(order.id))),
        "\n".join(_refund_line(ctx, one) for one in refunds),
    ]
    return "\n\n".join(block for block in blocks if block), Keyboard(_rows(ctx, boss, order, refunds))


def price(ctx: Context, order: Order) -> str:
    """What it costs."""
    return ctx.place.money(order.amount_minor, order.currency)


def left_of(order: Order) -> PaymentReceipt | None:
    """The payment of which something can still go back."""
    return next(iter(payments.list_refundable(order.id)), None)


def transfer_of(order: Order) -> Payment | None:
    """The transfer that may be confirmed, also late."""
    if order.state not in {OrderState.PENDING, OrderState.EXPIRED}:
        return None
    newest = transfers.newest(order.id)
    return newest if newest is not None and newest.state is not PaymentState.PAID else None


def _buyer(ctx: Context, order: Order) -> str:
    query = select(Member).where(Member.tenant_id == order.tenant_id, Member.telegram_id == order.telegram_id)
    return ctx.t(N_("Buyer: %(name)s"), name=_person(order, db.session.scalar(query)))


def _person(order: Order, member: Member | None) -> str:
    if member is None:
        return f"#{order.telegram_id}"
    shown = shown_name(member.first_name, member.last_name, order.telegram_id)
    return f"{shown} @{member.username}" if member.username else shown


def _answers(ctx: Context, order: Order) -> list[str]:
    told = form_answers.lines(lookup.questions_of(order), order.inputs, ctx.locale)
    return [ctx.t(form_answers.TOLD, question=question, answer=HIDDEN) for question, _ in told]


def _timeline(ctx: Context, history: Sequence[OrderEvent]) -> list[str]:
    """The moves alone; what happens in between stands on the page."""
    moves = [event for event in history if event.from_state is not event.to_state]
    return [
        f"{ctx.place.short_time(event.at)} {ctx.t(WORDS[Standing(event.to_state.value)])}"
        + (f" · {event.actor_name}" if event.actor_name else "")
        for event in moves[-MOST_LINES:]
    ]


def _refund_line(ctx: Context, refund: Refund) -> str:
    amount = ctx.place.money(refund.amount_minor, refund.currency)
    return ctx.t(N_("Refund %(amount)s: %(state)s"), amount=amount, state=ctx.t(REFUNDS[refund.state]))


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
        amount = ctx.place.money(transfer.amount_minor, transfer.currency)
        label = ctx.t(N_("✅ Confirm the transfer of %(amount)s"), amount=amount)
        rows.append([Button(label, data("adpaid", order.id))])
    if left is not None:
        amount = ctx.place.money(left.amount_minor - left.refunded_minor, left.currency)
        rows.append([Button(ctx.t(N_("💸 Refund %(amount)s"), amount=amount), data("adrefund", order.id))])
    for one in refunds:
        if one.state is RefundState.BY_HAND:
            amount = ctx.place.money(one.amount_minor, one.currency)
            label = ctx.t(N_("☑️ I have paid %(amount)s back"), amount=amount)
            rows.append([Button(label, data("adback", order.id, one.id))])
    return rows
