"""/cancel ends whatever the person is in the middle of."""

from app.core.i18n import N_
from app.services.orders import forms
from bots.conversations.menu import menu_keyboard
from bots.router import Context, Router

router = Router()


@router.command("cancel")
def cancel(ctx: Context) -> None:
    with ctx.transaction():
        form = ctx.private and forms.forget(ctx.config.id, ctx.person.telegram_id)
    text = (
        N_("All right, cancelled.") if form or ctx.left or ctx.forget() else N_("There is nothing to cancel.")
    )
    ctx.say(ctx.t(text), menu_keyboard(ctx))
