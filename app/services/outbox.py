"""Messages that must reach Telegram even if a worker dies: written in the transaction that causes them.

One row is one intended call. Whoever sends claims one row at a time, so when he dies exactly one row's fate is
unclear. Such a row, and one that got no answer in time, is sent once more: a notice that comes twice does less harm
than one that never comes. When that ends unclear too it becomes `unknown` and stays so; edits are simply repeated.
Rows of one chat are sent in the order in which they were written: only the oldest open row of a chat is claimed.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select, text

from app.core import jsonb, metrics
from app.core.db import db
from app.core.errors import BadInput
from app.core.queue import TaskName, enqueue
from app.core.settings import get_settings
from app.domain.outbox import (
    MAX_ATTEMPTS,
    MAX_PAYLOAD,
    MAX_UNCLEAR,
    UNCLEAR_SECONDS,
    OutboxState,
    repeatable,
    wait_after,
)
from app.domain.sending import split_text
from app.models import OutgoingMessage

_PATIENCE = 2.5
"""Leases are longer than others: one that is taken for dead too soon makes a message come twice."""
FLUSHERS = 4
"""How many may send for one bot at the same time; also the most calls that a revoked token still sees."""
SWEEP_BATCH = 500

_INSERT = text("""
INSERT INTO outbox (tenant_id, bot_id, chat_id, method, payload, dedupe_key, state)
SELECT b.tenant_id, b.id, :chat_id, :method, CAST(:payload AS jsonb), :dedupe_key,
       CASE WHEN b.state = 'revoked' THEN 'held' ELSE 'queued' END
