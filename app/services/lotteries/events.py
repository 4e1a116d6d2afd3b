"""The public events of a lottery: a chain of hashes that can only grow."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.domain.draw import NO_HASH, canonical, event_hash
from app.models import Lottery, LotteryEvent


def append(lottery: Lottery, kind: str, data: Mapping[str, object]) -> LotteryEvent:
    """Adds the next event. Nothing in `data` may tell who somebody is. Raises NotFound.

    Takes the lottery's row for the rest of the transaction, which makes writers come one after the other.
    """
    row = select(Lottery.id).where(Lottery.id == lottery.id).with_for_update(key_share=True)
    if db.session.scalar(row) is None:
        raise NotFound
    last = latest(lottery.id, 1)
    number, previous = (last[0].number + 1, last[0].hash) if last else (1, NO_HASH)
    at, body = _microseconds(clock.now()), canonical(data)
    event = LotteryEvent(
        tenant_id=lottery.tenant_id,
        lottery_id=lottery.id,
        number=number,
        kind=kind,
        at=at,
        body=body,
        previous=previous,
        hash=event_hash(previous, number, kind, at, body),
    )
    db.session.add(event)
    db.session.flush()
    return event


def chain(lottery_id: int) -> list[LotteryEvent]:
    """All events of a lottery, the first one first."""
    query = select(LotteryEvent).where(LotteryEvent.lottery_id == lottery_id)
    return list(db.session.scalars(query.order_by(LotteryEvent.number)))


def latest(lottery_id: int, most: int) -> list[LotteryEvent]:
    """The last events, the newest first."""
    query = select(LotteryEvent).where(LotteryEvent.lottery_id == lottery_id)
    return list(db.session.scalars(query.order_by(LotteryEvent.number.desc()).limit(most)))


def verify(events: Iterable[LotteryEvent]) -> int | None:
    """The place, from 1, of the first event that does not follow from the one before it; None when all do."""
    previous = NO_HASH
    for place, event in enumerate(events, 1):
        expected = event_hash(previous, place, event.kind, event.at, event.body)
        if (event.number, event.previous, event.hash) != (place, previous, expected):
            return place
        previous = event.hash
    return None


def unix(moment: datetime) -> int:
    """Whole seconds, the form of moments in event bodies."""
    return int(moment.timestamp())


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
