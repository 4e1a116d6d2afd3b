"""What can go wrong when a boss manages his bots."""

from app.core.errors import AppError, BadInput, Conflict, OutsideFailed
from app.core.i18n import N_


class BadToken(BadInput):
    code = "bad_token"
    message = N_("This is no bot token. Copy the whole token from @BotFather; it looks like 123456789:AAE…")


class TokenRefused(BadInput):
    """Telegram does not know the token."""

    code = "token_refused"
    message = N_(
        "Telegram does not accept this token. Copy it again from @BotFather, or let him make a new one."
    )


class TelegramAway(OutsideFailed):
    code = "telegram_away"
    message = N_(
        "Telegram does not answer right now, so the token could not be checked. Please try again in a moment."
    )


class BotTaken(Conflict):
    """Another tenant uses the bot; whose it is stays unsaid."""

    code = "bot_taken"
    message = N_(
        "This bot is already in use in another account. If it is yours, let @BotFather make a new token and remove it there first."
    )


class OwnBot(Conflict):
    code = "bot_exists"
    message = N_("You have already added this bot: @%(username)s.")


class WrongBot(Conflict):
    """A new token must belong to the same bot, so that members and orders stay with it."""

    code = "other_bot"
    message = N_(
        "This token belongs to another bot (%(other)s), not to %(this)s. Your data stays with its bot: paste a token of the same bot, or add the other one as a new bot."
    )


class PlanLimit(AppError):
    code = "plan_limit"
    status = 403
    message = N_(
        "Your plan %(plan)s allows %(limit)s bots and you have %(used)s. Remove one or change the plan."
    )


class NoPublicUrl(Conflict):
    code = "no_public_url"
    message = N_(
        "Webhooks need a public https address of this platform, and the operator has not set one. Use polling."
    )


class ChooseBot(BadInput):
    """The tenant has several bots and the request names none."""

    code = "choose_bot"
    message = N_("You have several bots. Say which one you mean with ?bot=…: %(bots)s")


class NoBot(Conflict):
    code = "no_bot"
    status = 404
    message = N_("You have no bot yet. Add one with its token first.")
