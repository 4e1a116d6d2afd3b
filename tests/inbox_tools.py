"""Rows for tests of the inbox, and what became of them."""

from collections.abc import Iterable

import orjson
from sqlalchemy import text

from app.core.db import db
from app.core.ids import public_id
from app.core.queue import transaction
from app.core.settings import get_settings
from app.domain.bots import BotState
from app.domain.inbox import shard_of
from app.models import Bot, Tenant, Update
from app.services import leases


def make_bot(tenant: Tenant, number: int = 1) -> Bot:
    """A running bot without a Telegram behind it."""
    bot = Bot(
        tenant_id=tenant.id,
        public_id=public_id(),
        telegram_id=1_000_000 + number,
        username=f"bot{number}",
        token=f"{1_000_000 + number}:{'A' * 35}",
        token_fingerprint=public_id(),
        state=BotState.RUNNING,
    )
    db.session.add(bot)
    db.session.commit()
    return bot


def raw(update_id: int, chat: int, words: str = "hello") -> bytes:
    """A text message as Telegram sends it."""
    person = {"id": abs(chat) or 1, "is_bot": False, "first_name": "Somebody"}
    message = {
        "message_id": 1,
        "date": 1,
        "chat": {"id": chat, "type": "private"},
        "from": person,
        "text": words,
    }
    return orjson.dumps({"update_id": update_id, "message": message})


def put(bot: Bot, updates: Iterable[tuple[int, int]]) -> None:
    """Accepts (update id, chat) in this order."""
    shards = get_settings().chat_shards
    rows = [
        {
            "bot_id": bot.id,
            "tenant_id": bot.tenant_id,
            "update_id": update_id,
            "chat_key": chat,
            "shard": shard_of(bot.id, chat, shards),
            "raw": raw(update_id, chat),
        }
        for update_id, chat in updates
    ]
    db.session.execute(Update.__table__.insert(), rows)
    db.session.commit()


def lease_all(owner: str, seconds: float = 60) -> set[int]:
    """Leases every free shard for `owner` and names what he got."""
    shards = get_settings().chat_shards
    with transaction():
        leases.create_shards(leases.CHAT, shards)
        taken = leases.take(leases.CHAT, owner, shards=shards, most=shards, seconds=seconds)
    return {lease.shard for lease in taken}


def end_leases() -> None:
    """Time passes until every lease has run out."""
    db.session.execute(text("UPDATE shard_lease SET lease_until = clock_timestamp() - interval '1 s'"))
    db.session.commit()


def states() -> dict[int, str]:
    """State by update id."""
    db.session.commit()
    return {
        row.update_id: str(row.state) for row in db.session.execute(db.select(Update.update_id, Update.state))
    }


def row(update_id: int) -> Update:
    """The row as it is now."""
    db.session.commit()
    db.session.expire_all()
    return db.session.scalars(db.select(Update).filter_by(update_id=update_id)).one()


def forget_claims() -> None:
    """What a crash of PostgreSQL does to claims that it had not yet written to the disk."""
    db.session.execute(
        text("UPDATE inbox SET state = 'new', attempts = 0, lease_token = 0 WHERE state = 'leased'")
    )
    db.session.commit()
