"""What the boss sees first: his bots, today's figures, what waits for him, and what to do next."""

from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from app.core import clock
from app.core.db import db
from app.domain.products import ProductState
from app.models import AuditEvent, Bot, BotHour, BotMenuItem, BotText, Lottery, Member, Membership, Product

MAX_BOTS = 12
MAX_EVENTS = 6


@dataclass(frozen=True)
class Steps:
    """What a new boss has done already, in the order in which he should."""

    bot_added: bool
    bot_used: bool
    telegram_linked: bool
    texts_written: bool
    product_offered: bool
    lottery_held: bool

    @property
    def left(self) -> int:
        """How many are still to do."""
        return astuple(self).count(False)


@dataclass(frozen=True)
class Today:
    """Counts since midnight in the tenant's zone, and the hours of the day up to now as (hour, handled, failed)."""

    handled: int
    failed: int
    new_members: int
    hours: list[tuple[int, int, int]]


@dataclass(frozen=True)
class BotTile:
    """A bot with its count of today."""

    bot: Bot
    handled: int


def midnight(zone: str) -> datetime:
    """The beginning of today in that zone, in UTC."""
    local = clock.now().astimezone(ZoneInfo(zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def steps(tenant_id: int, user_id: int) -> Steps:
    """What is done already, in one statement."""
    bots = select(Bot.id).where(Bot.tenant_id == tenant_id, Bot.removed_at.is_(None))
    used = select(Member.id).where(Member.tenant_id == tenant_id)
    linked = select(Membership.id).where(
        Membership.tenant_id == tenant_id, Membership.user_id == user_id, Membership.telegram_id.is_not(None)
    )
    texts = select(BotText.id).where(BotText.tenant_id == tenant_id)
    menu = select(BotMenuItem.id).where(BotMenuItem.tenant_id == tenant_id)
    offered = select(Product.id).where(
        Product.tenant_id == tenant_id, Product.state.in_((ProductState.ON_SALE, ProductState.OFF_SALE))
    )
    held = select(Lottery.id).where(Lottery.tenant_id == tenant_id, Lottery.opened_at.is_not(None))
    row = db.session.execute(
        select(
            bots.exists(),
            used.exists(),
            linked.exists(),
            texts.exists() | menu.exists(),
            offered.exists(),
            held.exists(),
        )
    ).one()
    return Steps(*row)


def today(tenant_id: int, zone: str) -> Today:
    """Updates per hour, failures and new members."""
    since = midnight(zone)
    rows = db.session.execute(
        select(BotHour.hour, func.sum(BotHour.handled), func.sum(BotHour.failed))
        .where(
            BotHour.tenant_id == tenant_id, BotHour.hour >= since, BotHour.hour < since + timedelta(days=1)
        )
        .group_by(BotHour.hour)
    ).all()
    by_hour = {
        hour.astimezone(ZoneInfo(zone)).hour: (int(handled), int(failed)) for hour, handled, failed in rows
    }
    last = clock.now().astimezone(ZoneInfo(zone)).hour
    members = db.session.scalar(
        select(func.count())
        .select_from(Member)
        .where(Member.tenant_id == tenant_id, Member.first_seen_at >= since)
    )
    return Today(
        handled=sum(handled for handled, _ in by_hour.values()),
        failed=sum(failed for _, failed in by_hour.values()),
        new_members=members or 0,
        hours=[(hour, *by_hour.get(hour, (0, 0))) for hour in range(last + 1)],
    )


def tiles(tenant_id: int, zone: str) -> list[BotTile]:
    """The tenant's bots, oldest first."""
    counted = (
        select(BotHour.bot_id, func.sum(BotHour.handled).label("handled"))
        .where(BotHour.tenant_id == tenant_id, BotHour.hour >= midnight(zone))
        .group_by(BotHour.bot_id)
        .subquery()
    )
    rows = db.session.execute(
        select(Bot, counted.c.handled)
        .outerjoin(counted, counted.c.bot_id == Bot.id)
        .where(Bot.tenant_id == tenant_id, Bot.removed_at.is_(None))
        .order_by(Bot.id)
        .limit(MAX_BOTS)
    ).all()
    return [BotTile(bot, int(handled or 0)) for bot, handled in rows]


def member_count(tenant_id: int) -> int:
    """How many Telegram users the tenant knows."""
    found = db.session.scalar(select(func.count()).select_from(Member).where(Member.tenant_id == tenant_id))
    return found or 0


def recent_changes(tenant_id: int) -> list[AuditEvent]:
    """The last few records of the audit log."""
    query = select(AuditEvent).where(AuditEvent.tenant_id == tenant_id).order_by(AuditEvent.id.desc())
    return list(db.session.scalars(query.limit(MAX_EVENTS)))
