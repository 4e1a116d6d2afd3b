"""Messages of the outbox that bring a buyer what he ordered: those that wait, and those that shall not leave any more."""

from typing import Final

from sqlalchemy import select, text

from app.core import metrics
from app.core.db import db
from app.domain.outbox import OutboxState
from app.models import Order, OutgoingMessage

_PARTS: Final = ("text", "file", "copy", "ready", "again")
"""The kinds of keys under which what was ordered is sent."""

# Also what is being sent: it may arrive, but it is not tried again.
_WITHHOLD: Final = text("""
UPDATE outbox SET state = 'dead', error = :why, done_at = now(), lease_until = NULL, lease_token = lease_token + 1
WHERE bot_id = :bot_id AND chat_id = :chat_id AND tenant_id = :tenant_id
  AND state IN ('queued', 'sending', 'held') AND dedupe_key LIKE ANY(CAST(:keys AS text[])) RETURNING id
""")


def withhold(order: Order, why: str) -> int:
    """What waits stays there for good, since his money goes back; says how many messages that are."""
    values = {
        "tenant_id": order.tenant_id,
        "bot_id": order.bot_id,
        "chat_id": order.telegram_id,
        "keys": [f"order:{order.id}:{part}:%" for part in _PARTS],
        "why": why,
    }
    db.session.flush()
    withheld = len(db.session.execute(_WITHHOLD, values).all())
    metrics.outbox_left(OutboxState.DEAD.value, withheld)
    return withheld


def list_wishes(order: Order) -> set[str]:
    """Keys of his wishes to have it once more that are not sent yet."""
    beginning = f"order:{order.id}:again:"
    query = select(OutgoingMessage.dedupe_key).where(
        OutgoingMessage.bot_id == order.bot_id,
        OutgoingMessage.chat_id == order.telegram_id,
        OutgoingMessage.state.in_((OutboxState.QUEUED, OutboxState.SENDING, OutboxState.HELD)),
        OutgoingMessage.dedupe_key.startswith(beginning, autoescape=True),
    )
    return {key.removeprefix(beginning).partition(":")[0] for key in db.session.scalars(query)}
