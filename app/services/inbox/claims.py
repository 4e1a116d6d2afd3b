"""Claiming and finishing updates for whoever leases their chat-shards.

In a leased shard nobody else reads, so a claim needs no row locks. What a former owner still writes is fenced: claims
ask the lease row, everything after a claim asks for the lease's token in the update's row. Plain psycopg on one
connection, one round trip per call: this is the path of every update.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.rows import TupleRow

from app.core.settings import Settings
from app.domain.inbox import UpdateState
from app.services.inbox import claims_sql as sql

CONNECT_SECONDS: Final = 5
TENANTS: Final = 200
"""How many tenants one claim looks at; the next claim goes on after them."""

Chat = tuple[int, int]
"""A bot's id and the chat key: what keeps its order."""


class Claimed(NamedTuple):
    """An update that we hold under the lease token `token`. `attempts` counts the one under way."""

    tenant_id: int
    bot_id: int
    chat_key: int
    update_id: int
    seq: int
    raw: bytes
    token: int
    attempts: int
    deaths: int
    shard: int
    received: float
    """When it was accepted, in seconds since 1970."""

    @property
    def chat(self) -> Chat:
        """The chat that it belongs to."""
        return self.bot_id, self.chat_key


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is written about a claimed update. `attempts` is added to the count in its row."""

    update: Claimed
    state: UpdateState
    attempts: int = 0
    error: str | None = None


def done(update: Claimed) -> Outcome:
    """Handled, or nothing had to be done."""
    return Outcome(update, UpdateState.DONE)


def dead(update: Claimed, error: str) -> Outcome:
    """Set aside for a person to look at."""
    return Outcome(update, UpdateState.DEAD, error=error)


def again(update: Claimed, error: str) -> Outcome:
    """It failed and may be claimed again."""
    return Outcome(update, UpdateState.NEW, error=error)


def put_back(update: Claimed) -> Outcome:
    """Its attempt does not count."""
    return Outcome(update, UpdateState.NEW, attempts=-1)


class Suspect(NamedTuple):
    """An update that was held by a process that died; it is handled again with no other suspect beside it."""

    bot_id: int
    chat_key: int
    update_id: int
    seq: int
    deaths: int
    shard: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a claim asks for: at most `room` updates, at most `each` of one tenant."""

    room: int
    each: int
    full_chats: Collection[Chat] = ()
    full_tenants: Collection[int] = ()


class Store:
    """The inbox as one reader sees it. Not for two threads at once; psycopg.OperationalError = it is away."""

    def __init__(self, settings: Settings, owner: str) -> None:
        self._settings = settings
        self._owner = owner
        self._connection: psycopg.Connection | None = None
        self._after_tenant = 0
        self._after_chat: dict[int, Chat] = {}

    def claim(self, shards: Collection[int], wanted: Wanted) -> tuple[list[Claimed], bool]:
        """(updates by chat in order of arrival, whether more may wait).

        Goes round: tenants take turns, and so do the chats of a tenant that has more than its part of one claim.
        """
        # No more tenants than places, or the last of them would be passed over each time.
        tenants = min(TENANTS, wanted.room)
        parameters = {**self._who(), **self._cursors(), **_limits(wanted)}
        looked, *rows = self._execute(sql.CLAIM, {**parameters, "shards": _array(shards), "tenants": tenants})
        updates = sorted(map(Claimed._make, rows), key=lambda update: update.seq)
        started_midway = self._after_tenant > 0 or bool(self._after_chat)
        self._after_tenant = looked[0] if looked[1] >= tenants else 0
        self._after_chat = _where_cut(updates, wanted.each)
        cut = self._after_tenant > 0 or bool(self._after_chat) or len(updates) >= wanted.room
        return updates, cut or started_midway

    def _cursors(self) -> dict[str, object]:
        return {
            "after": self._after_tenant,
            "from_tenants": _array(self._after_chat),
            "from_bots": _array(chat[0] for chat in self._after_chat.values()),
            "from_chats": _array(chat[1] for chat in self._after_chat.values()),
        }

    def finish(self, outcomes: Collection[Outcome]) -> int:
        """Writes what became of claimed updates and counts it per bot and hour; the number still ours.

        At most one outcome per update.
        """
        updates = [outcome.update for outcome in outcomes]
        rows = self._execute(
            sql.FINISH,
            {
                **self._who(),
                "bots": _array(update.bot_id for update in updates),
                "updates": _array(update.update_id for update in updates),
                "tokens": _array(update.token for update in updates),
                "states": _array(outcome.state.value for outcome in outcomes),
                "attempts": _array(outcome.attempts for outcome in outcomes),
                "errors": [outcome.error for outcome in outcomes],
            },
            durable=True,
        )
        return int(rows[0][0])

    def recover(self, shards: Collection[int]) -> int:
        """Makes suspects of what former owners of our shards left; their third death sets them aside."""
        rows = self._execute(sql.RECOVER, {**self._who(), "shards": _array(shards)}, durable=True)
        return len(rows)

    def suspects(self, shards: Collection[int]) -> list[Suspect]:
        """The suspects in our shards in order of arrival."""
        rows = self._execute(sql.SUSPECTS, {"shards": _array(shards), "modulus": self._settings.chat_shards})
        return [Suspect._make(row) for row in rows]

    def claim_suspect(self, suspect: Suspect) -> Claimed | None:
        """Takes one suspect, durably before it is handled; None when it is no longer there."""
        parameters = {**self._who(), "bot": suspect.bot_id, "update": suspect.update_id}
        rows = self._execute(sql.CLAIM_SUSPECT, parameters, durable=True)
        return Claimed._make(rows[0]) if rows else None

    def close(self) -> None:
        """Lets go of the connection; the next call opens another."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def _who(self) -> Mapping[str, object]:
        return {"owner": self._owner, "modulus": self._settings.chat_shards}

    def _execute(
        self, statement: str, parameters: Mapping[str, Any], *, durable: bool = False
    ) -> list[TupleRow]:
        """One transaction in one round trip: the implicit one of a pipeline ends with it."""
        connection = self._connection or self._connect()
        prepare = not self._settings.database_pooler
        try:
            with connection.pipeline():
                connection.execute(sql.SCOPE, ["on" if durable else "off"], prepare=prepare)
                cursor = connection.execute(statement, parameters, prepare=prepare, binary=True)
            return cursor.fetchall()
        except psycopg.OperationalError:
            self.close()
            raise

    def _connect(self) -> psycopg.Connection:
        self._connection = psycopg.connect(
            self._settings.libpq_url,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            prepare_threshold=None if self._settings.database_pooler else 5,
        )
        return self._connection


def _array(items: Iterable[object]) -> str:
    """PostgreSQL's text of an array of numbers or plain words: psycopg would look for the type of every element."""
    return "{" + ",".join(map(str, items)) + "}"


def _limits(wanted: Wanted) -> dict[str, object]:
    return {
        "room": wanted.room,
        "each": wanted.each,
        "per_chat": sql.PER_CHAT,
        "full_bots": _array(bot_id for bot_id, _ in wanted.full_chats),
        "full_chats": _array(chat_key for _, chat_key in wanted.full_chats),
        "full_tenants": _array(wanted.full_tenants),
    }


def _where_cut(updates: Sequence[Claimed], each: int) -> dict[int, Chat]:
    """Per tenant that got all it could: the chat after which the next claim goes on."""
    chats: dict[int, list[Chat]] = {}
    for update in updates:
        chats.setdefault(update.tenant_id, []).append(update.chat)
    return {tenant_id: max(theirs) for tenant_id, theirs in chats.items() if len(theirs) >= each}