FROM bot b WHERE b.id = :bot_id AND b.tenant_id = :tenant_id
ON CONFLICT (tenant_id, dedupe_key) DO NOTHING RETURNING id
""")
_CLAIM = text("""
WITH head AS MATERIALIZED (
    SELECT o.id FROM outbox o
    WHERE o.bot_id = :bot_id AND o.not_before <= now()
      AND (o.state = 'queued' OR (o.state = 'sending' AND o.lease_until < now()))
      AND NOT EXISTS (
        SELECT FROM outbox e WHERE e.bot_id = o.bot_id AND e.chat_id = o.chat_id AND e.id < o.id
          AND e.state IN ('queued', 'sending', 'held'))
      AND (SELECT count(*) FROM outbox s
           WHERE s.bot_id = :bot_id AND s.state = 'sending' AND s.lease_until >= now()) < :flushers
    ORDER BY o.id LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE outbox o SET state = 'sending', lease_token = o.lease_token + 1, attempts = o.attempts + 1,
       unclear = o.unclear + (o.state = 'sending')::int, lease_until = now() + make_interval(secs => :seconds)
FROM head WHERE o.id = head.id
RETURNING o.id, o.tenant_id, o.chat_id, o.method, o.payload, o.lease_token, o.attempts, o.unclear
""")
_RENEW = text("""
UPDATE outbox SET lease_until = now() + make_interval(secs => :seconds)
WHERE id = :id AND state = 'sending' AND lease_token = :lease
""")
_FINISH = text("""
UPDATE outbox SET state = :state, message_id = :message_id, error = :error, lease_until = NULL,
       done_at = CASE WHEN :left THEN now() END,
       not_before = now() + make_interval(secs => :wait), attempts = attempts - :unburn, unclear = unclear + :unclear
WHERE id = :id AND state = 'sending' AND lease_token = :lease RETURNING id
""")
_HOLD = text("""
UPDATE outbox SET state = 'held' WHERE bot_id = :bot_id AND state = 'queued' RETURNING id
""")
_RELEASE = text("""
UPDATE outbox SET state = 'queued', not_before = now() WHERE bot_id = :bot_id AND state = 'held' RETURNING id
""")
_RELEASABLE = text("""
SELECT b.id FROM bot b WHERE b.state <> 'revoked' AND b.enabled AND b.removed_at IS NULL
  AND EXISTS (SELECT FROM outbox o WHERE o.bot_id = b.id AND o.state = 'held') LIMIT :most
""")
_DROP_REMOVED = text("""
UPDATE outbox o SET state = 'dead', error = 'the bot was removed', done_at = now() FROM bot b
WHERE b.id = o.bot_id AND b.removed_at IS NOT NULL AND o.state IN ('queued', 'held')
""")
_DUE = text("""
SELECT b.id FROM bot b WHERE b.enabled AND b.removed_at IS NULL
  AND EXISTS (SELECT FROM outbox o WHERE o.bot_id = b.id AND o.not_before <= now()
    AND (o.state = 'queued' OR (o.state = 'sending' AND o.lease_until < now()))) LIMIT :most
""")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row to send now. `lease` fences what a former claimer still writes."""

    id: int
    tenant_id: int
    chat_id: int
    method: str
    payload: dict[str, object]
    lease: int
    attempts: int
    unclear: int


def queue_message(  # noqa: PLR0917 - the columns of a row, in their order
    tenant_id: int, bot_id: int, chat_id: int, method: str, payload: dict[str, object], dedupe_key: str
) -> bool:
    """Writes down a call of the Bot API; needs the transaction of its cause. False when `dedupe_key` is known already.

    `payload` are the method's parameters without `chat_id`, or with it where the chat has a name instead of a number;
    `chat_id` then only stands for it. `picture_id` in it stands for the `photo`, `stored_file_id` for the `document`,
    `message_of` (the key of an earlier message) for the `message_id`; `lottery_post_id` and `order_id` say whose it
    is. A plain text that is too long becomes several rows. Raises BadInput for a bot of another tenant and for a
    payload beyond 64 KiB.
    """
    body = payload.get("text")
    plain = method == "sendMessage" and not payload.get("parse_mode")
    parts = split_text(body) if plain and isinstance(body, str) else []
    # The first row decides whether the message is known; the buttons belong under the last.
    payloads = [{**payload, "text": part, "reply_markup": None} for part in parts[:-1]]
    payloads.append({**payload, "text": parts[-1]} if payloads else payload)
    values: dict[str, object] = {
        "tenant_id": tenant_id,
        "bot_id": bot_id,
        "chat_id": chat_id,
        "method": method,
    }
    for number, each in enumerate(payloads, start=1):
        key = dedupe_key if number == 1 else f"{dedupe_key}#{number}"
        if not _insert(values | {"payload": _encoded(each), "dedupe_key": key}):
            if not _exists(tenant_id, dedupe_key):
                raise BadInput
            return False
    enqueue(TaskName.TELEGRAM_SEND_OUTBOX, bot_id)
    return True


def _encoded(payload: dict[str, object]) -> str:
    encoded = jsonb.dump({name: value for name, value in payload.items() if value is not None})
    if len(encoded) > MAX_PAYLOAD:
        raise BadInput
    return encoded.decode()


def _insert(values: dict[str, object]) -> bool:
    return db.session.execute(_INSERT, values).first() is not None


def _exists(tenant_id: int, dedupe_key: str) -> bool:
    query = text("SELECT 1 FROM outbox WHERE tenant_id = :tenant_id AND dedupe_key = :dedupe_key")
    return db.session.execute(query, {"tenant_id": tenant_id, "dedupe_key": dedupe_key}).first() is not None


def claim(bot_id: int) -> Claimed | None:
    """Takes the oldest due row of a bot, or None: nothing is due, or enough others are sending already."""
    row = db.session.execute(
        _CLAIM, {"bot_id": bot_id, "flushers": FLUSHERS, "seconds": lease_seconds()}
    ).first()
    if row is None:
        return None
    claimed = Claimed(*row)
    if claimed.unclear >= MAX_UNCLEAR and not repeatable(claimed.method):
        _finish(claimed, OutboxState.UNKNOWN, error="no answer was seen")
        return claim(bot_id)
    return claimed


def find_message_id(tenant_id: int, dedupe_key: str) -> int | None:
    """Telegram's id of a message that was sent; None when it was not, or nobody knows."""
    query = select(OutgoingMessage.message_id).where(
        OutgoingMessage.tenant_id == tenant_id,
        OutgoingMessage.dedupe_key == dedupe_key,
        OutgoingMessage.state == OutboxState.SENT,
    )
    return db.session.scalar(query)


def list_by_keys(tenant_id: int, dedupe_keys: Collection[str]) -> list[OutgoingMessage]:
    """Messages as they stand, by their keys."""
    query = select(OutgoingMessage).where(
        OutgoingMessage.tenant_id == tenant_id, OutgoingMessage.dedupe_key.in_(dedupe_keys)
    )
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def lease_seconds() -> float:
    """How long whoever sends may be silent before others send in his place."""
    return get_settings().lease_seconds * _PATIENCE


def renew(claimed: Claimed) -> None:
    """The call is still under way; a lease that was lost stays lost."""
    values = {"id": claimed.id, "lease": claimed.lease, "seconds": lease_seconds()}
    db.session.execute(_RENEW, values)


def complete(claimed: Claimed, message_id: int | None) -> bool:
    """It has been sent. False when somebody else has taken the row over meanwhile."""
    return _finish(claimed, OutboxState.SENT, message_id=message_id)


def postpone(claimed: Claimed, seconds: float) -> bool:
    """It was not sent and nothing is wrong with it: again after `seconds`, at no cost of attempts."""
    return _finish(claimed, OutboxState.QUEUED, wait=seconds, unburn=1)


def retry(claimed: Claimed, error: str, *, unclear: bool = False, patient: bool = False) -> bool:
    """It failed and may succeed later; `unclear` = Telegram may have it all the same.

    Gives up after 8 attempts, or never where it is `patient`.
    """
    if unclear and not repeatable(claimed.method):
        if claimed.unclear + 1 >= MAX_UNCLEAR:
            return _finish(claimed, OutboxState.UNKNOWN, error=error, unclear=1)
        return _finish(claimed, OutboxState.QUEUED, error=error, wait=UNCLEAR_SECONDS, unclear=1)
    if claimed.attempts >= MAX_ATTEMPTS and not patient:
        return bury(claimed, error)
    return _finish(claimed, OutboxState.QUEUED, error=error, wait=wait_after(claimed.attempts))


def bury(claimed: Claimed, error: str) -> bool:
    """It will never be sent: the chat does not want it, or Telegram refuses it."""
    return _finish(claimed, OutboxState.DEAD, error=error)


def hold(claimed: Claimed, bot_id: int) -> None:
    """The token is revoked: this row and all that wait with it stay until there is another; no attempts are lost."""
    _finish(claimed, OutboxState.HELD, unburn=1)
    hold_all(bot_id)


def hold_all(bot_id: int) -> None:
    """Everything that waits for this bot stays where it is until the bot has another token."""
    held = db.session.execute(_HOLD, {"bot_id": bot_id}).all()
    metrics.outbox_left("held", len(held))


def release_held(bot_id: int) -> int:
    """The bot has a new token: what was held is sent now. Says how many rows that are."""
    released = len(db.session.execute(_RELEASE, {"bot_id": bot_id}).all())
    if released:
        enqueue(TaskName.TELEGRAM_SEND_OUTBOX, bot_id)
    return released


def sweep() -> None:
    """Looks for rows in a state: releases what is held without need, drops what is for removed bots, asks for the rest."""
    most = {"most": SWEEP_BATCH}
    db.session.execute(_DROP_REMOVED)
    for bot_id in db.session.execute(_RELEASABLE, most).scalars().all():
        release_held(bot_id)
    for bot_id in db.session.execute(_DUE, most).scalars().all():
        enqueue(TaskName.TELEGRAM_SEND_OUTBOX, bot_id)


def _finish(
    claimed: Claimed,
    state: OutboxState,
    *,
    error: str | None = None,
    message_id: int | None = None,
    wait: float = 0.0,
    unburn: int = 0,
    unclear: int = 0,
) -> bool:
    left = state in {OutboxState.SENT, OutboxState.UNKNOWN, OutboxState.DEAD}
    row = db.session.execute(
        _FINISH,
        {
            "id": claimed.id,
            "lease": claimed.lease,
            "state": state,
            "left": left,
            "error": error[:300] if error else None,
            "message_id": message_id,
            "wait": wait,
            "unburn": unburn,
            "unclear": unclear,
        },
    )
    changed = row.first() is not None
    if changed and left:
        metrics.outbox_left(state.value)
    return changed
