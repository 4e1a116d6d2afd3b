"""A short apology to the person whose update could not be handled, once however often it is tried again."""

import logging

from redis.exceptions import RedisError

from app.core.i18n import N_, translate
from app.core.redis import quick
from bots.context import Context
from bots.telegram.errors import Postpone, SendError

log = logging.getLogger(__name__)
SORRY = N_("Sorry, something went wrong. I will try again; if nothing happens, please send /start.")
_ONE_DAY = 86_400


def apologise(context: Context, update_id: int) -> None:
    """Says sorry in the chat, or under the button. Whatever goes wrong here must not hide the error behind it."""
    try:
        if not quick().set(f"laoban:sorry:{context.config.id}:{update_id}", 1, nx=True, ex=_ONE_DAY):
            return
        # The next attempt must still find somebody new as new: whose link brought him depends on it.
        sorry = translate(context.likely_locale, SORRY)
        if context.event.query_id is not None:
            context.toast(sorry)
        elif not context.event.status:
            context.say(sorry)
    except (RedisError, Postpone, SendError) as error:
        log.info("no apology given", extra={"reason": str(error)})
