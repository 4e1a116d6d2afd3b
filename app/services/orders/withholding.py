"""Messages that bring a buyer what he ordered, and that shall not leave any more: his money goes back."""

from typing import Final

from app.models import Order
from app.services import outbox

_PARTS: Final = ("text", "file", "copy", "ready", "again")
"""The kinds of keys under which what was ordered is sent."""


def withhold(order: Order, why: str) -> int:
    """What waits in the outbox stays there for good; says how many messages that are."""
    beginnings = [f"order:{order.id}:{part}:" for part in _PARTS]
    return outbox.withhold(order.tenant_id, order.bot_id, order.telegram_id, beginnings, why)
