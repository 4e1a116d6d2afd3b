"""Finding bots, and what follows from a bot: its secret and its webhook's address."""

from datetime import timedelta

from sqlalchemy import func, select

from app.core import crypto
from app.core.clock import now
from app.core.db import db
from app.core.errors import NotFound
from app.core.settings import get_settings
from app.domain.bots import SECRET_GRACE, webhook_path
from app.models import Bot
from app.services.bots.errors import ChooseBot, NoBot


def get(bot_id: int, *, lock: bool = False) -> Bot:
    """The bot, removed or not. `lock` keeps others from changing it until the transaction ends. Raises NotFound."""
    query = select(Bot).where(Bot.id == bot_id).execution_options(populate_existing=lock)
    bot = db.session.scalar(query.with_for_update() if lock else query)
    if bot is None:
        raise NotFound
    return bot


def find_by_public_id(public_id: str) -> Bot | None:
    """A bot that was not removed."""
    return db.session.scalar(select(Bot).where(Bot.public_id == public_id, Bot.removed_at.is_(None)))


def get_by_public_id(public_id: str) -> Bot:
    """Raises NotFound, also for a removed one."""
    bot = find_by_public_id(public_id)
    if bot is None:
        raise NotFound
    return bot


def list_bots(tenant_id: int | None = None, *, limit: int = 100, after: int = 0) -> list[Bot]:
    """Bots that were not removed, oldest first; `after` is the last id of the page before."""
    query = select(Bot).where(Bot.removed_at.is_(None), Bot.id > after).order_by(Bot.id).limit(limit)
    return list(db.session.scalars(query if tenant_id is None else query.where(Bot.tenant_id == tenant_id)))


def count(tenant_id: int) -> int:
    """How many bots of a tenant count against its plan."""
    query = select(func.count()).select_from(Bot).where(Bot.tenant_id == tenant_id, Bot.removed_at.is_(None))
    return db.session.scalar(query) or 0


def choose(public_id: str | None, tenant_id: int) -> Bot:
    """The bot that a request means: the named one, else the tenant's only one. Raises NotFound, NoBot, ChooseBot."""
    if public_id:
        return get_by_public_id(public_id)
    bots = list_bots(tenant_id)
    if not bots:
        raise NoBot
    if len(bots) > 1:
        raise ChooseBot(bots=", ".join(f"{bot.public_id} (@{bot.username})" for bot in bots))
    return bots[0]


def webhook_secret(bot: Bot) -> str:
    """What Telegram sends with every update of this bot: 43 characters, never stored."""
    return secret_of(bot.public_id, bot.secret_generation)


def former_secret(bot: Bot) -> str:
    """The secret before the present one while it is still accepted, else an empty text."""
    rotated = bot.secret_rotated_at
    if rotated is None or now() - rotated > timedelta(seconds=SECRET_GRACE):
        return ""
    return secret_of(bot.public_id, bot.secret_generation - 1)


def secret_of(public_id: str, generation: int) -> str:
    """The webhook secret of a bot's generation: derived, so that it is stored nowhere."""
    return crypto.derive(get_settings().secret_key.get_secret_value(), "webhook", public_id, generation)


def webhook_url(bot: Bot) -> str:
    """Where Telegram shall post this bot's updates; empty where the platform has no public address."""
    base = get_settings().public_url
    return f"{base}{webhook_path(bot.public_id)}" if base else ""


def token_fingerprint(token: str) -> str:
    """What the UNIQUE index on tokens compares."""
    return crypto.fingerprint(get_settings().secret_key.get_secret_value(), token)


def label(bot: Bot) -> str:
    """How people call the bot."""
    return f"@{bot.username}" if bot.username else str(bot.telegram_id or bot.public_id)
