"""/start, alone or by a link with a payload."""

from bots.conversations.menu import menu_keyboard
from bots.router import Context, Router

router = Router()


@router.command("start")
def start(ctx: Context) -> None:
    """A payload goes to whoever registered its prefix; an unknown one just opens the menu and is never shown."""
    payload = ctx.event.argument
    if payload and ctx.private:
        for prefix, handler in ctx.table.payloads.items():
            if payload.startswith(prefix):
                ctx.event.argument = payload.removeprefix(prefix)
                handler(ctx)
                return
    ctx.say(ctx.main_text("welcome"), menu_keyboard(ctx))
