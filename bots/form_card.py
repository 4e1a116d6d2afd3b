"""A buyer's half-filled form in the chat: the question that waits, and the summary before he pays."""

import html
from collections.abc import Mapping, Sequence

from app.core.i18n import N_, translate
from app.domain import form_answers
from app.domain.form_fields import Choice, Field, FieldKind
from app.domain.payments import Provider
from app.domain.sending import MAX_TEXT, visible_length
from app.models import Product
from bots import product_card
from bots.context import Context
from bots.filling import Filling
from bots.keyboards import Button, Keyboard, data, shortened

_WAYS: Mapping[Provider, str] = {
    Provider.PINGPONG: N_("✅ Pay %(price)s"),
    Provider.STARS: N_("✅ Pay %(price)s by Telegram Stars"),
    Provider.MANUAL: N_("✅ Pay %(price)s by transfer"),
}
_PLAIN: Mapping[FieldKind, str] = {
    FieldKind.NUMBER: N_("Please send a number."),
    FieldKind.DATE: N_("Please send a date like 2026-01-31."),
    FieldKind.EMAIL: N_("Please send an e-mail address."),
    FieldKind.CHOICE: N_("Please choose:"),
    FieldKind.TEXT: N_("Please send me your answer."),
}
_SHORT = 18
_TWO_A_ROW = 8


def question(ctx: Context, filling: Filling, note: str = "") -> tuple[str, Keyboard]:
    """The question that waits, in HTML, with its buttons; `note` says what was wrong with the last answer."""
    field = filling.field
    assert field is not None
    hint = field.hint or ("" if filling.offered else _PLAIN.get(field.kind, ""))
    parts = [
        f"⚠️ {_e(note)}" if note else "",
        f"📝 {_e(filling.product.name)} · {filling.place + 1}/{len(filling.fields)}",
        "\n".join(
            line for line in (f"<b>{_e(ctx.t(field.label))}</b>", _e(ctx.t(hint)) if hint else "") if line
        ),
    ]
    return "\n\n".join(part for part in parts if part), Keyboard(_rows(ctx, filling, field))


def _rows(ctx: Context, filling: Filling, field: Field) -> list[list[Button]]:
    mark = filling.mark
    if filling.offered:
        name, choices = "fo", filling.offered
    else:
        name, choices = "fa", field.choices
    rows = _choices(ctx, choices, name, mark, field.key)
    if field.key in filling.answers:
        kept = form_answers.in_words(field, filling.answers, ctx.locale)
        rows.append([Button(shortened(ctx.t(N_("✔️ Keep: %(answer)s"), answer=kept)), data("fk", mark))])
    ways = []
    if filling.place:
        ways.append(Button(ctx.t(N_("⬅️ Back")), data("fb", mark, field.key)))
    if not field.required:
        ways.append(Button(ctx.t(N_("⏭ Skip")), data("fs", mark, field.key)))
    return [*rows, *([ways] if ways else []), [_cancel(ctx, mark)]]


def _choices(ctx: Context, choices: Sequence[Choice], name: str, mark: str, key: str) -> list[list[Button]]:
    labels = [ctx.t(choice.label) for choice in choices]
    buttons = [Button(shortened(label), data(name, mark, key, number)) for number, label in enumerate(labels)]
    across = 2 if len(labels) > _TWO_A_ROW or all(len(label) <= _SHORT for label in labels) else 1
    return [buttons[start : start + across] for start in range(0, len(buttons), across)]


def summary(ctx: Context, filling: Filling, note: str = "") -> tuple[str, Keyboard]:
    """Everything that he answered, what it costs, and the ways to pay."""
    texts = (_summary_text(ctx, filling, note, longest) for longest in form_answers.LENGTHS)
    text = next((one for one in texts if visible_length(one) <= MAX_TEXT), "")
    return text or _summary_text(ctx, filling, note, 1), Keyboard(_pay_rows(ctx, filling))


def _summary_text(ctx: Context, filling: Filling, note: str, longest: int) -> str:
    told = form_answers.lines(filling.fields, filling.answers, ctx.locale, longest)
    answers = "\n".join(
        ctx.t(form_answers.TOLD, question=_e(label), answer=f"<b>{_e(answer)}</b>") for label, answer in told
    )
    if filling.ways:
        end = f"💰 {_e(product_card.prices(ctx, filling.ways))}\n\n" + _e(
            ctx.t(N_("Is everything right? Then choose how to pay. You can still change each answer."))
            if told
            else ctx.t(N_("Is everything right? Then choose how to pay."))
        )
    else:
        end = _e(ctx.t(N_("The shop cannot take payments right now. Please try again later.")))
    head = ctx.t(N_("🧾 Your order: %(product)s"), product=filling.product.name)
    parts = [f"⚠️ {_e(note)}" if note else "", f"<b>{_e(head)}</b>", answers, end]
    return "\n\n".join(part for part in parts if part)


def _pay_rows(ctx: Context, filling: Filling) -> list[list[Button]]:
    mark = filling.mark
    pay = [
        [
            Button(
                ctx.t(_WAYS[way.provider], price=product_card.price(ctx, way)),
                data("fp", mark, way.provider.value, f"{way.price.minor}-{way.price.currency}"),
            )
        ]
        for way in filling.ways
    ]
    change = [
        Button(shortened("✏️ " + translate(ctx.locale, field.label)), data("fc", mark, field.key))
        for field in filling.fields
    ]
    pairs = [change[start : start + 2] for start in range(0, len(change), 2)]
    return [*pay, *pairs, [_cancel(ctx, mark)]]


def begun(ctx: Context, filling: Filling, wanted: Product) -> tuple[str, Keyboard]:
    """He comes back to a product while a form is half filled in: go on, or begin anew?"""
    told = N_("You have begun to order: %(product)s (answered so far: %(count)s of %(all)s).")
    count = len([field for field in filling.fields if field.key in filling.answers])
    text = ctx.t(told, product=filling.product.name, count=count, all=len(filling.fields))
    if wanted.id == filling.product.id:
        new = ctx.t(N_("🔄 Begin anew"))
    else:
        new = ctx.t(N_("🛒 Rather order: %(product)s"), product=wanted.name)
    rows = [
        [Button(ctx.t(N_("▶️ Continue")), data("fgo", filling.mark))],
        [Button(shortened(new), data("fnew", wanted.code))],
    ]
    return text, Keyboard(rows)


def _cancel(ctx: Context, mark: str) -> Button:
    return Button(ctx.t(N_("✖️ Cancel")), data("fx", mark))


def _e(words: str) -> str:
    return html.escape(words, quote=False)
