"""Bringing an order to its buyer: parts as rows of the outbox, each with a key of its own.

The main part takes the place of the progress message: an edit that is repeated makes no second message. Where that
message is gone, the part is sent once as a copy. The order is completed when Telegram has accepted every part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from app.core.db import db
from app.core.errors import Conflict, NotFound
from app.core.i18n import N_
from app.domain.orders import Actor, OrderState, Phase, Step
from app.domain.outbox import OutboxState
from app.models import Order, OutgoingMessage
from app.services import outbox
from app.services.fulfilment import outcome, steps, telling
from app.services.fulfilment.claims import Claimed
from app.services.fulfilment.errors import Reason
from app.services.fulfilment.parts import Part, parts_of
from app.services.fulfilment.wording import words_of
from app.services.orders import lookup, moves, withholding
from app.services.payments.disputes import DISPUTED

BATCH: Final = 200
MOST_WISHES: Final = 3
"""Wishes to have one order again that may wait at once."""
_OPEN: Final = (OutboxState.QUEUED, OutboxState.SENDING, OutboxState.HELD)
_GONE: Final = "the bot was removed"
_UNWANTED: Final = (": 403 ", "chat not found", "user not found", "PEER_ID_INVALID")

# No part of a finished delivery is open; whose rows are not there at all is looked at too.
_FINISHED = text("""
SELECT o.id FROM orders o
WHERE o.state = 'generating' AND o.phase = 'delivering' AND NOT EXISTS (
    SELECT FROM order_step s, jsonb_array_elements_text(s.result -> 'keys') AS k (key)
    JOIN outbox m ON m.dedupe_key = k.key
    WHERE s.order_id = o.id AND s.step = 'delivery' AND m.tenant_id = o.tenant_id
      AND m.state IN ('queued', 'sending', 'held'))
ORDER BY o.id LIMIT :most
""")


class NothingToSend(Conflict):
    code = "nothing_to_send"
    message = N_("There is nothing to send for this order yet.")


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys of a delivery, as they are kept with the order. `copied` = the main part was sent anew."""

    parts: list[str]
    main: str
    ready: str
    copied: bool

    @property
    def all(self) -> list[str]:
        return [*self.parts, self.main, self.ready]


def start(order: Order, claimed: Claimed) -> None:
    """Writes everything to the outbox and ends the worker's part; the caller holds the order's lock."""
    *before, main = parts_of(order)
    keys = [f"order:{order.id}:text:{number}:{order.turn}" for number in range(1, len(before) + 1)]
    for part, key in zip(before, keys, strict=True):
        _queue(order, part.method, part.payload() | {"order_id": order.id}, key)
    main_key, ready = f"order:{order.id}:file:{order.turn}", f"order:{order.id}:ready:{order.turn}"
    edit = {"message_of": telling.progress_key(order.id, order.turn), "order_id": order.id}
    _queue(order, main.edit_method, main.payload() | edit, main_key)
    said = {**telling.PLAIN, "text": words_of(order).ready(), "order_id": order.id}
    _queue(order, "sendMessage", said, ready)
    _keep(claimed, _Keys(keys, main_key, ready, copied=False))
    order.phase, order.lease_until, order.error = Phase.DELIVERING, None, None
    moves.note(order, "delivering", Actor.WORKER, details={"parts": len(before) + 1})


def heard(order_id: int) -> None:
    """A part was sent, or never will be: looks whether that was the last one."""
    try:
        order = lookup.get(order_id, lock=True)
    except NotFound:
        # Erased meanwhile; whoever sends must not trip over that.
        return
    if order.state is OrderState.GENERATING and order.phase is Phase.DELIVERING:
        _judge(order)


def sweep(most: int = BATCH) -> Sequence[int]:
    """Deliveries of which no part waits any more; each is for `heard`, in a transaction of its own."""
    return db.session.execute(_FINISHED, {"most": most}).scalars().all()


def again(order_id: int, key: str) -> None:
    """Sends the buyer once more what he got; once for each `key`, for as long as the order is known and his.

    Nothing comes of a wish while many others wait. Who got his money back, or wants it from his bank, gets nothing more.
    Raises NothingToSend while there is nothing.
    """
    order = lookup.get(order_id)
    handed_out = order.state is OrderState.COMPLETED or steps.find_done(order_id, Step.DELIVERY) is not None
    if not handed_out or order.state is OrderState.REFUNDED or order.error == DISPUTED:
        raise NothingToSend
    if len(withholding.list_wishes(order) - {key}) >= MOST_WISHES:
        return
    for number, part in enumerate(parts_of(order), start=1):
        _queue(order, part.method, part.payload(), f"order:{order.id}:again:{key}:{number}")


def _judge(order: Order) -> None:
    keys = _kept(order.id)
    rows = {row.dedupe_key: row for row in outbox.list_by_keys(order.tenant_id, keys.all)}
    if any(row.state in _OPEN for row in rows.values()):
        return
    main = rows.get(keys.main)
    if not keys.copied and (main is None or (main.state is OutboxState.DEAD and not _refused_for_good(main))):
        _copy(order, keys)
        return
    essential = [rows.get(key) for key in (*keys.parts, keys.main)]
    missed = next((row for row in essential if row is None or row.state is not OutboxState.SENT), order)
    if missed is order:
        # Without the last words he has everything all the same.
        moves.move(order, OrderState.COMPLETED, actor=Actor.WORKER, why="delivered")
        return
    outcome.fail(order, _reason(missed if isinstance(missed, OutgoingMessage) else None), refund=False)


def _refused_for_good(row: OutgoingMessage) -> bool:
    return row.error == _GONE or any(sign in (row.error or "") for sign in _UNWANTED)


def _copy(order: Order, keys: _Keys) -> None:
    """The message that was to become the main part is gone: the part is sent as a message of its own, once."""
    main = parts_of(order)[-1]
    copy = f"order:{order.id}:copy:{order.turn}"
    payload = main.as_copy(words_of(order)).payload() | {"order_id": order.id}
    _queue(order, main.method, payload, copy)
    row = steps.find_done(order.id, Step.DELIVERY)
    assert row is not None
    row.result = {**row.result, "main": copy, "copied": True, "keys": [*keys.parts, copy, keys.ready]}
    db.session.flush()
    moves.note(order, "copied", Actor.SWEEP)


def _reason(row: OutgoingMessage | None) -> Reason:
    if row is None or row.state is OutboxState.UNKNOWN:
        return Reason.UNCLEAR
    if row.error == _GONE:
        return Reason.BOT_GONE
    return Reason.BLOCKED if _refused_for_good(row) else Reason.REFUSED


def _queue(order: Order, method: str, payload: dict[str, object], key: str) -> None:
    outbox.queue_message(order.tenant_id, order.bot_id, order.telegram_id, method, payload, key)


def _keep(claimed: Claimed, keys: _Keys) -> None:
    data: dict[str, object] = {
        "keys": keys.all,
        "parts": keys.parts,
        "main": keys.main,
        "ready": keys.ready,
        "copied": keys.copied,
    }
    steps.keep(claimed, Step.DELIVERY, steps.Result("outbox", data))


def _kept(order_id: int) -> _Keys:
    row = steps.find_done(order_id, Step.DELIVERY)
    data = row.result if row is not None else {}
    parts = data.get("parts")
    return _Keys(
        [str(one) for one in parts] if isinstance(parts, list) else [],
        str(data.get("main", "")),
        str(data.get("ready", "")),
        bool(data.get("copied")),
    )


__all__ = ["NothingToSend", "Part", "again", "heard", "start", "sweep"]
