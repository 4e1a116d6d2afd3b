"""The main menu: the boss's own buttons, then those of the conversations."""

from app.core.i18n import N_
from bots import texts
from bots.keyboards import Button, ButtonExpired, Keyboard, data
from bots.router import Context, Router

router = Router()
_NARROW = 14
"""Labels up to this many columns stand two in a row."""


def menu_keyboard(ctx: Context) -> Keyboard:
    """The menu's buttons in the person's language."""
    own = [
        Button(item.label, url=item.url) if item.url else Button(item.label, data("own", item.id))
        for item in texts.boss_texts(ctx.config).items
    ]
    entries = [
        Button(ctx.main_text(entry.text), entry.data)
        for entry in ctx.table.menu
        if entry.shown is None or entry.shown(ctx.config)
    ]
    return Keyboard([*_rows(own), *_rows(entries)])


def back_keyboard(ctx: Context) -> Keyboard:
    """One button that leads to the menu."""
    return Keyboard([[Button(ctx.t(N_("« Menu")), data("menu"))]])


@router.command("menu")
def menu_command(ctx: Context) -> None:
    ctx.say(ctx.main_text("welcome"), menu_keyboard(ctx))


@router.button("menu")
def menu_button(ctx: Context) -> None:
    ctx.show(ctx.main_text("welcome"), menu_keyboard(ctx))


@router.button("own")
def own_button(ctx: Context) -> None:
    """Only among this bot's own buttons is the id looked for."""
    wanted = ctx.press.id()
    item = next((item for item in texts.boss_texts(ctx.config).items if item.id == wanted), None)
    if item is None or not item.reply:
        raise ButtonExpired
    ctx.show(item.reply, back_keyboard(ctx))


def _rows(buttons: list[Button]) -> list[list[Button]]:
    across = 2 if all(_width(button.label) <= _NARROW for button in buttons) else 1
    return [buttons[start : start + across] for start in range(0, len(buttons), across)]


def _width(label: str) -> int:
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in label)
