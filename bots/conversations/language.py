"""The person chooses a language by buttons; the choice is kept with the member."""

from app.core.i18n import EN, N_, ZH
from app.services import members
from bots.conversations.menu import menu_keyboard
from bots.keyboards import Button, ButtonExpired, Keyboard, data
from bots.router import Context, Router

router = Router()
router.menu_entry(900, "menu_language", data("lang"))
_CHOICES = {"zh": ZH, "en": EN}


@router.command("language")
def language_command(ctx: Context) -> None:
    ctx.say(ctx.t(N_("Which language do you prefer?")), _choices())


@router.button("lang")
def language_button(ctx: Context) -> None:
    """Without an argument it asks, with one it changes."""
    if not ctx.press.arguments:
        ctx.show(ctx.t(N_("Which language do you prefer?")), _choices())
        return
    locale = _CHOICES.get(ctx.press.word())
    if locale is None:
        raise ButtonExpired
    with ctx.transaction():
        members.set_locale(ctx.config.tenant_id, ctx.person.telegram_id, locale)
    members.forget(ctx.person.telegram_id)
    ctx.locale = locale
    ctx.show(ctx.main_text("welcome"), menu_keyboard(ctx))
    ctx.toast(ctx.t(N_("From now on we speak English.")))


def _choices() -> Keyboard:
    return Keyboard([[Button("中文", data("lang", "zh")), Button("English", data("lang", "en"))]])
