"""What a boss does with a broadcast. Every move is one conditional UPDATE, so that of two at once one is refused."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import exists, select, text, update

from app.core import clock
from app.core.db import db
from app.core.errors import BadInput
from app.core.i18n import N_
from app.core.ids import public_id
from app.core.queue import TaskName, enqueue
from app.domain.bots import BotState
from app.domain.broadcasts import (
    CHANGEABLE,
    MAX_NAME,
    MOVES,
    Audience,
    BroadcastState,
    Content,
    check_audience,
    check_content,
)
from app.models import BotMember, Broadcast, Picture
from app.services import audit, bots, outbox, people
from app.services.broadcasts import lookup
from app.services.broadcasts.audience import size
from app.services.broadcasts.errors import BotSilent, IllegalMove, NobodyLinked, NobodyToSendTo, TooEarly

# The recipients first: a sender that writes a late result locks in that order too.
_AGAIN = text("""
WITH again AS (
    UPDATE broadcast_recipient SET state = 'pending', not_before = NULL, error = NULL, done_at = NULL
    WHERE broadcast_id = :id AND state = 'unknown' RETURNING telegram_id
)
UPDATE broadcast SET state = 'running', error = NULL, finished_at = NULL, unknown = unknown - (SELECT count(*) FROM again)
WHERE id = :id AND state IN ('running', 'paused', 'done') RETURNING (SELECT count(*) FROM again)
""")


@dataclass(frozen=True, slots=True)
class Draft:
    """What a boss enters. `name` is for himself; empty = the beginning of the text."""

    name: str
    content: Content
    audience: Audience


def create(tenant_id: int, bot_id: int, draft: Draft) -> Broadcast:
    """A draft. Raises BadInput."""
    bot = bots.get(bot_id)
    if bot.tenant_id != tenant_id or bot.removed_at is not None:
        raise BadInput(N_("Choose a bot."), field="bot_id")
    broadcast = Broadcast(
        tenant_id=tenant_id, bot_id=bot_id, created_by=audit.acting().name, **_values(tenant_id, draft)
    )
    db.session.add(broadcast)
    db.session.flush()
    _record(broadcast, "created")
    return broadcast


def change(broadcast_id: int, draft: Draft) -> Broadcast:
    """Rewrites one that has not begun. Raises BadInput, IllegalMove."""
    tenant_id = lookup.get(broadcast_id).tenant_id
    changed = _update(broadcast_id, CHANGEABLE, _values(tenant_id, draft))
    _record(changed, "changed")
    return changed


def schedule(broadcast_id: int, at: datetime) -> Broadcast:
    """Starts by itself at that moment; another moment takes the place of a former one. Raises TooEarly, IllegalMove."""
    if at <= clock.now():
        raise TooEarly(field="scheduled_at")
    values = {"state": BroadcastState.SCHEDULED, "scheduled_at": at}
    scheduled = _update(broadcast_id, CHANGEABLE, values)
    _record(scheduled, "scheduled", {"scheduled_at": at.isoformat(timespec="minutes")})
    return scheduled


def back_to_draft(broadcast_id: int) -> Broadcast:
    """Takes the moment away. Raises IllegalMove."""
    values: dict[str, object] = {"scheduled_at": None}
    return _move(
        broadcast_id, (BroadcastState.SCHEDULED,), BroadcastState.DRAFT, "unscheduled", values=values
    )


def start(broadcast_id: int) -> Broadcast:
    """Begins to send now. Raises BotSilent, NobodyToSendTo, IllegalMove."""
    broadcast = lookup.get(broadcast_id)
    _refuse_silent(broadcast.bot_id)
    if not size(broadcast.tenant_id, broadcast.bot_id, lookup.audience_of(broadcast)):
        raise NobodyToSendTo
    return _run(broadcast_id, CHANGEABLE, "started", {"started_at": clock.now(), "error": None})


def pause(broadcast_id: int) -> Broadcast:
    """Stops within a second or two; who had his turn is not asked again. Raises IllegalMove."""
    return _move(broadcast_id, (BroadcastState.RUNNING,), BroadcastState.PAUSED, "paused")


def resume(broadcast_id: int) -> Broadcast:
    """Goes on where it stopped. Raises BotSilent, IllegalMove."""
    _refuse_silent(lookup.get(broadcast_id).bot_id)
    return _run(broadcast_id, (BroadcastState.PAUSED,), "resumed", {"error": None})


def cancel(broadcast_id: int) -> Broadcast:
    """Ends it for good; who got it keeps it. Raises IllegalMove."""
    before = [state for state, reached in MOVES.items() if BroadcastState.CANCELLED in reached]
    return _move(
        broadcast_id, before, BroadcastState.CANCELLED, "cancelled", values={"finished_at": clock.now()}
    )


def send_again(broadcast_id: int) -> int:
    """Sends once more what is unclear: it may arrive twice. Says how many. Raises BotSilent, IllegalMove."""
    broadcast = lookup.get(broadcast_id)
    _refuse_silent(broadcast.bot_id)
    number: int | None = db.session.execute(_AGAIN, {"id": broadcast_id}).scalar()
    if not number:
        raise IllegalMove
    _record(broadcast, "sent_again", {"count": number})
    enqueue(TaskName.BROADCASTS_SEND, broadcast.bot_id)
    return number


def send_test(broadcast_id: int) -> int:
    """Sends it to the linked Telegram accounts of the boss's people; says to how many. Raises NobodyLinked, BotSilent."""
    broadcast = lookup.get(broadcast_id)
    _refuse_silent(broadcast.bot_id)
    content = lookup.content_of(broadcast)
    chats = [
        person.telegram_id
        for person in people.linked_members(broadcast.tenant_id)
        if person.telegram_id is not None and _reachable(broadcast.bot_id, person.telegram_id)
    ]
    if not chats:
        raise NobodyLinked
    for chat in chats:
        key = f"broadcast:{broadcast.id}:test:{public_id()}"
        outbox.queue_message(
            broadcast.tenant_id, broadcast.bot_id, chat, content.method, content.payload(), key
        )
    _record(broadcast, "tested", {"count": len(chats)})
    return len(chats)


