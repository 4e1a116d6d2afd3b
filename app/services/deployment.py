"""How the whole deployment is, in figures for the operator's page."""

from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import Select, func, select

from app.core.db import db
from app.core.queue import depths
from app.core.settings import get_settings
from app.domain.inbox import UpdateState
from app.domain.outbox import OutboxState
from app.models import Mail, OutgoingMessage, Tenant, Update
from app.services import gauges, leases
from app.services.credits import nightly


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
    ledger: nightly.Standing


def facts() -> Facts:
    """Needs the system scope. What may be very many is counted up to `gauges.COUNT_UP_TO`."""
    settings = get_settings()
    poll = leases.held(leases.POLL, settings.poll_shards)
    chat = leases.held(leases.CHAT, settings.chat_shards)
    waiting, oldest = gauges.open_updates()
    return Facts(
        tenants=_count(select(Tenant.id)),
        suspended=_count(select(Tenant.id).where(Tenant.suspended_at.is_not(None))),
        bots=gauges.bots_by_state(),
        waiting=waiting,
        oldest_seconds=int(oldest),
        dead=_count(select(Update.seq).where(Update.state == UpdateState.DEAD)),
        outgoing=_count(select(OutgoingMessage.id).where(OutgoingMessage.state == OutboxState.QUEUED)),
        mail=_count(select(Mail.id).where(Mail.sent_at.is_(None), Mail.dead_at.is_(None))),
        poll_shards=(poll[0], settings.poll_shards),
        chat_shards=(chat[0], settings.chat_shards),
        readers=chat[1],
        pollers=poll[1],
        queues=_queues(),
        ledger=nightly.standing(),
    )


def _count(rows: Select[Any]) -> int:
    some = rows.limit(gauges.COUNT_UP_TO).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0


def _queues() -> dict[str, int] | None:
    try:
        return depths()
    except (RedisError, OSError):
        return None
