"""The health card: all that is known about one bot right now, in plain words, with the one action that would help."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func, select

from app.core import clock, crypto
from app.core.db import db
from app.domain.bot_health import (
    NOT_STARTED,
    STOPPED,
    Problem,
    Reading,
    Repair,
    read_failure,
    read_webhook_error,
)
from app.domain.bots import BotState, Mode, host_of, is_our_webhook
from app.domain.inbox import UpdateState
from app.models import Bot, BotAlert, BotHour, Tenant, Update
from app.services import bots, sending

FRESH_COMPLAINT = timedelta(minutes=10)
"""A complaint of Telegram about our webhook that is older is history."""
LONG_START = timedelta(seconds=45)
INCIDENTS = 5


@dataclass(frozen=True)
class Incident:
    """Something that was wrong, in plain words; `closed_at` is None while it lasts."""

    problem: Problem
    reading: Reading
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True)
class HealthCard:
    """One bot. Times are UTC; `None` means unknown or never, and an empty host means nobody."""

    bot_id: int
    public_id: str
    telegram_id: int | None
    username: str
    name: str
    token: str
    """Masked."""
    enabled: bool
    mode: Mode
    state: BotState
    locale: str | None
    running_since: datetime | None
    reading: Reading | None
    """What is wrong; None when all is well."""
    error_code: int | None
    error_at: datetime | None
    retry_at: datetime | None
    webhook_host: str
    """Who receives the updates by webhook."""
    webhook_expected: str
    """Where they should go; empty in polling mode."""
    webhook_ours: bool
    webhook_drift: bool
    pending_updates: int | None
    """Waiting at Telegram when it was last asked."""
    checked_at: datetime | None
    last_update_at: datetime | None
    updates_today: int
    failed_today: int
    queue_length: int
    """Waiting with us."""
    queue_lag: float
    """Seconds that the oldest of them has waited."""
    send_budget: float | None
    """What is free of Telegram's sending limit, 0.0 to 1.0; None = unknown."""
    incidents: tuple[Incident, ...] = ()
    """The latest ones; lists leave them out."""

    @property
    def link(self) -> str:
        """The bot's address for people; empty while its name is unknown."""
        return f"https://t.me/{self.username}" if self.username else ""

    @property
    def repair(self) -> Repair | None:
        """The action that would help."""
        return self.reading.repair if self.reading else None

    @property
    def well(self) -> bool:
        """Whether the bot does what the boss wants."""
        return self.reading is None


def card(bot: Bot) -> HealthCard:
    """The card as of now with its latest incidents; asks only our own database and Redis."""
    plain, incidents = cards([bot])[0], _incidents(bot)
    # Two readers of one bot win by turns: it looks well every other moment, and the incident says that it is not.
    lasting = next((incident.reading for incident in incidents if incident.closed_at is None), None)
    return replace(plain, incidents=incidents, reading=plain.reading or lasting)


def cards(many: Sequence[Bot]) -> list[HealthCard]:
    """Cards without incidents, in two statements and one question to Redis for all of them."""
    ids = [bot.id for bot in many]
    today, queues, budgets = _today(ids), _queues(ids), sending.budgets(ids)
    return [
        _card(bot, today.get(bot.id, (0, 0)), queues.get(bot.id, (0, 0.0)), budget)
        for bot, budget in zip(many, budgets, strict=True)
    ]


