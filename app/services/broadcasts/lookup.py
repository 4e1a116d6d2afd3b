"""Finding broadcasts and what became of their recipients."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select

from app.core.db import db
from app.core.errors import NotFound
from app.domain.broadcasts import (
    Audience,
    AudienceKind,
    BroadcastState,
    Content,
    Progress,
    RecipientState,
    read_buttons,
)
from app.domain.members import shown_name
from app.models import Broadcast, BroadcastRecipient, Member

BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Recipient:
    """What became of a broadcast for one member."""

    telegram_id: int
    name: str
    state: RecipientState
    error: str
    done_at: datetime | None


def get(broadcast_id: int) -> Broadcast:
    """As the database has it now. Raises NotFound."""
    query = select(Broadcast).where(Broadcast.id == broadcast_id).execution_options(populate_existing=True)
    found = db.session.scalar(query)
    if found is None:
        raise NotFound
    return found


def list_broadcasts(
    tenant_id: int, *, state: BroadcastState | None = None, limit: int = 20, before: int = 2**62
) -> Sequence[Broadcast]:
    """Newest first; `before` is the last id of the page before."""
    query = select(Broadcast).where(Broadcast.tenant_id == tenant_id, Broadcast.id < before)
    if state is not None:
        query = query.where(Broadcast.state == state)
    return db.session.scalars(query.order_by(Broadcast.id.desc()).limit(limit)).all()


def content_of(broadcast: Broadcast) -> Content:
    """What is sent."""
    return Content(broadcast.body, read_buttons(broadcast.buttons), broadcast.picture_id)


def audience_of(broadcast: Broadcast) -> Audience:
    """Who gets it."""
    kept = broadcast.audience
    return Audience(AudienceKind(str(kept["kind"])), str(kept.get("value", "")))


def progress_of(broadcast: Broadcast) -> Progress:
    """How far it is."""
    return Progress(
        broadcast.total,
        broadcast.sent,
        broadcast.blocked,
        broadcast.failed,
        broadcast.unknown,
        broadcast.pace,
    )


def list_recipients(
    broadcast: Broadcast, state: RecipientState | None = None, *, limit: int = 50, after: int = 0
) -> list[Recipient]:
    """Ordered by Telegram id; `after` is the last one of the page before."""
    row, who = BroadcastRecipient, Member
    query = (
        select(row.telegram_id, who.first_name, who.last_name, row.state, row.error, row.done_at)
        .outerjoin(who, and_(who.tenant_id == row.tenant_id, who.telegram_id == row.telegram_id))
        .where(row.broadcast_id == broadcast.id, row.tenant_id == broadcast.tenant_id)
        .where(row.telegram_id > after)
    )
    if state is not None:
        query = query.where(row.state == state)
    found = db.session.execute(query.order_by(row.telegram_id).limit(limit))
    return [
        Recipient(number, shown_name(first or "", last or "", number), state, error or "", done_at)
        for number, first, last, state, error, done_at in found
    ]


def all_recipients(broadcast: Broadcast, state: RecipientState | None = None) -> Iterator[Recipient]:
    """Every one, read in batches."""
    after = 0
    while batch := list_recipients(broadcast, state, limit=BATCH, after=after):
        yield from batch
        after = batch[-1].telegram_id
