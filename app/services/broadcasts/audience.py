"""Who gets a broadcast: members who wrote to the bot in private and do not block it, narrowed to an audience."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, not_, select, text
from sqlalchemy.dialects.postgresql import insert

from app.core import clock
from app.core.db import db
from app.domain.broadcasts import Audience, AudienceKind, check_audience
from app.models import BotMember, Broadcast, BroadcastRecipient, LotteryEntry, Member, Order
from app.services import members
from app.services.broadcasts.errors import NotOurs
from app.services.broadcasts.lookup import audience_of

BATCH = 20_000

_FILLED = text("""
UPDATE broadcast SET total = total + :added, filled_to = :last,
       filled_at = CASE WHEN :over THEN clock_timestamp() END
WHERE id = :id AND state = 'running' AND lease_token = :lease AND filled_at IS NULL RETURNING id
""")


def size(tenant_id: int, bot_id: int, audience: Audience) -> int:
    """How many it would reach right now. Raises BadInput."""
    people = _reached(tenant_id, bot_id, audience).subquery()
    return db.session.scalar(select(func.count()).select_from(people)) or 0


def fill(broadcast: Broadcast, lease: int) -> bool:
    """Writes the next batch of recipients; False when all are written. Raises NotOurs."""
    if broadcast.filled_at is not None:
        return False
    people = _reached(broadcast.tenant_id, broadcast.bot_id, audience_of(broadcast))
    batch = (
        people.where(BotMember.telegram_id > broadcast.filled_to)
        .order_by(BotMember.telegram_id)
        .limit(BATCH)
        .cte()
    )
    columns = [literal(broadcast.tenant_id), literal(broadcast.id), batch.c.telegram_id]
    written = db.session.execute(
        insert(BroadcastRecipient)
        .from_select(["tenant_id", "broadcast_id", "telegram_id"], select(*columns))
        .on_conflict_do_nothing()
        .returning(BroadcastRecipient.telegram_id)
    )
    ids = written.scalars().all()
    over = len(ids) < BATCH
    values = {
        "id": broadcast.id,
        "lease": lease,
        "added": len(ids),
        "last": max(ids, default=0),
        "over": over,
    }
    if db.session.execute(_FILLED, values).first() is None:
        raise NotOurs
    return not over


def _reached(tenant_id: int, bot_id: int, audience: Audience) -> Select[Any]:
    check_audience(audience)
    talked = select(BotMember.telegram_id).where(
        BotMember.tenant_id == tenant_id, BotMember.bot_id == bot_id, BotMember.blocked_at.is_(None)
    )
    if audience.kind is AudienceKind.ALL:
        return talked
    if audience.kind is AudienceKind.ENTRANTS:
        of = LotteryEntry
        chosen = select(of.telegram_id).where(of.tenant_id == tenant_id, of.lottery_id == audience.number)
    elif audience.kind is AudienceKind.BUYERS:
        chosen = _buyers(tenant_id, audience)
    else:
        chosen = select(Member.telegram_id).where(Member.tenant_id == tenant_id, _fits(audience))
    return talked.where(BotMember.telegram_id.in_(chosen))


def _buyers(tenant_id: int, audience: Audience) -> Select[Any]:
    chosen = select(Order.telegram_id).where(Order.tenant_id == tenant_id, Order.paid_at.is_not(None))
    return chosen.where(Order.product_id == audience.number) if audience.value else chosen


def _fits(audience: Audience) -> ColumnElement[bool]:
    if audience.kind is AudienceKind.LANGUAGE:
        return members.speaking(audience.value)
    here = members.active_since(clock.now() - timedelta(days=audience.number))
    return here if audience.kind is AudienceKind.ACTIVE else not_(here)
