"""Telling the boss that a bot is unwell, once when it begins and once when it is over."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import and_, or_, select, text

from app.core.clock import now
from app.core.db import db
from app.core.i18n import N_, translate
from app.core.settings import get_settings
from app.domain.bot_health import Problem
from app.models import Bot, BotAlert
from app.services import bots, mails, notices, outbox
from app.services.health.card import read_alert

BATCH = 100
NO_WAY_YET = timedelta(minutes=5)
"""Where nobody can be told, the alert waits this long for somebody to link his account."""

OPENED = N_("⚠️ %(bot)s needs you\n\n%(problem)s")
CLOSED = N_("✅ %(bot)s works again. The trouble lasted %(minutes)s minutes.")
SUBJECT_OPENED = N_("%(bot)s needs you")
SUBJECT_CLOSED = N_("%(bot)s works again")

# A bot that is well now may fall ill again in the next minute: what comes and goes is one incident.
_SETTLE = text("""
UPDATE bot_alert a SET closed_at = clock_timestamp(),
       closed_told_at = CASE WHEN a.told_at IS NULL THEN clock_timestamp() END
FROM bot b
WHERE a.closed_at IS NULL AND b.id = a.bot_id AND a.kind = ANY(:kinds) AND b.state = 'running'
      AND b.error_code IS NULL AND b.error_at < clock_timestamp() - make_interval(secs => :quiet)
""")
QUIET = {Problem.CONFLICT: 120, Problem.UNREACHABLE: 30}


def tell() -> int:
    """Writes what is to be said to the outbox and says how many alerts that concerned."""
    settle()
    alerts = list(_untold())
    for alert in alerts:
        _tell(alert)
    return len(alerts)


def settle() -> None:
    """Ends incidents of bots that have been well for a while."""
    for problem, quiet in QUIET.items():
        db.session.execute(_SETTLE, {"kinds": [problem.value], "quiet": quiet})


def _untold() -> Iterator[BotAlert]:
    opened = and_(BotAlert.closed_at.is_(None), BotAlert.told_at.is_(None), BotAlert.due_at <= now())
    closed = and_(BotAlert.closed_at.is_not(None), BotAlert.closed_told_at.is_(None))
    query = select(BotAlert).where(or_(opened, closed)).order_by(BotAlert.due_at).limit(BATCH)
    yield from db.session.scalars(query.with_for_update(skip_locked=True))


def _tell(alert: BotAlert) -> None:
    bot = bots.get(alert.bot_id)
    over = alert.closed_at is not None
    reached = [_tell_one(alert, bot, reader, over=over) for reader in notices.readers(bot.tenant_id)]
    if over:
        alert.closed_told_at = now()
    elif any(reached):
        alert.told_at = now()
    else:
        alert.due_at = now() + NO_WAY_YET


def _tell_one(alert: BotAlert, bot: Bot, reader: notices.Reader, *, over: bool) -> bool:
    """Whether there was a way to reach him."""
    subject, body = _words(alert, bot, reader.locale, over=over)
    key = f"bot_alert:{alert.id}:{'closed' if over else 'open'}"
    mailed = bool(get_settings().mail_url) and mails.queue(
        reader.email, subject, body, f"{key}:{reader.email}"
    )
    carrier = notices.carrier(bot.tenant_id, reader.telegram_id, bot.id)
    if carrier is None or reader.telegram_id is None:
        return mailed
    outbox.queue_message(
        bot.tenant_id,
        carrier,
        reader.telegram_id,
        "sendMessage",
        {"text": body},
        f"{key}:{reader.telegram_id}",
    )
    return True


def _words(alert: BotAlert, bot: Bot, locale: str, *, over: bool) -> tuple[str, str]:
    name = bots.label(bot)
    if over and alert.closed_at:
        minutes = max(1, round((alert.closed_at - alert.opened_at).total_seconds() / 60))
        return translate(locale, SUBJECT_CLOSED, bot=name), translate(
            locale, CLOSED, bot=name, minutes=minutes
        )
    reading = read_alert(alert)
    problem = translate(locale, reading.text, **reading.params)
    return translate(locale, SUBJECT_OPENED, bot=name), translate(locale, OPENED, bot=name, problem=problem)
