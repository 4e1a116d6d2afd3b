"""A buyer's words about his order, passed on to the shop: into the history, and to the people who run the shop."""

import html
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from app.core import clock
from app.core.db import db
from app.core.errors import LimitReached
from app.core.i18n import N_, translate
from app.domain.members import Person
from app.domain.orders import Actor
from app.models import Order, OrderEvent
from app.services import notices, outbox
from app.services.orders import lookup, moves

MESSAGE: Final = "message"
"""`OrderEvent.why` of such a line."""
MAX_LENGTH: Final = 1000
_A_DAY: Final = 5
_A_DAY_IN_ALL: Final = 15
"""Orders cost nothing until they are paid, so what counts for one counts for all of them too."""
_TOLD: Final = N_("💬 %(name)s writes about order %(code)s (%(product)s):")


class TooManyMessages(LimitReached):
    code = "too_many_messages"
    message = N_("You have already written several times about this order today. The shop has your messages.")


def pass_on(order: Order, person: Person, words: str, message_id: int) -> bool:
    """Passes it on, each message of the buyer's once; False when it was before. The caller holds the order's lock.

    Raises TooManyMessages. Where no boss has linked his Telegram account, the order's page shows it all the same.
    """
    since = clock.now() - timedelta(days=1)
    lately = [event for event in lookup.history(order.id) if event.why == MESSAGE and event.at > since]
    if any(event.details.get("message_id") == message_id for event in lately):
        return False
    if len(lately) >= _A_DAY or _of_all_orders(order, since) >= _A_DAY_IN_ALL:
        raise TooManyMessages
    words = words.strip()[:MAX_LENGTH]
    event = moves.note(order, MESSAGE, Actor.BUYER, details={"text": words, "message_id": message_id})
    _tell(order, person, words, event)
    return True


def _of_all_orders(order: Order, since: datetime) -> int:
    """How often the buyer has written since then, whichever order it was about."""
    query = (
        select(func.count())
        .select_from(OrderEvent)
        .join(Order, Order.id == OrderEvent.order_id)
        .where(
            Order.tenant_id == order.tenant_id,
            Order.telegram_id == order.telegram_id,
            OrderEvent.why == MESSAGE,
            OrderEvent.at > since,
        )
    )
    return db.session.scalar(query) or 0


def _tell(order: Order, person: Person, words: str, event: OrderEvent) -> None:
    for reader in notices.readers(order.tenant_id):
        bot_id = notices.carrier(order.tenant_id, reader.telegram_id, order.bot_id)
        if reader.telegram_id is None or bot_id is None:
            continue
        head = translate(
            reader.locale, _TOLD, name=_name(person), code=order.code, product=order.product_name
        )
        text = f"{html.escape(head, quote=False)}\n\n{html.escape(words, quote=False)}"
        link = f'<a href="tg://user?id={person.telegram_id}">{html.escape(_name(person), quote=False)}</a>'
        payload: dict[str, object] = {"text": f"{text}\n\n👤 {link}", "parse_mode": "HTML"}
        key = f"order:{order.id}:message:{event.id}:{reader.telegram_id}"
        outbox.queue_message(order.tenant_id, bot_id, reader.telegram_id, "sendMessage", payload, key)


def _name(person: Person) -> str:
    full = " ".join(part for part in (person.first_name, person.last_name) if part)
    return f"{full} (@{person.username})" if person.username else full or str(person.telegram_id)
