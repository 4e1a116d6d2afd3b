"""The door for updates, polled or pushed: one INSERT, made by everybody who accepts one."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, Final

import orjson

from app.core.bells import Bell
from app.core.db import db
from app.core.queue import ring
from app.core.settings import Settings, get_settings
from app.domain.bots import BotConfig
from app.domain.inbox import Head, shard_of
from app.services.inbox.caps import Caps

log = logging.getLogger(__name__)

JUNK_BYTES: Final = 8 * 1024
JUNK_PER_BOT: Final = 50
JUNK_PER_TENANT: Final = 500

_ROWS: Final = """
unnest({}::bigint[], {}::bigint[], {}::bigint[], {}::bigint[], {}::int[], {}::bytea[])
AS given (bot_id, update_id, tenant_id, chat_key, shard, raw)"""
_GIVEN: Final = _ROWS.format(*(("%t",) * 5), "%b")
_INSERT: Final = """
INSERT INTO inbox (bot_id, update_id, tenant_id, chat_key, shard, raw)
SELECT given.* FROM {} ON CONFLICT (bot_id, update_id) DO NOTHING"""
INSERT: Final = _INSERT.format(_GIVEN)
"""The primary key drops repeats; the first body wins. The parameters come from `columns`."""
INSERT_ALONE: Final = (
    "WITH scope AS MATERIALIZED (SELECT set_config('laoban.tenant', '*', true))"
    + _INSERT.format("scope, " + _ROWS.format(*(f"${number}" for number in range(1, 7))))
)
"""The same as a whole transaction in one round trip: no row leaves the join before the scope is set."""
SET_SCOPE: Final = "SELECT set_config('laoban.tenant', '*', true)"
REPEATED: Final = f"""
SELECT given.bot_id, given.update_id, given.raw, inbox.raw FROM {_GIVEN}
JOIN inbox USING (bot_id, update_id) WHERE inbox.raw <> given.raw"""  # noqa: S608 - constants
COUNT_OPEN: Final = """
SELECT bot_id, (SELECT count(*) FROM (
    SELECT FROM inbox WHERE inbox.bot_id = asked.bot_id AND state IN ('new', 'leased') LIMIT %s
) AS open) FROM unnest(%s::bigint[]) AS asked (bot_id)"""
INSERT_JUNK: Final = f"""
INSERT INTO inbox_junk (bot_id, tenant_id, raw) SELECT %(bot)s, %(tenant)s, %(raw)s
WHERE (SELECT count(*) FROM (SELECT FROM inbox_junk WHERE bot_id = %(bot)s LIMIT {JUNK_PER_BOT}) AS a) < {JUNK_PER_BOT}
AND (SELECT count(*) FROM (SELECT FROM inbox_junk WHERE tenant_id = %(tenant)s LIMIT {JUNK_PER_TENANT}) AS b)
    < {JUNK_PER_TENANT}"""  # noqa: S608 - constants


Row = tuple[int, int, int, int, int, bytes]
"""An update on its way into the inbox: bot, update id, tenant, chat, shard, raw bytes.

A plain tuple, because one is made for every update. Sorted, writers cannot lock each other out.
"""
BOT: Final = 0
SHARD: Final = 4
RAW: Final = 5


class Verdict(StrEnum):
    """What became of an update."""

    ACCEPTED = "accepted"
    FULL = "full"


def row_of(config: BotConfig, head: Head, raw: bytes, chat_shards: int) -> Row:
    """The row of one update."""
    update_id, chat_key = head
    bot_id = config.id
    return bot_id, update_id, config.tenant_id, chat_key, shard_of(bot_id, chat_key, chat_shards), raw


def columns(rows: Iterable[Row]) -> list[str | list[bytes]]:
    """The parameters of INSERT, INSERT_ALONE and REPEATED, in the order that avoids deadlocks."""
    *numbers, raws = zip(*sorted(rows), strict=True)
    # Array literals: psycopg would look at every element of a list to find its type.
    literals = ["{" + ",".join(map(str, column)) + "}" for column in numbers]
    return [*literals, list(raws)]


def junk_of(config: BotConfig, raw: bytes) -> dict[str, object]:
    """The parameters of INSERT_JUNK; the beginning is enough to see what it was."""
    return {"bot": config.id, "tenant": config.tenant_id, "raw": raw[:JUNK_BYTES]}


@cache
def _caps(cap: int) -> Caps:
    return Caps(cap)


def accept(config: BotConfig, head: Head, raw: bytes, settings: Settings | None = None) -> Verdict:
    """Writes one update in the caller's transaction and rings after its commit. For hosts that only speak WSGI."""
    settings = settings or get_settings()
    caps = _caps(settings.inbox_cap)
    connection = db.session.connection()
    if not caps.admit(config.id):
        _count(caps, settings.inbox_cap)
        if not caps.admit(config.id):
            return Verdict.FULL
    row = row_of(config, head, raw, settings.chat_shards)
    written = connection.exec_driver_sql(INSERT, tuple(columns([row]))).rowcount
    if not written:
        note_repeats(connection.exec_driver_sql(REPEATED, tuple(columns([row]))).all())
    if caps.due_bots:
        _count(caps, settings.inbox_cap)
    ring(Bell.INBOX, row[SHARD])
    return Verdict.ACCEPTED


def _count(caps: Caps, cap: int) -> None:
    bots = caps.due()
    if bots:
        rows = db.session.connection().exec_driver_sql(COUNT_OPEN, (cap, bots)).all()
        caps.learn(bots, {row[0]: row[1] for row in rows})


def keep_junk(config: BotConfig, raw: bytes) -> None:
    """Puts what is no update into the quarantine, in the caller's transaction, as long as there is room."""
    db.session.connection().exec_driver_sql(INSERT_JUNK, junk_of(config, raw))


def note_repeats(repeats: Iterable[Sequence[Any]]) -> None:
    """Logs updates that came again with another content; the first one counts."""
    for bot_id, update_id, given, kept in repeats:
        if _content(given) != _content(kept):
            log.warning(
                "update came twice with different content", extra={"bot_id": bot_id, "update_id": update_id}
            )


def _content(raw: bytes) -> Mapping[str, object] | bytes:
    try:
        content: Mapping[str, object] = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw
    return content
