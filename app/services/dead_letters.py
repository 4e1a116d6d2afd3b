"""Updates that were set aside after they had failed too often: looking at them, trying again, letting go."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, tuple_, update

from app.core import clock
from app.core.bells import Bell
from app.core.db import db
from app.core.queue import ring
from app.domain.dead_letters import Summary, summarise
from app.domain.inbox import UpdateState
from app.models import Bot, Update
from app.services import audit

PAGE = 50
MOST = 1000
Key = tuple[int, int]
"""A bot's id and the update's id."""


@dataclass(frozen=True)
class Letter:
    """One update that was set aside."""

    key: Key
    seq: int
    bot_name: str
    summary: Summary
    error: str
    attempts: int
    received_at: datetime


def list_letters(tenant_id: int, *, before: int | None = None) -> Sequence[Letter]:
    """The latest 50, or those before a `seq`."""
    query = (
        select(Update, Bot.name, Bot.username)
        .outerjoin(Bot, Bot.id == Update.bot_id)
        .where(_dead(tenant_id))
        .order_by(Update.seq.desc())
        .limit(PAGE)
    )
    if before is not None:
        query = query.where(Update.seq < before)
    return [
        Letter(
            key=(row.bot_id, row.update_id),
            seq=row.seq,
            bot_name=name or username or str(row.bot_id),
            summary=summarise(row.raw),
            error=row.error or "",
            attempts=row.attempts,
            received_at=row.received_at,
        )
        for row, name, username in db.session.execute(query)
    ]


def count(tenant_id: int, bot_id: int | None = None) -> int:
    """How many there are, of one bot or of all, counted up to 1,000."""
    some = select(Update.seq).where(_dead(tenant_id)).limit(MOST)
    if bot_id is not None:
        some = some.where(Update.bot_id == bot_id)
    return db.session.scalar(select(func.count()).select_from(some.subquery())) or 0


def replay(tenant_id: int, keys: Iterable[Key] | None = None) -> int:
    """Hands these (or the oldest 1,000) to the bot again, with all attempts ahead of them; says how many."""
    shards = db.session.scalars(
        update(Update)
        .where(_chosen(tenant_id, keys))
        .values(state=UpdateState.NEW, attempts=0, deaths=0, suspect=False, error=None, done_at=None)
        .returning(Update.shard)
        .execution_options(synchronize_session=False)
    ).all()
    if shards:
        ring(Bell.INBOX, ",".join(str(shard) for shard in sorted(set(shards))))
        audit.record(tenant_id, "dead_letters.replayed", ("dead_letters", 0, ""), {"count": len(shards)})
    return len(shards)


def discard(tenant_id: int, keys: Iterable[Key] | None = None) -> int:
    """Lets go of these (or the oldest 1,000): they are kept as done for as long as every other; says how many."""
    gone = db.session.scalars(
        update(Update)
        .where(_chosen(tenant_id, keys))
        .values(state=UpdateState.DONE, done_at=clock.now())
        .returning(Update.update_id)
        .execution_options(synchronize_session=False)
    ).all()
    if gone:
        audit.record(tenant_id, "dead_letters.discarded", ("dead_letters", 0, ""), {"count": len(gone)})
    return len(gone)


def _dead(tenant_id: int) -> ColumnElement[bool]:
    return (Update.tenant_id == tenant_id) & (Update.state == UpdateState.DEAD)


def _chosen(tenant_id: int, keys: Iterable[Key] | None) -> ColumnElement[bool]:
    pair = tuple_(Update.bot_id, Update.update_id)
    if keys is not None:
        return _dead(tenant_id) & pair.in_(list(keys))
    oldest = select(Update.bot_id, Update.update_id).where(_dead(tenant_id)).order_by(Update.seq).limit(MOST)
    return _dead(tenant_id) & pair.in_(oldest)
