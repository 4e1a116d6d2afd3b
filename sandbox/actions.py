"""What people do: write, press, block, join. Each action gives the bots concerned their updates."""

import asyncio
import random

from sandbox.botapi.access import IN_CHARGE, PRESENT, member_object
from sandbox.botapi.entities import find_entities
from sandbox.conversations import Conversation
from sandbox.models import Bot, Callback, Chat, Person
from sandbox.queues import CALLBACK_LIFE
from sandbox.shapes import Json
from sandbox.stars import CURRENCY as STARS
from sandbox.stars import PATIENCE as CHECKOUT_PATIENCE
from sandbox.stars import Checkout, Movement, Offer, new_charge
from sandbox.world import Refused, World

# Pressed buttons of one bot that are remembered for answerCallbackQuery.
KEPT_CALLBACKS = 10_000


def say(world: World, bot: Bot, person: Person, text: str) -> Json:
    """A person writes to a bot in private. Writing to a blocked bot unblocks it, like its Restart button."""
    if person.id in bot.blocked_by:
        unblock(world, bot, person)
    bot.known_people.add(person.id)
    conversation = world.private_conversation(bot, person)
    message = conversation.add(written(world, person, text))
    update_id = world.notify(bot, "message", message, str(person.id))
    return told(conversation, message, update_id)


def say_in(world: World, chat: Chat, person: Person, text: str, reply_to: int = 0) -> Json:
    """A person writes in a group, or an administrator posts in a channel. Bots there get it as far as they may."""
    status = chat.members.get(person.id, "left")
    if status not in (IN_CHARGE if chat.type == "channel" else PRESENT):
        raise Refused("not_a_member")
    conversation = world.shared_conversation(chat)
    content = written(world, person, text)
    if chat.type == "channel":
        content = {
            "sender_chat": conversation.chat,
            **{key: content[key] for key in content if key != "from"},
        }
    answered = conversation.messages.get(reply_to)
    if answered is not None:
        content["reply_to_message"] = {
            key: value for key, value in answered.items() if key != "reply_to_message"
        }
    message = conversation.add(content)
    kind = "channel_post" if chat.type == "channel" else "message"
    update_ids = {
        bot.username: world.notify(bot, kind, message, str(chat.id))
        for bot in bots_in(world, chat) if may_read(bot, chat, text, answered)
    }  # fmt: skip
    return {**told(conversation, message, 0), "update_ids": update_ids}


def written(world: World, person: Person, text: str) -> Json:
    """A text message without its id and chat."""
    message: Json = {"from": person.user(), "date": int(world.clock.now()), "text": text}
    entities = find_entities(text, [])
    if entities:
        message["entities"] = entities
    return message


def told(conversation: Conversation, message: Json, update_id: int) -> Json:
    """What the control door answers about a new message; `revision` is a mark to wait from."""
    return {"message_id": message["message_id"], "update_id": update_id, "revision": conversation.revision}


def bots_in(world: World, chat: Chat) -> list[Bot]:
    """The bots that belong to a chat."""
    return [
        world.bots[member]
        for member, status in chat.members.items()
        if member in world.bots and status in PRESENT
    ]


def may_read(bot: Bot, chat: Chat, text: str, answered: Json | None) -> bool:
    """Privacy mode: commands, mentions and answers to the bot; everything only for administrators."""
    if chat.type == "channel" or bot.can_read_all or chat.members[bot.id] in IN_CHARGE:
        return True
    if text.startswith("/"):
        _, at, username = text.split(maxsplit=1)[0].partition("@")
        return not at or username.lower() == bot.username.lower()
    if answered is not None and answered.get("from", {}).get("id") == bot.id:
        return True
    return f"@{bot.username.lower()}" in text.lower()


def press(world: World, conversation: Conversation, person: Person, message_id: int, data: str) -> Json:
    """A person presses an inline button; raises Refused when there is no such button."""
    message = conversation.messages.get(message_id)
    if message is None or data not in buttons_of(message):
        raise Refused("no_such_button")
    bot = world.bots.get(message.get("from", {}).get("id", 0)) or author(world, conversation)
    query_id = str(random.getrandbits(62))
    bot.callbacks[query_id] = Callback(world.clock.now() + CALLBACK_LIFE, conversation, person.id)
    if len(bot.callbacks) > KEPT_CALLBACKS:
        bot.callbacks.popitem(last=False)
    query = {
        "id": query_id, "from": person.user(), "message": message, "data": data,
        "chat_instance": str(instance(bot, conversation)),
    }  # fmt: skip
    update_id = world.notify(bot, "callback_query", query, f"user {person.id}")
    return {"callback_query_id": query_id, "update_id": update_id, "revision": conversation.revision}


async def check_out(world: World, bot: Bot, person: Person, offer: Offer, *, once: bool) -> Json:
    """A person pays an invoice: the bot is asked first, and says yes within ten seconds or there is no payment.

    The answer has `ok`, and `charge` or `error`; raises Refused for an invoice that was paid and may be only `once`.
    """
    if once and offer.paid:
        raise Refused("invoice_is_paid")
    query_id = str(random.getrandbits(62))
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    world.stars.checkouts[query_id] = Checkout(bot.id, world.clock.now() + CHECKOUT_PATIENCE, answer)
    query = {
        "id": query_id, "from": person.user(), "currency": STARS, "total_amount": offer.amount,
        "invoice_payload": offer.payload,
    }  # fmt: skip
    world.notify(bot, "pre_checkout_query", query, f"user {person.id}")
    try:
        error = await asyncio.wait_for(answer, CHECKOUT_PATIENCE)
    except TimeoutError:
        error = "BOT_PRECHECKOUT_TIMEOUT"
    finally:
        del world.stars.checkouts[query_id]
    if error or (once and offer.paid):
        return {"ok": False, "error": error or "invoice_is_paid"}
    return {"ok": True, **pay_stars(world, bot, person, offer)}


