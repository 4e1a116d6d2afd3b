"""Everything the sandbox knows, and the finding and making of it."""

import random
import secrets
from collections import OrderedDict
from collections.abc import Container, Iterator
from itertools import count

from sandbox.conversations import Conversation
from sandbox.deepseek import service as deepseek
from sandbox.drand import Relays
from sandbox.faults import Faults
from sandbox.files import Shelf
from sandbox.journal import Journal
from sandbox.models import SUPERGROUP_BASE, Bot, Chat, Clock, Person
from sandbox.outbound import Client
from sandbox.partner import service as partner
from sandbox.pingpong.book import Book
from sandbox.pingpong.desk import Desk
from sandbox.pingpong.notices import Notifier
from sandbox.queues import put
from sandbox.settings import Settings
from sandbox.shapes import Json
from sandbox.stars import Stars
from sandbox.webhooks import Deliveries, Patience
from sandbox.yuanfenju import service as yuanfenju

# Names for people who are only a number so far.
FIRST_NAMES = ("小满", "建国", "雨桐", "Alice", "浩然", "Boris", "静怡", "Carmen")
FIRST_PERSON = 5_550_001
FIRST_BOT = 7_100_000_001
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


class Refused(Exception):
    """The control door or a page asked for something impossible; the text says what."""