def _card(bot: Bot, today: tuple[int, int], queue: tuple[int, float], budget: float | None) -> HealthCard:
    (handled, failed), (length, lag) = today, queue
    expected = bots.webhook_url(bot) if bot.mode is Mode.WEBHOOK and bot.enabled else ""
    return HealthCard(
        bot_id=bot.id,
        public_id=bot.public_id,
        telegram_id=bot.telegram_id,
        username=bot.username,
        name=bot.name,
        token=crypto.mask(bot.token),
        enabled=bot.enabled,
        mode=bot.mode,
        state=bot.state,
        locale=bot.locale,
        running_since=bot.running_since,
        reading=read(bot),
        error_code=bot.error_code,
        error_at=bot.error_at,
        retry_at=bot.retry_at,
        webhook_host=host_of(bot.webhook_url),
        webhook_expected=expected,
        webhook_ours=is_our_webhook(bot.webhook_url or "", bot.public_id),
        webhook_drift=bot.health_at is not None and (bot.webhook_url or "") != expected,
        pending_updates=bot.pending_updates,
        checked_at=bot.health_at,
        last_update_at=bot.last_update_at,
        updates_today=handled,
        failed_today=failed,
        queue_length=length,
        queue_lag=lag,
        send_budget=budget,
    )


def read(bot: Bot) -> Reading | None:
    """What is wrong with the bot, or None."""
    if not bot.enabled:
        return Reading(None, STOPPED, repair=Repair.START)
    if bot.error_code is not None:
        host = "" if is_our_webhook(bot.webhook_url or "", bot.public_id) else host_of(bot.webhook_url)
        return read_failure(bot.error_code, bot.error_text or "", host)
    if complains(bot):
        return read_webhook_error(bot.webhook_error or "")
    if bot.state is BotState.STARTING and bot.wished_at and bot.wished_at < clock.now() - LONG_START:
        return Reading(None, NOT_STARTED, repair=Repair.RETRY)
    return None


def complains(bot: Bot) -> bool:
    """Whether Telegram lately failed to deliver to our webhook and has not made up for it."""
    return (
        bot.mode is Mode.WEBHOOK
        and bot.webhook_set_at is not None
        and bot.webhook_error_at is not None
        and bot.webhook_error_at > max(bot.webhook_set_at, clock.now() - FRESH_COMPLAINT)
        and bool(bot.pending_updates)
    )


def _today(ids: list[int]) -> dict[int, tuple[int, int]]:
    """(handled, failed) of each bot since midnight where its tenant lives."""
    midnight = func.timezone(
        Tenant.timezone, func.date_trunc("day", func.timezone(Tenant.timezone, clock.now()))
    )
    rows = db.session.execute(
        select(BotHour.bot_id, func.sum(BotHour.handled), func.sum(BotHour.failed))
        .join(Tenant, Tenant.id == BotHour.tenant_id)
        .where(BotHour.bot_id.in_(ids), BotHour.hour >= midnight)
        .group_by(BotHour.bot_id)
    )
    return {bot_id: (int(handled), int(failed)) for bot_id, handled, failed in rows}


def _queues(ids: list[int]) -> dict[int, tuple[int, float]]:
    """(updates waiting with us, age of the oldest in seconds) of each bot where any wait."""
    rows = db.session.execute(
        select(Update.bot_id, func.count(), func.min(Update.received_at))
        .where(Update.bot_id.in_(ids), Update.state.in_([UpdateState.NEW, UpdateState.LEASED]))
        .group_by(Update.bot_id)
    )
    moment = clock.now()
    return {bot_id: (length, max(0.0, (moment - oldest).total_seconds())) for bot_id, length, oldest in rows}


def _incidents(bot: Bot) -> tuple[Incident, ...]:
    query = select(BotAlert).where(BotAlert.bot_id == bot.id).order_by(BotAlert.id.desc()).limit(INCIDENTS)
    return tuple(
        Incident(Problem(row.kind), read_alert(row), row.opened_at, row.closed_at)
        for row in db.session.scalars(query)
    )


_CODES = {Problem.REVOKED: 401, Problem.CONFLICT: 409, Problem.UNREACHABLE: 0}


def read_alert(alert: BotAlert) -> Reading:
    """An incident in plain words."""
    problem = Problem(alert.kind)
    if problem is Problem.WEBHOOK:
        return read_webhook_error(alert.detail)
    return read_failure(_CODES[problem], "", alert.detail if problem is Problem.CONFLICT else "")