def pay_stars(world: World, bot: Bot, person: Person, offer: Offer) -> Json:
    """The Stars move, and both sides of the chat are told."""
    offer.paid = True
    movement = Movement(new_charge(), person.id, offer.payload, offer.amount, int(world.clock.now()))
    world.stars.book(bot.id, movement)
    bot.known_people.add(person.id)
    payment = {**receipt(movement), "provider_payment_charge_id": f"{person.id}_{movement.at}"}
    told = service_message(world, bot, person, {"successful_payment": payment})
    return {"charge": movement.charge, **told}


def give_back(world: World, bot: Bot, movement: Movement) -> None:
    """The Stars of a payment go back, and both sides of the chat are told."""
    now = int(world.clock.now())
    back = Movement(
        movement.charge, movement.person_id, movement.payload, movement.amount, now, is_refund=True
    )
    world.stars.book(bot.id, back)
    service_message(world, bot, world.person(movement.person_id), {"refunded_payment": receipt(movement)})


def receipt(movement: Movement) -> Json:
    """What messages say about Stars that moved."""
    return {
        "currency": STARS, "total_amount": movement.amount, "invoice_payload": movement.payload,
        "telegram_payment_charge_id": movement.charge,
    }  # fmt: skip


def service_message(world: World, bot: Bot, person: Person, content: Json) -> Json:
    """A message that nobody wrote, in a private chat; the bot gets it."""
    conversation = world.private_conversation(bot, person)
    message = conversation.add({"from": person.user(), "date": int(world.clock.now()), **content})
    return told(conversation, message, world.notify(bot, "message", message, str(person.id)))


def author(world: World, conversation: Conversation) -> Bot:
    """The bot behind a channel post: an administrator of the channel."""
    chat = world.get_chat(conversation.chat["id"])
    found = next((bot for bot in bots_in(world, chat) if chat.members[bot.id] in IN_CHARGE), None)
    if found is None:
        raise Refused("no_such_button")
    return found


def instance(bot: Bot, conversation: Conversation) -> int:
    """A number that stays the same for one bot and chat."""
    return (bot.id * 1_000_003 + int(conversation.chat["id"])) % 2**62


def buttons_of(message: Json) -> list[str]:
    """The callback data of all buttons under a message."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["callback_data"] for row in rows for button in row if "callback_data" in button]


def find_button(conversation: Conversation, text: str) -> tuple[int, str]:
    """The newest inline button with this label (or a label that holds it); raises Refused."""
    for wanted in (lambda label: label == text, lambda label: text in label):
        for message in reversed(conversation.messages.values()):
            for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                for button in row:
                    if "callback_data" in button and wanted(button["text"]):
                        return message["message_id"], button["callback_data"]
    raise Refused("no_such_button")


def block(world: World, bot: Bot, person: Person) -> None:
    """A person blocks a bot."""
    if person.id not in bot.blocked_by:
        bot.blocked_by.add(person.id)
        bot_moved(world, bot, person.chat(), person, ("member", "kicked"))


def unblock(world: World, bot: Bot, person: Person) -> None:
    """A person lets a bot write again."""
    if person.id in bot.blocked_by:
        bot.blocked_by.discard(person.id)
        bot_moved(world, bot, person.chat(), person, ("kicked", "member"))


def set_member(world: World, chat: Chat, member_id: int, status: str, by: Person) -> None:
    """Change somebody's status in a chat; "left" ends it. Bots there are told if they asked for it."""
    old = chat.members.get(member_id, "left")
    if old == status:
        return
    chat.members[member_id] = status
    world.dirty = True
    bot = world.bots.get(member_id)
    if bot is not None:
        bot_moved(world, bot, chat.chat(), by, (old, status))
        return
    user = world.person(member_id).user()
    change = changed_member(world, chat.chat(), by, user, (old, status))
    for other in bots_in(world, chat):
        if chat.members[other.id] in IN_CHARGE:
            world.notify(other, "chat_member", change, str(chat.id))


def bot_moved(world: World, bot: Bot, chat: Json, by: Person, statuses: tuple[str, str]) -> None:
    """Tell a bot that its own status changed."""
    change = changed_member(world, chat, by, bot.user(), statuses)
    world.notify(bot, "my_chat_member", change, str(chat["id"]))
    world.dirty = True


def changed_member(world: World, chat: Json, by: Person, user: Json, statuses: tuple[str, str]) -> Json:
    """A ChatMemberUpdated object."""
    old, new = statuses
    return {
        "chat": chat, "from": by.user(), "date": int(world.clock.now()),
        "old_chat_member": member_object(user, old), "new_chat_member": member_object(user, new),
    }  # fmt: skip


def migrate(world: World, chat: Chat) -> Chat:
    """Upgrade a group to a supergroup: same title and members, new id; the old id only points there."""
    if chat.type != "group" or chat.migrated_to:
        raise Refused("chat_type_invalid")
    upgraded = world.create_chat("supergroup", chat.title)
    upgraded.members, upgraded.boosts = dict(chat.members), dict(chat.boosts)
    chat.migrated_to = upgraded.id
    old, new = world.shared_conversation(chat), world.shared_conversation(upgraded)
    sender = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
    service: Json = {"from": sender, "date": int(world.clock.now())}
    leaving = old.add({**service, "migrate_to_chat_id": upgraded.id})
    arriving = new.add({**service, "migrate_from_chat_id": chat.id})
    for bot in bots_in(world, upgraded):
        world.notify(bot, "message", leaving, str(chat.id))
        world.notify(bot, "message", arriving, str(upgraded.id))
    return upgraded
