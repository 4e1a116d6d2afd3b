"""A person of the tenant ties his Telegram account to his account on the pages, by a one-time code."""

from app.core.i18n import N_
from app.services import people
from bots.conversations.menu import menu_keyboard
from bots.router import Context, Router

router = Router()
_LONGEST_CODE = 32


@router.command("link")
def link_command(ctx: Context) -> None:
    if not ctx.private:
        ctx.say(ctx.t(N_("Please send me this in a private chat.")))
    elif ctx.event.argument:
        _use(ctx, ctx.event.argument)
    else:
        ctx.expect("link_code")
        ctx.say(ctx.t(N_("Please send me the code that your page shows. /cancel stops this.")))


@router.start_link("link_")
def start_link(ctx: Context) -> None:
    _use(ctx, ctx.event.argument)


@router.step("link_code")
def code_sent(ctx: Context) -> None:
    ctx.forget()
    _use(ctx, ctx.event.text)


def _use(ctx: Context, code: str) -> None:
    with ctx.transaction():
        membership = people.use_link_code(
            ctx.config.tenant_id, code[:_LONGEST_CODE], ctx.person.telegram_id, _name(ctx)
        )
    if membership is None:
        ctx.say(
            ctx.t(N_("This code is not valid any more. Please get a new one on your page and send it here."))
        )
        return
    ctx.say(
        ctx.t(
            N_(
                "Done, your Telegram account is linked. I will tell you here when your bot needs you; /admin shows how it is doing."
            )
        ),
        menu_keyboard(ctx),
    )


def _name(ctx: Context) -> str:
    person = ctx.person
    return " ".join(part for part in (person.first_name, person.last_name) if part) or person.username or ""
