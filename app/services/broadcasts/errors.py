"""What can go wrong when a boss manages his broadcasts."""

from app.core.errors import BadInput, Conflict
from app.core.i18n import N_


class IllegalMove(Conflict):
    code = "illegal_move"
    message = N_("The broadcast is not in a state that allows this. Look at it again.")


class BotSilent(Conflict):
    code = "bot_silent"
    message = N_("This bot does not run right now. Start it first.")


class NobodyToSendTo(Conflict):
    code = "empty_audience"
    message = N_("Nobody fits this audience. Choose another.")


class NobodyLinked(Conflict):
    code = "nobody_linked"
    message = N_(
        "A test goes to your own Telegram account. Link it under “My account” first, and write to this bot once."
    )


class TooEarly(BadInput):
    code = "too_early"
    message = N_("Choose a time in the future.")


class NotOurs(Exception):
    """The broadcast was paused or cancelled, or another sender has it now: what was about to be written is not."""
