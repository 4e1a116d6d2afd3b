"""What the bot can do."""

from bots.conversations.menu import back_keyboard
from bots.keyboards import data
from bots.router import Context, Router

router = Router()
router.menu_entry(800, "menu_help", data("help"))


@router.command("help")
def help_command(ctx: Context) -> None:
    ctx.say(ctx.main_text("help"), back_keyboard(ctx))


@router.button("help")
def help_button(ctx: Context) -> None:
    ctx.show(ctx.main_text("help"), back_keyboard(ctx))
