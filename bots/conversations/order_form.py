"""What a buyer is asked: one question at a time, by buttons and text, then the summary.

What was answered lives in the database (`services.orders.forms`); Redis only says that the next message is an answer,
and where it forgot that, the fallback looks for an open form.
"""

from collections.abc import Callable, Sequence
from typing import Final

from app.core.errors import BadInput
from app.core.i18n import N_
from app.domain import form_answers
from app.domain.form_fields import Choice, Field
from app.domain.forms import Several
from app.models import OrderForm, Product
from app.services.orders import forms
from app.services.products.lookup import find_by_code, is_sold_in
from bots import filling, form_card
from bots.conversations.lotteries import at_home
from bots.conversations.shop import show_gone
from bots.filling import Filling, Gone
from bots.keyboards import ButtonExpired, Keyboard
from bots.product_card import shop_button
from bots.router import Context, Router

router = Router()
STEP: Final = "order_form"
_LONGEST_ANSWER: Final = 4096
Change = Callable[[OrderForm, Filling], None]


@router.button("buy")
def buy_button(ctx: Context) -> None:
    """Begins, unless something is half filled in: then he is asked first."""
    at_home(ctx)
    with ctx.transaction():
        product = _on_sale(ctx)
        half = _half_filled(ctx) if product else None
        begun = filling.begin(ctx, product) if product and half is None else None
    if product is None:
        show_gone(ctx)
    elif half is not None:
        ctx.show(*form_card.begun(ctx, half, product))
    elif begun is not None:
        _show(ctx, begun)


def _half_filled(ctx: Context) -> Filling | None:
    """What would be lost if he began anew."""
    form = forms.find(ctx.config.id, ctx.person.telegram_id)
    if form is None:
        return None
    try:
        found = filling.read(ctx, form)
    except Gone:
        return None
    return found if found.answers else None


@router.button("fnew")
def anew_button(ctx: Context) -> None:
    at_home(ctx)
    with ctx.transaction():
        product = _on_sale(ctx)
        begun = filling.begin(ctx, product) if product else None
    if begun is None:
        show_gone(ctx)
    else:
        _show(ctx, begun)


def _on_sale(ctx: Context) -> Product | None:
    product = find_by_code(ctx.press.word())
    return product if product is not None and is_sold_in(product, ctx.config.id) else None


@router.button("fgo")
def continue_button(ctx: Context) -> None:
    change_form(ctx, lambda _form, _filling: None)


@router.button("fa")
def choice_button(ctx: Context) -> None:
    """One of the question's choices; pressed at an older question it only shows the one that waits now."""

    def choose(form: OrderForm, now: Filling) -> None:
        field = _waiting(ctx, now)
        if field is not None:
            value = form_answers.read_answer(field, _picked(ctx, field.choices).value, now.answers)
            filling.answer(form, now, field, value)

    change_form(ctx, choose)


@router.button("fo")
def meaning_button(ctx: Context) -> None:
    """Which of several things of one name he means."""

    def choose(form: OrderForm, now: Filling) -> None:
        field = _waiting(ctx, now)
        if field is not None:
            filling.answer(form, now, field, form_answers.meant(_picked(ctx, now.offered)))

    change_form(ctx, choose)


@router.button("fs")
def skip_button(ctx: Context) -> None:
    def skip(form: OrderForm, now: Filling) -> None:
        field = _waiting(ctx, now)
        if field is not None and not field.required:
            filling.answer(form, now, field, None)

    change_form(ctx, skip)


@router.button("fk")
def keep_button(ctx: Context) -> None:
    """The answer stays as it is."""
    change_form(ctx, lambda form, now: forms.write(form, now.fields, now.answers))


@router.button("fb")
def back_button(ctx: Context) -> None:
    def back(form: OrderForm, now: Filling) -> None:
        if _waiting(ctx, now) is not None and now.place:
            forms.ask(form, now.fields[now.place - 1].key)

    change_form(ctx, back)


@router.button("fc")
def change_button(ctx: Context) -> None:
    """Asks one question again, from the summary."""

    def change(form: OrderForm, now: Filling) -> None:
        if ctx.press.word(1) in {field.key for field in now.fields}:
            forms.ask(form, ctx.press.word(1))

    change_form(ctx, change)


def change_form(ctx: Context, change: Change, note: str = "") -> None:
    """Changes the form that the button belongs to, then shows what waits now. Raises ButtonExpired."""
    at_home(ctx)
    try:
        with ctx.transaction():
            form = form_of(ctx)
            change(form, filling.read(ctx, form))
            now = filling.read(ctx, form)
    except Gone:
        leave(ctx)
        return
    _show(ctx, now, note)


def form_of(ctx: Context) -> OrderForm:
    """The form whose mark the button carries. Raises ButtonExpired."""
    form = forms.find(ctx.config.id, ctx.person.telegram_id)
    if form is None or forms.mark(form) != ctx.press.word():
        raise ButtonExpired
    return form


def _waiting(ctx: Context, now: Filling) -> Field | None:
    """The question that the button belongs to, where it is the one that waits."""
    return now.field if now.field is not None and ctx.press.word(1) == now.field.key else None


def _picked(ctx: Context, choices: Sequence[Choice]) -> Choice:
    place = ctx.press.word(2)
    if not place.isdecimal() or len(place) > 2 or int(place) >= len(choices):
        raise ButtonExpired
    return choices[int(place)]


@router.button("fx")
def cancel_button(ctx: Context) -> None:
    at_home(ctx)
    with ctx.transaction():
        form_of(ctx)
        forms.forget(ctx.config.id, ctx.person.telegram_id)
    ctx.forget()
    ctx.show(ctx.t(N_("All right, cancelled.")), Keyboard([[shop_button(ctx)]]))


@router.step(STEP)
def typed(ctx: Context) -> None:
    if not answer_typed(ctx):
        ctx.forget()
        ctx.table.fallback(ctx)


def answer_typed(ctx: Context) -> bool:
    """Takes a message as the answer to the question that waits; False where no form is open."""
    if not ctx.private or ctx.event.text.startswith("/"):
        return False
    try:
        with ctx.transaction():
            form = forms.find(ctx.config.id, ctx.person.telegram_id)
            if form is None:
                return False
            note = _take(ctx, form, filling.read(ctx, form))
            now = filling.read(ctx, form)
    except Gone:
        leave(ctx)
    else:
        _show(ctx, now, note)
    return True


def _take(ctx: Context, form: OrderForm, now: Filling) -> str:
    """Keeps the answer, or says kindly what is wrong with it."""
    if not forms.hears(form, ctx.event.message_id or 0):
        return ""
    if now.field is None:
        return ctx.t(N_("Please choose one of the buttons."))
    try:
        raw = ctx.event.text[:_LONGEST_ANSWER]
        value = form_answers.read_typed(now.field, raw, now.answers, ctx.locale)
    except Several as several:
        forms.offer(form, several.choices)
        return several.text(ctx.locale)
    except BadInput as error:
        forms.offer(form, ())
        return error.text(ctx.locale)
    filling.answer(form, now, now.field, value)
    return ""


def leave(ctx: Context) -> None:
    """The product went off sale while he filled in the form."""
    with ctx.transaction():
        forms.forget(ctx.config.id, ctx.person.telegram_id)
    ctx.forget()
    show_gone(ctx)


def _show(ctx: Context, now: Filling, note: str = "") -> None:
    """The question that waits, or the summary; what he writes next is taken as the answer."""
    ctx.expect(STEP)
    card = form_card.question if now.field is not None else form_card.summary
    ctx.show(*card(ctx, now, note), html=True)