def _values(tenant_id: int, draft: Draft) -> dict[str, object]:
    check_content(draft.content)
    check_audience(draft.audience)
    picture = draft.content.picture_id
    owned = exists().where(Picture.tenant_id == tenant_id, Picture.id == picture)
    if picture is not None and not db.session.scalar(select(owned)):
        raise BadInput(field="picture_id")
    name = " ".join((draft.name or draft.content.body).split())[:MAX_NAME]
    return {
        "name": name,
        "body": draft.content.body,
        "buttons": [asdict(button) for button in draft.content.buttons],
        "picture_id": picture,
        "audience": {"kind": draft.audience.kind.value, "value": draft.audience.value},
    }


def _refuse_silent(bot_id: int) -> None:
    bot = bots.get(bot_id)
    if not bot.enabled or bot.removed_at is not None or bot.state is BotState.REVOKED:
        raise BotSilent


def _reachable(bot_id: int, telegram_id: int) -> bool:
    talk = exists().where(
        BotMember.bot_id == bot_id, BotMember.telegram_id == telegram_id, BotMember.blocked_at.is_(None)
    )
    return bool(db.session.scalar(select(talk)))


def _run(
    broadcast_id: int, before: Iterable[BroadcastState], verb: str, values: dict[str, object]
) -> Broadcast:
    running = _move(broadcast_id, before, BroadcastState.RUNNING, verb, values=values)
    enqueue(TaskName.BROADCASTS_SEND, running.bot_id)
    return running


def _move(
    broadcast_id: int,
    before: Iterable[BroadcastState],
    after: BroadcastState,
    verb: str,
    *,
    values: dict[str, object] | None = None,
) -> Broadcast:
    moved = _update(broadcast_id, before, {"state": after, **(values or {})})
    _record(moved, verb)
    return moved


def _update(broadcast_id: int, before: Iterable[BroadcastState], values: dict[str, object]) -> Broadcast:
    statement = (
        update(Broadcast)
        .where(Broadcast.id == broadcast_id, Broadcast.state.in_(list(before)))
        .values(**values)
        .returning(Broadcast)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    found = db.session.scalars(statement).one_or_none()
    if found is None:
        lookup.get(broadcast_id)
        raise IllegalMove
    return found


def _record(broadcast: Broadcast, verb: str, changes: dict[str, object] | None = None) -> None:
    audit.record(
        broadcast.tenant_id, f"broadcast.{verb}", ("broadcast", broadcast.id, broadcast.name), changes
    )
