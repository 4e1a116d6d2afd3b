"""An order as its buyer sees it: a line of his list, the card with its short history, and what he can do with it."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core.i18n import N_
from app.domain import form_answers
from app.domain.orders import OrderState
from app.domain.payments import Provider
from app.domain.products import ProductKind
from app.domain.sending import MAX_TEXT, visible_length
from app.models import Order, OrderEvent, Payment, Product
from app.services.orders import lookup, ways
from app.services.orders.expiry import is_payable
from app.services.orders.standing import waits_for_hand
from app.services.orders.ways import Way
from app.services.payments.lookup import find_open
from app.services.payments.messages import PAID_BUTTON
from app.services.products import lookup as products
from bots.context import Context
from bots.keyboards import Button, Keyboard, data, shortened

SENT_AGAIN = frozenset({ProductKind.BAZI_REPORT, ProductKind.DIGITAL_GOODS})
"""What can be sent to the buyer once more."""
_STATES: Mapping[OrderState, str] = {
    OrderState.PENDING: N_("⏳ Waits for your payment"),
    OrderState.PAID: N_("✅ Paid, it is your turn soon"),
    OrderState.GENERATING: N_("⚙️ Is being prepared"),
    OrderState.COMPLETED: N_("🎉 Delivered"),
    OrderState.EXPIRED: N_("⌛ Not paid, closed"),
    OrderState.FAILED: N_("⚠️ Could not be delivered; the shop takes care of it"),
    OrderState.REFUNDED: N_("💰 Refunded"),
}
_CHECKED = N_("🔎 The shop checks your transfer")
_BY_HAND = N_("🤝 The shop prepares it for you")
_CANCELLED = N_("🚫 Cancelled")
_STEPS: Mapping[OrderState, str] = {
    OrderState.PENDING: N_("ordered"),
    OrderState.PAID: N_("paid"),
    OrderState.COMPLETED: N_("delivered"),
    OrderState.EXPIRED: N_("expired"),
    OrderState.FAILED: N_("not delivered"),
    OrderState.REFUNDED: N_("refunded"),
}
_OTHER_WAYS: Mapping[Provider, str] = {
    Provider.PINGPONG: N_("🔁 Rather pay %(price)s"),
    Provider.STARS: N_("🔁 Rather pay %(price)s by Telegram Stars"),
    Provider.MANUAL: N_("🔁 Rather pay %(price)s by transfer"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """An order with what its card shows. `others` are the ways to pay that he has not chosen."""

    order: Order
    history: Sequence[OrderEvent]
    payment: Payment | None
    product: Product
    others: Sequence[Way]

    @property
    def payable(self) -> bool:
        """Whether he may still pay it."""
        return is_payable(self.order)

    @property
    def claimed(self) -> bool:
        """He says that he has transferred the money."""
        return self.payment is not None and self.payment.claimed_at is not None


def look(order: Order) -> Shown:
    """Reads what the card needs."""
    product = products.get(order.product_id)
    pending = order.state is OrderState.PENDING
    others = [way for way in ways.offered(product) if way.provider is not order.provider] if pending else []
    return Shown(order, lookup.history(order.id), find_open(order.id) if pending else None, product, others)


def price(ctx: Context, order: Order) -> str:
    """What he pays."""
    return ctx.place.money(order.amount_minor, order.currency)


def line(ctx: Context, order: Order) -> str:
    """The order in the list. Needs a transaction."""
    payment = find_open(order.id) if order.state is OrderState.PENDING else None
    state = _state(order, claimed=payment is not None and payment.claimed_at is not None)
    return (
        f"• {order.product_name} · {price(ctx, order)}\n   {ctx.place.day(order.created_at)} · {ctx.t(state)}"
    )


def _state(order: Order, *, claimed: bool, last: str = "") -> str:
    """`last` is the reason of the last line of its history."""
    if waits_for_hand(order):
        return _BY_HAND
    if claimed:
        return _CHECKED
    if order.state is OrderState.PENDING and not is_payable(order):
        # Its row is moved in a moment, by the sweep.
        return _STATES[OrderState.EXPIRED]
    if order.state is OrderState.EXPIRED and last == "cancelled":
        return _CANCELLED
    return _STATES[order.state]


def text(ctx: Context, shown: Shown) -> str:
    """The card in Telegram's HTML; long answers give way."""
    texts = (_text(ctx, shown, longest) for longest in form_answers.LENGTHS)
    return next((one for one in texts if visible_length(one) <= MAX_TEXT), "") or _text(ctx, shown, 1)


