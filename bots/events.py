"""From the library's types to what conversations work with."""

from telebot import types

from app.domain.members import Person, clean_name
from bots.context import PRIVATE, Event, Invoice, Shared

MAX_ARGUMENT = 256
TELEGRAM = 777000
"""Telegram's own account, which speaks for channels in their groups."""


def person_of(user: types.User | None) -> Person:
    """The sender, names cleaned. Raises TypeError where there is none, which `is_for_us` rules out."""
    if user is None:
        raise TypeError("nobody sent this")
    return Person(
        user.id,
        clean_name(user.first_name),
        clean_name(user.last_name),
        user.username,
        user.language_code,
    )


def of_message(message: types.Message) -> Event:
    """A message; of a command, the rest of its text is the argument."""
    text = message.text or ""
    argument = ""
    if text.startswith("/"):
        _, _, argument = text.replace("\n", " ", 1).partition(" ")
    return Event(
        person_of(message.from_user),
        message.chat.id,
        message.chat.type,
        text=text,
        argument=argument.strip()[:MAX_ARGUMENT],
        message_id=message.message_id,
        shared=_shared(message),
    )


def _shared(message: types.Message) -> Shared | None:
    if message.contact is not None:
        return Shared(message.contact.user_id)
    origin = message.forward_origin
    if isinstance(origin, types.MessageOriginUser):
        return Shared(origin.sender_user.id, origin.sender_user.is_bot)
    return Shared(None) if isinstance(origin, types.MessageOriginHiddenUser) else None


def of_press(query: types.CallbackQuery) -> Event:
    """A pressed button; its data is read later, so that an expired one can be answered."""
    message = query.message
    return Event(
        person_of(query.from_user),
        message.chat.id if message else query.from_user.id,
        message.chat.type if message else PRIVATE,
        message_id=message.message_id if message else None,
        chat_username=(message.chat.username or "") if message else "",
        # A message that Telegram no longer shows us has no date, and one with a picture has no text to edit.
        editable=bool(message and getattr(message, "date", 0) and getattr(message, "text", None)),
        query_id=query.id,
    )


def of_checkout(query: types.PreCheckoutQuery) -> Event:
    """Somebody is about to pay with Stars, and Telegram asks whether it is right."""
    person = person_of(query.from_user)
    invoice = Invoice(query.invoice_payload, query.total_amount, query.currency, query_id=query.id)
    return Event(person, person.telegram_id, PRIVATE, invoice=invoice)


def of_money(message: types.Message) -> Event:
    """Stars were paid, or given back."""
    moved = message.successful_payment or message.refunded_payment
    if moved is None:
        raise TypeError("no money moved")
    invoice = Invoice(
        moved.invoice_payload,
        moved.total_amount,
        moved.currency,
        charge_id=moved.telegram_payment_charge_id,
        refunded=message.successful_payment is None,
    )
    payer = person_of(message.from_user) if is_person(message.from_user) else _person_of_chat(message.chat)
    return Event(payer, message.chat.id, message.chat.type, invoice=invoice)


def _person_of_chat(chat: types.Chat) -> Person:
    """Whose private chat it is: what Telegram itself says there comes from nobody."""
    return Person(chat.id, clean_name(chat.first_name), clean_name(chat.last_name), chat.username, None)


def moves_money(message: types.Message) -> bool:
    """Whether it is Telegram's word that Stars were paid or given back."""
    return message.successful_payment is not None or message.refunded_payment is not None


def of_member_change(change: types.ChatMemberUpdated) -> Event:
    """A person blocked or unblocked the bot, or a group took it in or threw it out."""
    return Event(
        person_of(change.from_user), change.chat.id, change.chat.type, status=change.new_chat_member.status
    )


def is_person(user: types.User | None) -> bool:
    """Whether somebody acts for himself: no bot, and none of the accounts that stand for groups and channels."""
    return user is not None and not user.is_bot and user.id != TELEGRAM


def is_for_us(message: types.Message, username: str, commands: object) -> bool:
    """In a private chat everything is; in a group only a command with our name, or one of ours with nobody's name."""
    if moves_money(message):
        return message.chat.type == PRIVATE
    if not is_person(message.from_user):
        return False
    if message.chat.type == PRIVATE:
        return message.content_type in ANSWERED
    text = message.text or ""
    if message.chat.type == "channel" or not text.startswith("/"):
        return False
    command, _, target = text.split(None, 1)[0][1:].partition("@")
    if target:
        return target.lower() == username.lower()
    return isinstance(commands, dict) and command in commands


ANSWERED = frozenset(
    {
        "text", "photo", "sticker", "voice", "video", "video_note", "audio", "document", "animation", "contact",
        "location", "venue", "dice", "poll", "story",
    }
)  # fmt: skip
"""What a person sends; everything else is news about the chat and gets no answer."""
