"""A bot with people who wrote to it, and broadcasts that a test sends by itself."""

from collections import Counter
from dataclasses import dataclass
from threading import Event

from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.domain.bots import BotConfig
from app.domain.broadcasts import Audience, Button, Content
from app.models import Broadcast, BroadcastRecipient, Tenant
from app.services import broadcasts
from bots.telegram.broadcasts import send
from tests.sandbox_client import LIN, Json, Sandbox
from tests.talking import config_of, make_bot

NEVER = Event()


@dataclass
class Shop:
    """A bot at Telegram and `size` people from LIN on who wrote to it."""

    app: Flask
    telegram: Sandbox
    bot: Json
    config: BotConfig
    size: int

    @classmethod
    def open(cls, app: Flask, telegram: Sandbox, tenant: Tenant, size: int = 10) -> "Shop":
        bot, config = make_bot(telegram, tenant)
        telegram.crowd([bot["username"]], users=size, text="hi", first_user=LIN)
        add_members(config, range(LIN, LIN + size))
        return cls(app, telegram, bot, config, size)

    def broadcast(self, body: str = "News!", audience: Audience | None = None, *buttons: Button) -> Broadcast:
        """A draft."""
        with transaction():
            draft = broadcasts.Draft("", Content(body, buttons), audience or Audience())
            return broadcasts.create(self.config.tenant_id, self.config.id, draft)

    def start(self, body: str = "News!") -> Broadcast:
        """A running one, of which nothing is sent yet."""
        made = self.broadcast(body)
        with transaction():
            return broadcasts.start(made.id)

    def send(self, stopping: Event = NEVER) -> bool:
        """One turn."""
        return send(self.app, config_of(self.config.id), stopping)

    def got(self, words: str = "News!") -> Counter[int]:
        """How many got the message how often."""
        people = range(LIN, LIN + self.size)
        return Counter(self.telegram.texts(self.bot, chat).count(words) for chat in people)


def add_members(config: BotConfig, people: range, **more: object) -> None:
    """Telegram users who wrote to the bot in private; `more` are columns of `member`."""
    names = "".join(f", {name}" for name in more)
    values = "".join(f", :{name}" for name in more)
    given = {"tenant": config.tenant_id, "bot": config.id, "first": people.start, "last": people.stop - 1}
    everybody = "FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) n"
    with transaction():
        member = f"(tenant_id, telegram_id, first_name{names}) SELECT :tenant, n, 'Lin'{values} {everybody}"
        talk = f"(tenant_id, bot_id, telegram_id) SELECT :tenant, :bot, n {everybody}"
        db.session.execute(text(f"INSERT INTO member {member}"), given | more)
        db.session.execute(text(f"INSERT INTO bot_member {talk}"), given)


def states(broadcast: Broadcast) -> Counter[str]:
    """How many recipients are in each state."""
    db.session.expire_all()
    rows = db.session.query(BroadcastRecipient).filter_by(broadcast_id=broadcast.id)
    return Counter(str(row.state) for row in rows)


def fresh(broadcast: Broadcast) -> Broadcast:
    """As the database has it now."""
    db.session.rollback()
    return broadcasts.get(broadcast.id)


def do(act, *arguments):
    with transaction():
        return act(*arguments)


def expire(what: str = "broadcast") -> None:
    """Every lease of a kind runs out now."""
    do(db.session.execute, text(f"UPDATE {what} SET lease_until = now() - interval '1 second'"))


def counters(broadcast: Broadcast) -> dict[str, int]:
    now = fresh(broadcast)
    found = {"sent": now.sent, "blocked": now.blocked, "failed": now.failed, "unknown": now.unknown}
    return {name: number for name, number in found.items() if number}
