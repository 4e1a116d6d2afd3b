"""Chats whose members the bot could not see when somebody wanted to join: the boss hears of them.

A hint that every further press gives again, so it is kept in Redis alone.
"""

import logging
from datetime import UTC, datetime
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.i18n import N_, translate
from app.core.redis import quick
from app.domain.people import Role
from app.models import BotMember, Membership, Tenant, User
from app.services import outbox
from app.services.lotteries.standing import Standing

log = logging.getLogger(__name__)
_ONE_DAY = 86_400
BLIND = N_(
    "⚠️ Nobody can join “%(title)s” right now: the bot cannot see who is in %(chat)s. Please make it an administrator there."
)


def note(lottery_id: int, chat: str) -> bool:
    """Telegram did not tell the bot who is in `chat`; True for the first time in a day."""
    try:
        with quick().pipeline() as pipe:
            pipe.hset(_key(lottery_id), chat, int(clock.now().timestamp()))
            pipe.expire(_key(lottery_id), _ONE_DAY)
            added, _ = pipe.execute()
    except RedisError as error:
        log.info("problem of a lottery not noted", extra={"reason": type(error).__name__})
        return False
    return bool(added)


def tell(found: Standing, bot_id: int, chat: str) -> None:
    """Writes to the owners and managers whom the bot may write to. Needs a transaction."""
    readers = (
        select(BotMember.telegram_id, User.locale, Tenant.locale)
        .select_from(Membership)
        .join(User, User.id == Membership.user_id)
        .join(Tenant, Tenant.id == Membership.tenant_id)
        .join(BotMember, BotMember.telegram_id == Membership.telegram_id)
        .where(
            Membership.tenant_id == found.tenant_id,
            Membership.role.in_([Role.OWNER, Role.MANAGER]),
            BotMember.bot_id == bot_id,
            BotMember.blocked_at.is_(None),
        )
    )
    day = f"{clock.now():%Y%m%d}"
    for telegram_id, own, common in db.session.execute(readers):
        body = translate(own or common, BLIND, title=found.title, chat=chat)
        key = f"lottery:{found.lottery_id}:blind:{chat}:{day}:{telegram_id}"
        outbox.queue_message(found.tenant_id, bot_id, telegram_id, "sendMessage", {"text": body}, key)


def find(lottery_id: int) -> dict[str, datetime]:
    """The chats that could not be asked within the last day, and when that happened last."""
    try:
        found: dict[Any, Any] = quick().hgetall(_key(lottery_id))
    except RedisError as error:
        log.info("problems of a lottery not read", extra={"reason": type(error).__name__})
        return {}
    return {chat.decode(): datetime.fromtimestamp(int(at), UTC) for chat, at in found.items()}


def _key(lottery_id: int) -> str:
    return f"laoban:lottery:blind:{lottery_id}"
