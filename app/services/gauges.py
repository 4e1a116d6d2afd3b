"""What monitoring shows of the whole deployment, by queries whose cost does not grow with a backlog."""

from sqlalchemy import func, select

from app.core import clock
from app.core.db import db
from app.domain.inbox import UpdateState
from app.models import Bot, Update

COUNT_UP_TO = 50_000


def bots_by_state() -> dict[str, int]:
    """How many bots are in each state; stopped ones too, removed ones not."""
    rows = db.session.execute(
        select(Bot.state, func.count()).where(Bot.removed_at.is_(None)).group_by(Bot.state)
    )
    return {str(state): count for state, count in rows}


def open_updates() -> tuple[int, float]:
    """(how many updates wait or are worked on, seconds since the oldest of them came), of the first 50,000."""
    some = (
        select(Update.received_at)
        .where(Update.state.in_([UpdateState.NEW, UpdateState.LEASED]))
        .limit(COUNT_UP_TO)
        .subquery()
    )
    count, oldest = db.session.execute(select(func.count(), func.min(some.c.received_at))).one()
    return count, max(0.0, (clock.now() - oldest).total_seconds()) if oldest else 0.0
