"""Making Telegram match what the boss wants: claim (commit), ask Telegram with no connection held, complete (commit).

We never remove a webhook of somebody else unless the boss just asked for the bot (`take_over`), and never drop what
waits at Telegram.
"""

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select, update

from app.core.bells import Bell
from app.core.clock import now
from app.core.db import db
from app.core.i18n import EN, N_, ZH, translate
from app.core.queue import TaskName, enqueue, ring
from app.core.settings import get_settings
from app.domain.bots import CONFLICT_CODE, BotState, Mode, is_our_webhook, webhook_path
from app.gateways import telegram
from app.models import Bot
from app.services import audit
from app.services.bots import lookup
from app.services.bots.state import report_failure, report_ok

log = logging.getLogger(__name__)
BAD_REQUEST = 400
LEASE = timedelta(seconds=90)
SPACING = timedelta(seconds=1)
"""Telegram allows one change of a webhook a second and bot."""
SWEEP_BATCH = 100
COMMANDS = (
    ("start", N_("Open the menu")),
    ("shop", N_("The shop")),
    ("orders", N_("My orders")),
    ("lottery", N_("Open lotteries")),
    ("mylotteries", N_("My lotteries")),
    ("points", N_("My credits")),
    ("help", N_("What this bot can do")),
    ("language", N_("Change the language")),
    ("cancel", N_("Stop what you are doing")),
)
"""The menu beside the input field, as (command, msgid)."""


@dataclass(frozen=True)
class Job:
    """One bot to bring in line. `url` is empty where no webhook of ours shall exist."""

    bot_id: int
    token: str = field(repr=False)
    lease: int
    version: int
    public_id: str
    url: str
    secret: str = field(repr=False)
    generation: int
    renew: bool
    take_over: bool
    ask: bool
    commands: bool
    removed: bool


@dataclass(frozen=True)
class Done:
    """How it went. `foreign` = the address of somebody else's webhook that we left alone."""

    job: Job
    foreign: str = ""
    changed: bool = False
    failure: telegram.TelegramFailed | None = None


# Whoever polled while the webhook still stood was refused; with a new version he tries again at once, and what he says
# about the old one no longer counts.
_FRESH_START: Final = {
    "version": Bot.version + 1,
    "state": BotState.STARTING,
    "error_code": None,
    "error_text": None,
    "failures": 0,
    "retry_at": None,
}


def claim(bot_id: int) -> Job | None:
    """Takes the bot for LEASE; None where nothing differs, it must wait, or somebody else is at it."""
    moment = now()
    bot = db.session.scalar(
        update(Bot)
        .where(Bot.id == bot_id, _due())
        .values(apply_token=Bot.apply_token + 1, apply_until=moment + LEASE)
        .returning(Bot)
        .execution_options(populate_existing=True)
    )
    if bot is None:
        return None
    alive = bot.enabled and bot.removed_at is None
    url = lookup.webhook_url(bot) if alive and bot.mode is Mode.WEBHOOK else ""
    return Job(
        bot_id=bot.id,
        token=bot.token,
        lease=bot.apply_token,
        version=bot.version,
        public_id=bot.public_id,
        url=url,
        secret=lookup.webhook_secret(bot),
        generation=bot.secret_generation,
        renew=bot.webhook_generation != bot.secret_generation,
        take_over=bot.take_over and alive,
        ask=bool(url) or bot.webhook_set_at is not None or bot.take_over,
        commands=alive and bot.commands_set_at is None,
        removed=bot.removed_at is not None,
    )


def perform(job: Job) -> Done:
    """Asks Telegram; needs no database."""
    foreign, changed = "", False
    try:
        if job.ask:
            foreign, changed = _webhook(job)
        if job.commands:
            _set_commands(job.token)
    except telegram.TelegramFailed as error:
        return Done(job, foreign, changed, error)
    return Done(job, foreign, changed)


def _webhook(job: Job) -> tuple[str, bool]:
    """(address of a foreign webhook left alone, whether it was changed)."""
    url = telegram.get_webhook_info(job.token).url
    if url and not is_our_webhook(url, job.public_id) and not job.take_over:
        return url, False
    if job.url and (url != job.url or job.renew):
        telegram.set_webhook(job.token, job.url, job.secret)
        return "", True
    if url and not job.url:
        telegram.delete_webhook(job.token)
        return "", True
    return "", False


def _set_commands(token: str) -> None:
    for language, locale in (("", EN), ("zh", ZH)):
        lines = [telegram.Command(name, translate(locale, text)) for name, text in COMMANDS]
        try:
            telegram.set_my_commands(token, lines, language)
        except telegram.TelegramRefused as error:
            if error.code != BAD_REQUEST:
                raise
            # A menu that Telegram does not like is no reason to call the bot unwell.
            log.warning("menu of commands refused", extra={"reason": error.description})


