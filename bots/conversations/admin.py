"""/admin: how the bot is doing, for the people who run it."""

from app.core.i18n import N_
from app.domain.bots import BotState
from app.services import bot_figures
from bots.router import Context, Router

router = Router()
_STATES = {
    BotState.STARTING: N_("starting"),
    BotState.RUNNING: N_("running"),
    BotState.STOPPED: N_("stopped"),
    BotState.REVOKED: N_("token revoked"),
    BotState.CONFLICT: N_("somebody else is using this bot"),
    BotState.UNREACHABLE: N_("Telegram cannot be reached"),
}
FIGURES = N_(
    "📊 @%(bot)s\n\nState: %(state)s\nUpdates today: %(today)s\nMembers: %(members)s\n"
    "Waiting: %(open)s\nSet aside after errors: %(dead)s"
)


@router.command("admin")
def admin(ctx: Context) -> None:
    """Figures go only to a linked manager or owner, and never into a group."""
    if not ctx.private:
        ctx.say(ctx.t(N_("Please send me this in a private chat.")))
        return
    config = ctx.config
    with ctx.transaction():
        allowed = bot_figures.is_manager(config.tenant_id, ctx.person.telegram_id)
        figures = bot_figures.get(config.id, config.timezone) if allowed else None
    if figures is None:
        ctx.say(
            ctx.t(
                N_(
                    "This is for the people who run this bot. If you are one of them, link your Telegram account on your page first."
                )
            )
        )
        return
    ctx.say(
        ctx.t(
            FIGURES,
            bot=config.username,
            state=ctx.t(_STATES[figures.state]),
            today=figures.updates_today,
            members=figures.members,
            # This very command is one of those that wait.
            open=max(0, figures.open_updates - 1),
            dead=figures.dead_updates,
        )
    )
