"""One statement on one connection, straight through libpq.

This one runs up to a thousand times a second, and psycopg's cursor would add half to the processor time of each
group (docs/performance.md). Everything else goes through cursors.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import psycopg
from psycopg import AsyncConnection
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

NAME: Final = b"laoban_insert"
BYTEA: Final = 17
_GOOD: Final = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


class Statement:
    """Belongs to its connection: a new connection needs a new one."""

    def __init__(self, connection: AsyncConnection, sql: str, *, prepare: bool) -> None:
        self._pgconn = connection.pgconn
        self._sql = sql.encode()
        self._prepare = prepare
        self._prepared = False
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] | None = None

    async def run(self, parameters: Sequence[str | list[bytes]]) -> int:
        """Executes it as a transaction of its own and returns the number of rows. Raises psycopg.Error."""
        values = [value.encode() if isinstance(value, str) else _bytea_array(value) for value in parameters]
        formats = [0 if isinstance(value, str) else 1 for value in parameters]
        if not self._prepare:
            self._pgconn.send_query_params(self._sql, values, param_formats=formats)
        else:
            if not self._prepared:
                self._pgconn.send_prepare(NAME, self._sql)
                _check(await self._result())
                self._prepared = True
            self._pgconn.send_query_prepared(NAME, values, param_formats=formats)
        return _check(await self._result()).command_tuples or 0

    async def _result(self) -> PGresult | None:
        pgconn, socket = self._pgconn, self._pgconn.socket
        self._loop.add_reader(socket, self._wake)
        try:
            while pgconn.flush():
                self._loop.add_writer(socket, self._wake)
                await self._wait()
                self._loop.remove_writer(socket)
                pgconn.consume_input()
            last = None
            while True:
                while pgconn.is_busy():
                    await self._wait()
                    pgconn.consume_input()
                result = pgconn.get_result()
                if result is None:
                    return last
                last = result
        finally:
            self._loop.remove_writer(socket)
            self._loop.remove_reader(socket)

    async def _wait(self) -> None:
        self._ready = self._loop.create_future()
        await self._ready

    def _wake(self) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(None)


def _check(result: PGresult | None) -> PGresult:
    if result is None:
        raise psycopg.OperationalError("the server closed the connection")
    if result.status in _GOOD:
        return result
    state = (result.error_field(DiagnosticField.SQLSTATE) or b"").decode()
    try:
        kind: type[psycopg.Error] = psycopg.errors.lookup(state)
    except KeyError:
        kind = psycopg.OperationalError
    raise kind(result.error_message.decode(errors="replace").strip())


def _bytea_array(values: list[bytes]) -> bytes:
    """A one-dimensional bytea[] in PostgreSQL's binary form: dimensions, flags, type, length, first index."""
    parts = [number.to_bytes(4, "big") for number in (1, 0, BYTEA, len(values), 1)]
    for value in values:
        parts += (len(value).to_bytes(4, "big"), value)
    return b"".join(parts)
