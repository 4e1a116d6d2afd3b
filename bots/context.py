"""What a conversation gets to work with: who wrote what to which bot, and the ways to answer."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from redis.exceptions import RedisError
from telebot import TeleBot, types

from app.core.i18n import locale_of, translate
from app.core.queue import transaction
from app.domain.bots import BotConfig
from app.domain.members import Person
from app.domain.sending import MAX_NOTE, Priority, split_text
from app.domain.wording import Place
from app.services import members
from app.services.audit import Actor, act_as
from bots import state, texts
from bots.keyboards import Keyboard, Press
from bots.state import Step
from bots.telegram import photos
from bots.telegram.errors import Postpone, Refused, SendError
from bots.telegram.sender import Call, perform

log = logging.getLogger(__name__)

Handler = Callable[["Context"], None]
PRIVATE = "private"
_HTML: Mapping[bool, dict[str, Any]] = {
    False: {},
    True: {"parse_mode": "HTML", "link_preview_options": types.LinkPreviewOptions(is_disabled=True)},
}


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A button of the main menu: `text` is a key of MAIN_TEXTS, `data` what it sends. Lower `order` comes first.

    `shown` says for which bots it is there; None = for all.
    """

    order: int
    text: str
    data: str
    shown: Callable[[BotConfig], bool] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Everything that the conversations registered, by what it answers to."""

    commands: Mapping[str, Handler]
    buttons: Mapping[str, Handler]
    steps: Mapping[str, Handler]
    payloads: Mapping[str, Handler]
    menu: tuple[MenuEntry, ...]
    fallback: Handler
    member_changed: Handler
    checkout: Handler
    money_moved: Handler


@dataclass(frozen=True, slots=True)
class Invoice:
    """Stars on their way: Telegram asks before it takes them (`query_id`), and tells when it has, or has given them back.

    `reference` is ours, `charge_id` Telegram's name of the money.
    """

    reference: str
    stars: int
    currency: str
    query_id: str = ""
    charge_id: str = ""
    refunded: bool = False


@dataclass(frozen=True, slots=True)
class Shared:
    """Whom a contact or a forwarded message shows; `telegram_id` None = Telegram does not say who it is."""

    telegram_id: int | None
    is_bot: bool = False


@dataclass(slots=True)
class Event:
    """One update, as far as conversations care. `press` is set for buttons, `status` for (un)blocking."""

    person: Person
    chat_id: int
    chat_type: str
    text: str = ""
    argument: str = ""
    """What follows a command, or the payload of a start link behind its prefix."""
    message_id: int | None = None
    editable: bool = False
    """The message under which a button was pressed can still be edited."""
    chat_username: str = ""
    query_id: str | None = None
    press: Press | None = None
    status: str = ""
    invoice: Invoice | None = None
    shared: Shared | None = None


class Context:
    """One update on its way through a conversation.

    `locale` None = the person is still to be written down, which tells the language he chose. That happens in the first
    transaction there is, so that somebody new costs no commit of his own.
    """

    def __init__(
        self, config: BotConfig, bot: TeleBot, table: Table, event: Event, locale: str | None
    ) -> None:
        self.config = config
        self.bot = bot
        self.table = table
        self.event = event
        self._locale = locale
        self.answered = False
        self.left = False

    @property
    def person(self) -> Person:
        """Who acts."""
        return self.event.person

    @property
    def private(self) -> bool:
        """Whether this is a chat of one person with the bot."""
        return self.event.chat_type == PRIVATE

    @property
    def press(self) -> Press:
        """The button; only for handlers of buttons."""
        if self.event.press is None:
            raise TypeError("no button was pressed")
        return self.event.press

    @property
    def invoice(self) -> Invoice:
        """The Stars; only for handlers of payments."""
        if self.event.invoice is None:
            raise TypeError("nobody pays")
        return self.event.invoice

    # Words

    @property
    def locale(self) -> str:
        """The person's language. No transaction but the context's own may be open."""
        self.see()
        return self._locale or self.config.locale

    @locale.setter
    def locale(self, locale: str) -> None:
        self._locale = locale

    @property
    def likely_locale(self) -> str:
        """The same as `locale`, without writing the person down where that is still to be done."""
        return self._locale or spoken(self.config, self.person, None)

    def t(self, msgid: str, **params: object) -> str:
        """A catalogue text in the person's language."""
        return translate(self.locale, msgid, **params)

    @property
    def place(self) -> Place:
        """The person's language, on the clocks of the tenant."""
        return Place(self.locale, self.config.timezone)

    def main_text(self, key: str) -> str:
        """One of the texts that the boss may rewrite."""
        name = self.person.first_name or self.person.username or str(self.person.telegram_id)
        return texts.main_text(self.config, self.locale, key, name=name, bot=f"@{self.config.username}")

    # Answers

    def say(self, text: str, keyboard: Keyboard | None = None, *, html: bool = False) -> None:
        """Sends a message to the chat. `html` = the text is Telegram's HTML, is not cut, and shows no web page."""
        self.bot.send_message(self.event.chat_id, text, reply_markup=keyboard, **_HTML[html])

    def show(self, text: str, keyboard: Keyboard | None = None, *, html: bool = False) -> None:
        """Turns the message of the pressed button into this one; sends a new one where that is not possible."""
        if not self.event.editable or (len(text) > 2000 and not html):
            self.say(text, keyboard, html=html)
            return
        chat_id, message_id = self.event.chat_id, self.event.message_id
        try:
            self.bot.edit_message_text(
                text, chat_id=chat_id, message_id=message_id, reply_markup=keyboard, **_HTML[html]
            )
        except Refused:
            # It was deleted, or is too old to be edited.
            self.say(text, keyboard, html=html)

    def show_picture(self, picture_id: int, caption: str, keyboard: Keyboard) -> None:
        """Sends a picture of ours with Telegram's HTML under it. No transaction may be open."""
        photos.send_photo(self.config, self.event.chat_id, picture_id, caption, keyboard)

    def redraw(self, keyboard: Keyboard) -> None:
        """Gives the message of the pressed button other buttons, where there is room at Telegram's gate right now.

        Only for what the person can do without: in a rush it is left out.
        """
        if self.event.message_id is None:
            return
        call = Call(self.config, "editMessageReplyMarkup", Priority.SPARE)
        where = {"chat_id": self.event.chat_id, "message_id": self.event.message_id}
        try:
            perform(call, {**where, "reply_markup": keyboard.to_json()})
        except (Postpone, SendError) as error:
            log.info("buttons not redrawn", extra={"reason": str(error)})

    def toast(self, text: str | None = None, *, alert: bool = False, url: str | None = None) -> None:
        """Answers a button press, with a short note where there is one to give.

        `alert` = the note stays until the person closes it; `url` (`https://t.me/<this bot>?start=…`) opens this bot
        instead of a note. It comes last and only ends the button's spinning, so its failure must not repeat what was done before.
        """
        if self.event.query_id is None or self.answered:
            return
        self.answered = True
        try:
            note = split_text(text, MAX_NOTE)[0] if text else None
            self.bot.answer_callback_query(self.event.query_id, text=note, show_alert=alert or None, url=url)
        except (Postpone, SendError) as error:
            log.info("button not answered", extra={"reason": str(error)})

    # Memory

    @cached_property
    def step(self) -> Step | None:
        """What this person is in the middle of, here."""
        return state.load(self.config.id, self.event.chat_id, self.person.telegram_id)

    def expect(self, name: str, **data: Any) -> None:
        """The person's next message goes to the handler of the step `name`."""
        state.save(self.config.id, self.event.chat_id, self.person.telegram_id, Step(name, data))

    def forget(self) -> bool:
        """Ends what the person was in the middle of; says whether there was something."""
        return state.clear(self.config.id, self.event.chat_id, self.person.telegram_id)

    def leave(self) -> None:
        """A command ends what came before it; `left` says whether there was something. Done as well as may be."""
        try:
            self.left = self.forget()
        except RedisError as error:
            log.info("conversation not ended", extra={"reason": str(error)})

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction in which this person is named as the one who acts. Send only after it has ended."""
        person, unseen = self.person, self._locale is None
        act_as(Actor("member", person.telegram_id, person.first_name or person.username or ""))
        try:
            with transaction():
                if unseen:
                    self._see()
                yield
        except BaseException:
            if unseen:
                members.forget(person.telegram_id)
                self._locale = None
            raise

    def see(self) -> None:
        """Writes the person down where that is still to be done. No transaction but the context's own may be open."""
        if self._locale is None:
            with self.transaction():
                pass

    def _see(self) -> None:
        config = self.config
        chosen = members.see(config.tenant_id, config.id, self.person, private=self.private)
        self._locale = spoken(config, self.person, chosen)


def spoken(config: BotConfig, person: Person, chosen: str | None) -> str:
    """The language the member chose, else his Telegram's, else the bot's."""
    return chosen or locale_of(person.language_code) or config.locale
