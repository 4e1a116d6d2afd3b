"""A person and a bot of the platform talk: what he does goes through the sandbox, its updates through `handle`."""

import itertools
import os

import orjson

from app.core.db import db
from app.core.queue import transaction
from app.domain.bots import BotConfig
from app.models import Bot, Tenant
from app.services import directory
from bots.dispatcher import handle
from tests.sandbox_client import LIN, WANG, Json, Sandbox

_numbers = itertools.count(1)


def make_bot(telegram: Sandbox, tenant: Tenant, **more) -> tuple[Json, BotConfig]:
    """A bot at Telegram that a tenant runs, written to the database without asking Telegram."""
    there = telegram.create_bot(f"talk{next(_numbers)}_bot")
    values = {"locale": "en", "state": "running"} | more
    bot = Bot(
        tenant_id=tenant.id,
        telegram_id=there["id"],
        username=there["username"],
        token=there["token"],
        token_fingerprint=there["token"],
        **values,
    )
    with transaction():
        db.session.add(bot)
    return there, config_of(bot.id)


def config_of(bot_id: int) -> BotConfig:
    """The configuration as it is now."""
    known = directory.threads._snapshots(os.getpid())
    known._entries.clear()
    known._missing.clear()
    config = directory.find(bot_id)
    assert config is not None
    return config


def message(text: str, *, user: int = LIN, chat: Json | None = None, **more) -> Json:
    """The payload of a message, as Telegram would send it."""
    person = {"id": user, "is_bot": False, "first_name": "Lin", "language_code": "en"}
    return {
        "message_id": next(_numbers),
        "from": person,
        "chat": chat or {"id": user, "first_name": "Lin", "type": "private"},
        "date": 1_795_160_000,
        "text": text,
        **more,
    }


def press(data: str | None, *, user: int = LIN, **more) -> Json:
    """The payload of a press on a button that nobody needs to have drawn."""
    return {
        "id": str(next(_numbers)),
        "from": {"id": user, "is_bot": False, "first_name": "Lin", "language_code": "en"},
        "message": message("an older message", user=user),
        "chat_instance": "1",
        **({"data": data} if data is not None else {}),
        **more,
    }


def give(config: BotConfig, **payload: object) -> bool:
    """Handles one update of our own making."""
    return handle(config, orjson.dumps({"update_id": next(_numbers), **payload}))


class Talk:
    """One bot and the people who talk with it."""

    def __init__(self, telegram: Sandbox, bot: Json, config: BotConfig) -> None:
        self.telegram = telegram
        self.bot = bot
        self.config = config
        self._offset = 0
        for user, name in ((LIN, "Lin"), (WANG, "Wang")):
            telegram.post("users", id=user, first_name=name, language_code="en")
            # A bot may write to those only who have written to it.
            said = telegram.say(bot, user, "a message from before the bot was here")
            self._offset = said["update_id"] + 1

    def say(self, text: str, user: int = LIN) -> list[str]:
        """A person writes; what the bot answers."""
        before = len(self.texts(user))
        self.telegram.say(self.bot, user, text)
        self.feed()
        return self.texts(user)[before:]

    def press(self, label: str, user: int = LIN) -> str:
        """A person presses the newest button with this label; the text of the last message after that."""
        self.telegram.press(self.bot, user, label)
        self.feed()
        return self.texts(user)[-1]

    def texts(self, chat: int = LIN) -> list[str]:
        """What the bot has said in a chat, as it stands now."""
        return self.telegram.texts(self.bot, chat)

    def labels(self, chat: int = LIN) -> list[str]:
        """The buttons under the bot's last message."""
        last = next(m for m in reversed(self.telegram.messages(self.bot, chat)) if m["from"]["is_bot"])
        return [button["text"] for row in last["reply_markup"]["inline_keyboard"] for button in row]

    def feed(self) -> None:
        """Handles what waits at Telegram."""
        updates = self.telegram.api(self.bot, "getUpdates", offset=self._offset)["result"]
        for update in updates:
            self._offset = update["update_id"] + 1
            handle(self.config, orjson.dumps(update))
