"""What nobody else answers to, and who blocks the bot or comes back."""

from app.services import members
from bots.conversations.menu import menu_keyboard
from bots.conversations.order_form import answer_typed
from bots.router import Context, Router

router = Router()


@router.fallback
def not_understood(ctx: Context) -> None:
    """Somebody with a half-filled form answers its question, also where Redis has forgotten that he was asked."""
    if answer_typed(ctx):
        return
    ctx.say(ctx.main_text("unknown"), menu_keyboard(ctx))


@router.member_changed
def member_changed(ctx: Context) -> None:
    """In private chats "kicked" means that the person blocked the bot, anything else that he did not."""
    if not ctx.private:
        return
    with ctx.transaction():
        if ctx.event.status == "kicked":
            members.mark_blocked(ctx.config.tenant_id, ctx.config.id, ctx.person.telegram_id)
        else:
            members.see(ctx.config.tenant_id, ctx.config.id, ctx.person, private=True)