def _text(ctx: Context, shown: Shown, longest: int) -> str:
    order, place = shown.order, ctx.place
    head = ctx.t(N_("📦 Order %(code)s"), code=order.code)
    facts = [order.product_name, f"💰 {price(ctx, order)}"]
    state = ctx.t(_state(order, claimed=shown.claimed, last=shown.history[-1].why))
    if shown.payable and not shown.claimed:
        state += "\n" + ctx.t(N_("Please pay by %(time)s."), time=place.time(order.expires_at))
    told = form_answers.lines(lookup.questions_of(order), order.inputs, ctx.locale, longest)
    answers = [ctx.t(form_answers.TOLD, question=label, answer=answer) for label, answer in told]
    blocks = ["\n".join(facts), "\n".join(answers), state, "\n".join(_timeline(ctx, shown.history))]
    body = "\n\n".join(html.escape(block, quote=False) for block in blocks if block)
    return f"<b>{html.escape(head, quote=False)}</b>\n{body}"


def _timeline(ctx: Context, history: Sequence[OrderEvent]) -> list[str]:
    """Only what matters to a buyer; what happens in between is for the boss's page."""
    lines, last = list[str](), None
    for event in history:
        step = _STEPS.get(event.to_state)
        if event.from_state is event.to_state or step is None or (step == last):
            continue
        if event.from_state is OrderState.GENERATING and event.to_state is OrderState.PAID:
            continue
        words = N_("cancelled") if event.why == "cancelled" else step
        lines.append(f"{ctx.place.short_time(event.at)} {ctx.t(words)}")
        last = step
    return lines


def keyboard(ctx: Context, shown: Shown) -> Keyboard:
    """What he can do with the order now."""
    order = shown.order
    rows = _pay_rows(ctx, shown) if shown.payable else []
    if order.state is OrderState.COMPLETED and order.product.get("kind") in SENT_AGAIN:
        rows.append([Button(ctx.t(N_("📨 Send it to me again")), data("oagain", order.code))])
    rows.append([Button(ctx.t(N_("💬 Ask the shop")), data("oask", order.code))])
    rows.append([Button(ctx.t(N_("« My orders")), data("orders"))])
    return Keyboard(rows)


def _pay_rows(ctx: Context, shown: Shown) -> list[list[Button]]:
    order, payment = shown.order, shown.payment
    if shown.claimed:
        return []
    pay = ctx.t(N_("💳 Pay %(price)s"), price=price(ctx, order))
    url = payment.url if payment is not None else None
    rows = [[Button(pay, url=url) if url else Button(pay, data("opay", order.code))]]
    if payment is not None and payment.provider is Provider.MANUAL:
        rows.append([Button(ctx.t(N_("✅ I have paid")), data(PAID_BUTTON, payment.id))])
    for way in shown.others:
        costs = ctx.place.money(way.price.minor, way.price.currency)
        label = ctx.t(_OTHER_WAYS[way.provider], price=costs)
        choice = f"{way.price.minor}-{way.price.currency}"
        rows.append([Button(label, data("oway", order.code, way.provider.value, choice))])
    rows.append([Button(ctx.t(N_("🚫 Cancel the order")), data("ocancel", order.code))])
    return rows


def list_button(order: Order) -> Button:
    """Opens the order's card."""
    return Button(shortened(f"{order.code} · {order.product_name}"), data("ord", order.code))


def made(ctx: Context, order: Order) -> tuple[str, Keyboard]:
    """What he sees once the order is made; how to pay comes as a message of its own."""
    told = N_("✅ Order %(code)s is made: %(product)s for %(price)s.")
    next_ = N_("How to pay follows in the next message. The order waits until %(time)s.")
    place = ctx.place
    words = [ctx.t(told, code=order.code, product=order.product_name, price=price(ctx, order))]
    if order.state is OrderState.PENDING:
        words.append(ctx.t(next_, time=place.time(order.expires_at)))
    rows = [[Button(ctx.t(N_("📦 Show the order")), data("ord", order.code))]]
    return html.escape("\n\n".join(words), quote=False), Keyboard(rows)