class World:
    """Bots, people, chats and conversations, in memory."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = Clock()
        self.journal = Journal(settings.kept_calls)
        self.faults = Faults()
        self.relays = Relays()
        self.shelf = Shelf(settings.data)
        patience = Patience(settings.retry_scale, settings.webhook_timeout)
        client = Client()
        self.deliveries = Deliveries(client, self.clock, patience)
        book = Book(self.clock)
        self.desk = Desk(book, Notifier(book, client, settings), settings)
        self.yuanfenju = yuanfenju.Service()
        self.deepseek = deepseek.Service()
        self.partners = partner.Service()
        self.stars = Stars()
        self.clear()

    def clear(self) -> None:
        """Forget everybody and everything."""
        self.deliveries.close()
        self.desk.clear()
        self.yuanfenju.clear()
        self.deepseek.clear()
        self.partners.clear()
        self.stars.clear()
        self.bots: OrderedDict[int, Bot] = OrderedDict()
        self.bots_by_token: dict[str, Bot] = {}
        self.bots_by_username: dict[str, Bot] = {}
        self.people: dict[int, Person] = {}
        self.chats: dict[int, Chat] = {}
        self.private: dict[tuple[int, int], Conversation] = {}
        self.shared: dict[int, Conversation] = {}
        self._bot_ids = count(FIRST_BOT)
        self._person_ids = count(FIRST_PERSON)
        self.dirty = True
        for number in range(3):
            self.person(FIRST_PERSON + number)

    # Bots

    def create_bot(self, username: str, name: str, token: str = "") -> Bot:
        """A new bot; raises Refused when its username or token is taken or malformed."""
        if not (5 <= len(username) <= 32 and username.replace("_", "a").isalnum() and username.isascii()):
            raise Refused("username_invalid")
        if not username.lower().endswith("bot"):
            raise Refused("username_must_end_in_bot")
        if username.lower() in self.bots_by_username:
            raise Refused("username_taken")
        if token and not valid_token(token):
            raise Refused("token_invalid")
        bot_id = int(token.partition(":")[0]) if token else free_id(self.bots, self._bot_ids)
        if bot_id in self.bots:
            raise Refused("token_taken")
        bot = Bot(
            bot_id, token or new_token(bot_id), username, name or username, random.randint(10**8, 9 * 10**8)
        )
        self.keep_bot(bot)
        return bot

    def keep_bot(self, bot: Bot) -> None:
        """Make a bot known by its id, token and username."""
        self.bots[bot.id] = bot
        self.bots_by_token[bot.token] = bot
        self.bots_by_username[bot.username.lower()] = bot
        self.dirty = True

    def replace_token(self, bot: Bot) -> str:
        """Give the bot a new token; the old one answers 401 from now on."""
        del self.bots_by_token[bot.token]
        bot.token = new_token(bot.id)
        self.bots_by_token[bot.token] = bot
        self.dirty = True
        return bot.token

    def remove_bot(self, bot: Bot) -> None:
        """Forget a bot and what it said to people."""
        self.deliveries.stop(bot)
        del self.bots[bot.id]
        del self.bots_by_token[bot.token]
        del self.bots_by_username[bot.username.lower()]
        for key in [key for key in self.private if key[0] == bot.id]:
            del self.private[key]
        for chat in self.chats.values():
            chat.members.pop(bot.id, None)
        self.dirty = True

    def find_bot(self, name: str | int) -> Bot | None:
        """A bot by id, username (with or without @) or token."""
        text = str(name)
        if text.isdigit():
            return self.bots.get(int(text))
        return self.bots_by_username.get(text.removeprefix("@").lower()) or self.bots_by_token.get(text)

    def get_bot(self, name: str | int) -> Bot:
        """As find_bot; raises Refused."""
        bot = self.find_bot(name)
        if bot is None:
            raise Refused("no_such_bot")
        return bot

    def notify(self, bot: Bot, kind: str, payload: Json, queue: str) -> int:
        """Give a bot an update, by whichever way it wants it; returns its id, or 0 when not subscribed."""
        update = put(bot, kind, payload, queue, self.clock)
        if update is None:
            return 0
        self.deliveries.offer(bot, update)
        self.dirty = True
        return update.id

    # People, groups and channels

    def person(self, person_id: int) -> Person:
        """The person with this id, made up at first sight."""
        person = self.people.get(person_id)
        if person is None:
            person = Person(person_id, FIRST_NAMES[(person_id - FIRST_PERSON) % len(FIRST_NAMES)])
            self.people[person_id] = person
            self.dirty = True
        return person

    def new_person_id(self) -> int:
        """An id that nobody has."""
        return free_id(self.people, self._person_ids)

    def create_chat(self, kind: str, title: str, username: str = "", chat_id: int = 0) -> Chat:
        """A new group, supergroup or channel; raises Refused."""
        if kind not in {"group", "supergroup", "channel"}:
            raise Refused("chat_type_invalid")
        username = username.removeprefix("@")
        if username and self.find_chat(f"@{username}") is not None:
            raise Refused("username_taken")
        if not chat_id:
            base = 0 if kind == "group" else SUPERGROUP_BASE
            chat_id = base - random.randint(10**8, 10**9)
        if chat_id in self.chats or chat_id >= 0:
            raise Refused("chat_id_invalid")
        chat = self.chats[chat_id] = Chat(chat_id, kind, title, username)
        self.dirty = True
        return chat

    def find_chat(self, name: str | int) -> Chat | None:
        """A group, supergroup or channel by id or @username."""
        text = str(name)
        if text.startswith("@"):
            wanted = text[1:].lower()
            return next((chat for chat in self.chats.values() if chat.username.lower() == wanted), None)
        return self.chats.get(int(text)) if text.removeprefix("-").isdigit() else None

    def get_chat(self, name: str | int) -> Chat:
        """As find_chat; raises Refused."""
        chat = self.find_chat(name)
        if chat is None:
            raise Refused("no_such_chat")
        return chat

    # Conversations

    def private_conversation(self, bot: Bot, person: Person) -> Conversation:
        """The conversation of a bot with one person. Private chats of one bot share their message ids."""
        key = (bot.id, person.id)
        conversation = self.private.get(key)
        if conversation is None:

            def next_id() -> int:
                bot.next_message_id += 1
                return bot.next_message_id - 1

            conversation = Conversation(person.chat(), next_id, self.settings.kept_messages)
            self.private[key] = conversation
        return conversation

    def shared_conversation(self, chat: Chat, first_id: int = 1) -> Conversation:
        """The conversation in a group or channel, one for all its members."""
        conversation = self.shared.get(chat.id)
        if conversation is None:
            ids = count(first_id)
            conversation = Conversation(chat.chat(), lambda: next(ids), self.settings.kept_messages)
            self.shared[chat.id] = conversation
        return conversation

    def conversation(self, bot: Bot, chat: str | int) -> Conversation:
        """The conversation that a bot means by a chat id or @channel; raises Refused."""
        if str(chat).isdigit():
            return self.private_conversation(bot, self.person(int(chat)))
        return self.shared_conversation(self.get_chat(chat))


def free_id(taken: Container[int], ids: Iterator[int]) -> int:
    """The next id that nobody has."""
    return next(number for number in ids if number not in taken)


def valid_token(token: str) -> bool:
    """The real server's idea of a token."""
    bot_id, separator, secret = token.partition(":")
    digits = bot_id.isascii() and bot_id.isdigit() and bot_id[0] != "0" and int(bot_id) < 2**54
    return bool(separator and secret) and digits and "/" not in token and len(token) <= 80


def new_token(bot_id: int) -> str:
    """A token as @BotFather makes them."""
    return f"{bot_id}:AA" + "".join(secrets.choice(LETTERS) for _ in range(33))
