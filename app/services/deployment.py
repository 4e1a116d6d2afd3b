"""How the whole deployment is, in figures for the operator's page."""

from dataclasses import dataclass

from redis.exceptions import RedisError
from sqlalchemy import func, select, text

from app.core.db import db
from app.core.queue import depths
from app.core.settings import get_settings
from app.domain.inbox import UpdateState
from app.domain.outbox import OutboxState
from app.models import Bot, Mail, OutgoingMessage, Tenant, Update
from app.services import leases


@dataclass(frozen=True)
class Facts:
    """Counts right now. `queues` is None while Redis does not answer. Pairs of leases are (held, of)."""

    tenants: int
    suspended: int
    bots: dict[str, int]
    waiting: int
    oldest_seconds: int
    dead: int
    outgoing: int
    mail: int
    poll_shards: tuple[int, int]
    chat_shards: tuple[int, int]
    readers: int
    pollers: int
    queues: dict[str, int] | None


_OPEN = (UpdateState.NEW, UpdateState.LEASED)
_AGE = text(
    "SELECT coalesce(extract(epoch FROM now() - min(received_at)), 0) FROM inbox WHERE state IN ('new', 'leased')"
)


def facts() -> Facts:
    """Needs the system scope."""
    settings = get_settings()
    poll = leases.held(leases.POLL, settings.poll_shards)
    chat = leases.held(leases.CHAT, settings.chat_shards)
    states = select(Bot.state, func.count()).where(Bot.removed_at.is_(None)).group_by(Bot.state)
    return Facts(
        tenants=_count(select(func.count()).select_from(Tenant)),
        suspended=_count(select(func.count()).where(Tenant.suspended_at.is_not(None))),
        bots={str(state): number for state, number in db.session.execute(states)},
        waiting=_count(select(func.count()).where(Update.state.in_(_OPEN))),
        oldest_seconds=int(db.session.scalar(_AGE) or 0),
        dead=_count(select(func.count()).where(Update.state == UpdateState.DEAD)),
        outgoing=_count(select(func.count()).where(OutgoingMessage.state == OutboxState.QUEUED)),
        mail=_count(select(func.count()).where(Mail.sent_at.is_(None), Mail.dead_at.is_(None))),
        poll_shards=(poll[0], settings.poll_shards),
        chat_shards=(chat[0], settings.chat_shards),
        readers=chat[1],
        pollers=poll[1],
        queues=_queues(),
    )


def _count(query: object) -> int:
    return int(db.session.scalar(query) or 0)  # type: ignore[call-overload]


def _queues() -> dict[str, int] | None:
    try:
        return {str(name): count for name, count in depths().items()}
    except (RedisError, OSError):
        return None
