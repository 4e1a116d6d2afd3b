"""Bots as tests add and change them: the way pages and tasks do."""

from app.core.db import db
from app.core.queue import transaction
from app.models import Bot
from app.services import bots
from tests.sandbox_client import Json, Sandbox

PUBLIC = "http://127.0.0.1:9"
FOREIGN = "http://localhost:9/hook"


def add(tenant_id: int, token: str, **more) -> Bot:
    """As the page does: ask Telegram first, then write."""
    checked = bots.check_token(token)
    with transaction():
        return bots.create(tenant_id, checked, **more)


def apply(bot: Bot) -> bots.Done | None:
    """As the task does."""
    with transaction():
        job = bots.claim(bot.id)
    if job is None:
        return None
    done = bots.perform(job)
    with transaction():
        bots.complete(done)
    return done


def do(verb, bot: Bot, *args, **more):
    with transaction():
        return verb(bot.id, *args, **more)


def reload(bot: Bot) -> Bot:
    db.session.expire_all()
    found = bots.get(bot.id)
    db.session.commit()
    return found


def webhook_of(telegram: Sandbox, bot: Json) -> str:
    return telegram.api(bot, "getWebhookInfo")["result"]["url"]


def called(telegram: Sandbox, bot: Json) -> list[str]:
    return [call["method"] for call in telegram.calls(bot)]
