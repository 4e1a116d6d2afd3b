"""Asking Telegram how bots are: one by the boss's button, all of them by turns in the background.

10,000 bots make about 17 calls a second: each is asked every ten minutes, an unwell one every minute.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import and_, or_, select, update

from app.core.bells import Bell
from app.core.clock import now
from app.core.db import db
from app.core.queue import TaskName, enqueue, ring
from app.domain.bot_health import Problem
from app.domain.bots import CONFLICT_CODE, BotState, Mode, is_our_webhook
from app.gateways import telegram
from app.models import Bot
from app.services import bots
from app.services.health.card import complains

WELL_EVERY = timedelta(minutes=10)
UNWELL_EVERY = timedelta(minutes=1)
BATCH = 200
THREADS = 20


@dataclass(frozen=True)
class Question:
    """A bot to ask about, and the state of our knowledge when we asked."""

    bot_id: int
    token: str = field(repr=False)
    version: int
    lease: int


@dataclass(frozen=True)
class Answer:
    """`failure` is set, or `webhook` is. `me` only where it was asked for."""

    question: Question
    webhook: telegram.WebhookInfo | None = None
    me: telegram.Me | None = None
    failure: telegram.TelegramFailed | None = None


def claim_due(limit: int = BATCH) -> list[Question]:
    """Takes the bots whose turn it is, longest unasked first; each is handed out once per turn."""
    moment = now()
    unwell = and_(Bot.state != BotState.RUNNING, Bot.health_at < moment - UNWELL_EVERY)
    due = or_(Bot.health_at.is_(None), Bot.health_at < moment - WELL_EVERY, unwell)
    rested = or_(Bot.retry_at.is_(None), Bot.retry_at <= moment)
    turn = (
        select(Bot.id)
        .where(Bot.enabled, Bot.removed_at.is_(None), due, rested)
        .order_by(Bot.health_at.nulls_first())
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("turn")
    )
    query = update(Bot).where(Bot.id == turn.c.id).values(health_at=moment).returning(Bot)
    return [question(bot) for bot in db.session.scalars(query)]


def question(bot: Bot) -> Question:
    """A question about one bot, for the boss's button."""
    return Question(bot.id, bot.token, bot.version, bot.apply_token)


def ask(asked: Question, *, who: bool = False) -> Answer:
    """Asks Telegram; needs no database. `who` also asks whose token it is."""
    try:
        me = telegram.get_me(asked.token) if who else None
        return Answer(asked, telegram.get_webhook_info(asked.token), me)
    except telegram.TelegramFailed as error:
        return Answer(asked, failure=error)


def ask_all(questions: Sequence[Question]) -> list[Answer]:
    """Asks about many at once."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="health") as pool:
        return list(pool.map(ask, questions))


def record(answer: Answer) -> None:
    """Writes down what Telegram said; a bot that changed meanwhile is left alone until its next turn."""
    asked = answer.question
    bot = bots.get(asked.bot_id, lock=True)
    if (bot.version, bot.apply_token) != (asked.version, asked.lease) or bot.removed_at is not None:
        return
    bot.health_at = now()
    if answer.failure is not None:
        failure = answer.failure
        db.session.flush()
        bots.report_failure(bot.id, failure.code, failure.description, failure.retry_after, webhook=True)
        return
    if answer.me is not None:
        bot.username, bot.name = answer.me.username, answer.me.name
    if answer.webhook is not None:
        _record_webhook(bot, answer.webhook)


def _record_webhook(bot: Bot, info: telegram.WebhookInfo) -> None:
    bot.webhook_url, bot.pending_updates = info.url, info.pending
    bot.webhook_error, bot.webhook_error_at = info.error, info.error_at
    ours = is_our_webhook(info.url, bot.public_id)
    foreign = bool(info.url) and not ours
    if ours and bot.webhook_set_at is None:
        # Set by us and then forgotten, as after a restored backup: `apply` looks after it.
        bot.webhook_set_at, bot.webhook_generation = now(), None
    elif not ours:
        bot.webhook_set_at = None
    complaint = ours and complains(bot)
    if complaint and "403" in (info.error or ""):
        # Our own address refuses the secret: Telegram has to be told the present one.
        bot.webhook_generation = None
    db.session.flush()
    if not bot.enabled:
        return
    if foreign:
        bots.report_failure(bot.id, CONFLICT_CODE, "", webhook=True)
    elif bot.mode is Mode.WEBHOOK and ours:
        bots.report_ok(bot.id)
    _note_complaint(bot, info.error if complaint else None)


def _note_complaint(bot: Bot, complaint: str | None) -> None:
    if complaint is None:
        bots.close_alerts(bot.id, Problem.WEBHOOK)
    else:
        bots.open_alert(bot.tenant_id, bot.id, Problem.WEBHOOK, complaint)


def retry_now(bot_id: int) -> None:
    """The boss asked: a bot that waits after a failure is tried again at once."""
    changed = db.session.execute(
        update(Bot).where(Bot.id == bot_id, Bot.retry_at.is_not(None)).values(retry_at=None).returning(Bot.id)
    ).first()
    if changed:
        ring(Bell.BOTS, bot_id)
        enqueue(TaskName.BOTS_APPLY, bot_id)