def complete(done: Done) -> None:
    """Writes down what is true at Telegram now. A newer claim wins over a late answer."""
    job, failure = done.job, done.failure
    gone = job.removed and (failure is None or failure.code in {401, 404})
    values: dict[str, object] = {"apply_until": now() + SPACING if done.changed else None}
    if gone:
        values |= {"token": "", "token_fingerprint": "", "webhook_set_at": None}
    elif failure is None:
        values |= _facts(done)
    ours = db.session.scalar(
        update(Bot)
        .where(Bot.id == job.bot_id, Bot.apply_token == job.lease)
        .values(values)
        .returning(Bot.version)
    )
    if ours is None or gone:
        return
    if failure is not None:
        report_failure(
            job.bot_id,
            failure.code,
            failure.description,
            failure.retry_after,
            version=job.version,
            webhook=True,
        )
    elif done.foreign:
        report_failure(job.bot_id, CONFLICT_CODE, "", version=job.version, webhook=True)
    elif job.url:
        report_ok(job.bot_id, version=job.version)
    if ours != job.version:
        enqueue(TaskName.BOTS_APPLY, job.bot_id)
    ring(Bell.BOTS, job.bot_id)


def _facts(done: Done) -> dict[str, object]:
    job = done.job
    facts: dict[str, object] = {"commands_set_at": func.coalesce(Bot.commands_set_at, now())}
    if not job.ask:
        return facts
    # What the boss asked for meanwhile stays asked for.
    facts["take_over"] = case((Bot.version == job.version, False), else_=Bot.take_over)
    if done.foreign:
        return facts | {"webhook_url": done.foreign, "webhook_set_at": None}
    if job.url:
        set_at = now() if done.changed else func.coalesce(Bot.webhook_set_at, now())
        return facts | {
            "webhook_url": job.url,
            "webhook_set_at": set_at,
            "webhook_generation": job.generation,
        }
    facts |= {"webhook_url": "", "webhook_set_at": None, "webhook_generation": None}
    return facts | _FRESH_START if done.changed and job.take_over else facts


def _differs() -> ColumnElement[bool]:
    """Rows whose wish and fact differ."""
    alive = and_(Bot.enabled, Bot.removed_at.is_(None))
    address = get_settings().public_url
    expected = func.concat(literal(address), func.replace(literal(webhook_path("{}")), "{}", Bot.public_id))
    wants = and_(alive, Bot.mode == Mode.WEBHOOK, literal(bool(address)))
    stale = or_(
        Bot.webhook_set_at.is_(None),
        Bot.webhook_generation.is_distinct_from(Bot.secret_generation),
        Bot.webhook_url.is_distinct_from(expected),
    )
    return or_(
        and_(wants, stale),
        and_(~wants, Bot.webhook_set_at.is_not(None)),
        and_(alive, or_(Bot.take_over, Bot.commands_set_at.is_(None))),
        and_(Bot.removed_at.is_not(None), Bot.token_fingerprint != ""),
    )


def _due() -> ColumnElement[bool]:
    moment = now()
    return and_(
        _differs(),
        or_(Bot.retry_at.is_(None), Bot.retry_at <= moment),
        or_(Bot.apply_until.is_(None), Bot.apply_until <= moment),
    )


def sweep() -> int:
    """Asks for an `apply` of every bot whose wish and fact differ, and falls back to polling without an address."""
    fall_back()
    ids = list(db.session.scalars(select(Bot.id).where(_due()).order_by(Bot.id).limit(SWEEP_BATCH)))
    for bot_id in ids:
        enqueue(TaskName.BOTS_APPLY, bot_id)
    return len(ids)


def fall_back() -> None:
    """Without a public address no webhook can work: such bots are polled instead."""
    if get_settings().public_url:
        return
    rows = db.session.scalars(
        update(Bot)
        .where(Bot.mode == Mode.WEBHOOK, Bot.removed_at.is_(None))
        .values(
            mode=Mode.POLLING,
            version=Bot.version + 1,
            retry_at=None,
            failures=0,
            state=case((Bot.enabled, BotState.STARTING.value), else_=Bot.state),
        )
        .returning(Bot)
    )
    for bot in rows:
        audit.record(
            bot.tenant_id,
            "bot.fell_back_to_polling",
            ("bot", bot.id, lookup.label(bot)),
            {"mode": ["webhook", "polling"]},
        )
        ring(Bell.BOTS, bot.id)
