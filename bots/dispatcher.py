"""The one door for updates: `handle` takes one update of one bot through the conversations.

Runs inside an app context. The library's bot is made anew for each update and fed with that update alone: it would
otherwise mix the order, and lose what comes behind an error.
"""

import logging
from typing import Any

import orjson
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from telebot import TeleBot, types

from app.core import logging as logs
from app.core.clock import now
from app.core.db import is_away
from app.core.errors import AppError
from app.core.i18n import N_
from app.core.tenancy import tenant_scope
from app.domain.bots import BotConfig, BotState
from app.services import members
from bots import events, keyboards
from bots.apology import apologise
from bots.context import PRIVATE, Context, Event, Handler, spoken
from bots.conversations import TABLE
from bots.keyboards import ButtonExpired
from bots.telegram.errors import Blocked, Postpone, TokenRevoked, Unreachable
from bots.telegram.sender import LightBot, bot_for

log = logging.getLogger(__name__)

REVOKED_SECONDS = 60.0
AWAY_SECONDS = 2.0
ONE_DAY = 86_400
_KINDS = frozenset({"message", "callback_query", "my_chat_member", "pre_checkout_query"})
EXPIRED = N_("This button has expired. Please send /start.")


class MalformedUpdate(Exception):
    """An update of a kind that we handle, but not of the shape that Telegram documents."""


def handle(config: BotConfig, raw: bytes) -> bool:
    """Handles one update; False when there was nothing to do for us.

    Raises Postpone where it must be handled again later and nothing is wrong with it; anything else that it raises
    is a failed attempt.
    """
    update = _parse(raw)
    if update is None or not _is_open(config, update):
        return False
    logs.bind(tenant_id=config.tenant_id, bot_id=config.id)
    with tenant_scope(config.tenant_id):
        try:
            return _dispatch(config, update)
        except Blocked as error:
            log.info("not wanted in this chat", extra={"reason": error.description})
            return True
        except TokenRevoked as error:
            raise Postpone(REVOKED_SECONDS, error.description) from error
        except RedisError as error:
            raise Postpone(AWAY_SECONDS, "Redis is away") from error
        except (DBAPIError, PoolTimeout) as error:
            if not is_away(error):
                raise
            raise Postpone(AWAY_SECONDS, "PostgreSQL is away") from error
        except Unreachable as error:
            if error.unclear or error.code:
                raise
            raise Postpone(AWAY_SECONDS, "Telegram cannot be reached") from error


def _parse(raw: bytes) -> types.Update | None:
    """The update, or None when it is of no kind that we handle. Raises MalformedUpdate."""
    try:
        data = orjson.loads(raw)
        if not any(kind in data for kind in _KINDS):
            return None
        update: types.Update = types.Update.de_json(data)  # type: ignore[no-untyped-call]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedUpdate(f"{type(error).__name__}: {error}") from error
    return update


def _is_open(config: BotConfig, update: types.Update) -> bool:
    """Whether the bot does anything now. Raises Postpone for what waits until its token is valid again."""
    if update.message is not None and events.moves_money(update.message):
        # Money that was paid counts, whatever became of the bot meanwhile; nothing needs to be sent for that.
        return True
    if config.enabled and config.state is BotState.REVOKED:
        return _wait_for_a_token(update)
    return config.enabled


def _wait_for_a_token(update: types.Update) -> bool:
    """Raises Postpone, or returns False when nobody waits for the answer any more.

    That is as it is at Telegram: messages keep for a day, the press of a button hardly at all.
    """
    message = update.message
    if message is None or now().timestamp() - message.date > ONE_DAY:
        return False
    raise Postpone(REVOKED_SECONDS, "the token is revoked")


def _dispatch(config: BotConfig, update: types.Update) -> bool:
    bot = bot_for(config)
    event = _event(config, update)
    if event is None:
        return False
    bot.context = context = Context(config, bot, TABLE, event, _locale(config, event))
    bot.message_handlers = _MESSAGES
    bot.callback_query_handlers = _PRESSES
    bot.my_chat_member_handlers = _CHANGES
    bot.pre_checkout_query_handlers = _CHECKOUTS
    try:
        bot.process_new_updates([update])
        context.see()
    except AppError as error:
        if error.retryable:
            apologise(context, update.update_id)
            raise
        _tell(context, error.text(context.locale))
    except (Postpone, Blocked, TokenRevoked, Unreachable, RedisError):
        raise
    except Exception as error:
        if not is_away(error):
            apologise(context, update.update_id)
        raise
    return True


def _event(config: BotConfig, update: types.Update) -> Event | None:
    """What happened, or None where it does not concern us."""
    if update.message is not None:
        ours = events.is_for_us(update.message, config.username, TABLE.commands)
        if not ours:
            return None
        money = events.moves_money(update.message)
        return events.of_money(update.message) if money else events.of_message(update.message)
    if update.pre_checkout_query is not None:
        return events.of_checkout(update.pre_checkout_query)
    if update.callback_query is not None:
        query = update.callback_query
        return events.of_press(query) if events.is_person(query.from_user) else None
    if update.my_chat_member is not None:
        return events.of_member_change(update.my_chat_member)
    return None


def _locale(config: BotConfig, event: Event) -> str | None:
    """The person's language, None where he is to be written down first."""
    person = event.person
    known = members.find_known(config.id, person, private=event.chat_type == PRIVATE)
    if known is None and not event.status:
        return None
    return spoken(config, person, known[0] if known else None)


def _tell(context: Context, text: str) -> None:
    if context.event.query_id is not None:
        context.toast(text)
    else:
        context.say(text)


# The library's own handlers: made once, and lent to the bot of every update.


def _command(handler: Handler) -> Any:
    def run(_: types.Message, bot: LightBot) -> None:
        context: Context = bot.context
        context.leave()
        handler(context)

    return run


def _other_message(_: types.Message, bot: LightBot) -> None:
    context: Context = bot.context
    step = None if context.event.text.startswith("/") else context.step
    handler = TABLE.steps.get(step.name) if step else None
    (handler or TABLE.fallback)(context)


def _pressed(query: types.CallbackQuery, bot: LightBot) -> None:
    context: Context = bot.context
    try:
        context.event.press = press = keyboards.read(query.data if query.message else None)
        TABLE.buttons.get(press.name, _nobody)(context)
    except ButtonExpired:
        context.toast(context.t(EXPIRED))
    context.toast()


def _nobody(_: Context) -> None:
    raise ButtonExpired


def _member_changed(_: types.ChatMemberUpdated, bot: LightBot) -> None:
    TABLE.member_changed(bot.context)


def _checkout(_: types.PreCheckoutQuery, bot: LightBot) -> None:
    TABLE.checkout(bot.context)


def _money_moved(_: types.Message, bot: LightBot) -> None:
    TABLE.money_moved(bot.context)


def _entry(function: Any, **filters: Any) -> dict[str, Any]:
    # The library's public way needs a bot to add it to.
    build = TeleBot._build_handler_dict  # noqa: SLF001
    entry: dict[str, Any] = build(function, pass_bot=True, **filters)  # type: ignore[no-untyped-call]
    return entry


_MESSAGES = [
    *(
        _entry(_command(handler), commands=[name], content_types=["text"])
        for name, handler in TABLE.commands.items()
    ),
    _entry(_money_moved, func=events.moves_money),
    _entry(_other_message, content_types=[*events.ANSWERED]),
]
_PRESSES = [_entry(_pressed)]
_CHANGES = [_entry(_member_changed)]
_CHECKOUTS = [_entry(_checkout)]

__all__ = ["MalformedUpdate", "Postpone", "handle"]
