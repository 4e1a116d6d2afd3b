"""Sealed lists as records show them: put together once in a process, and kept in files that have no name.

A list does not change any more and everybody wants it at the same moment, so it costs the database one reading; a
slow reader holds neither memory nor a connection.
"""

import os
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile
from threading import Lock

from app.core.errors import Unavailable
from app.core.queue import transaction
from app.core.tenancy import tenant_scope
from app.services.lotteries import lookup, record

MOST_BYTES = 256 * 1024 * 1024
"""Of all lists that a process keeps; a longer one is kept alone."""
WAIT_SECONDS = 20.0
"""How long others wait for the one who writes."""
PART = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Kept:
    descriptor: int
    size: int


class Body(Iterable[bytes]):
    """A record on its way to a reader: `head`, then a list. To be closed."""

    def __init__(self, head: bytes, kept: _Kept) -> None:
        self._head = head
        self._file = os.fdopen(os.dup(kept.descriptor), "rb", buffering=0)
        self.size = len(head) + kept.size

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        at = 0
        # Several read at the same time, so nobody may rely on the file's own place.
        while part := os.pread(self._file.fileno(), PART, at):
            at += len(part)
            yield part

    def close(self) -> None:
        """The server does this when the last byte is sent, or the reader has gone."""
        self._file.close()


_lists: OrderedDict[tuple[int, str], _Kept] = OrderedDict()
_looking, _writing = Lock(), Lock()


def body(lottery_id: int, tenant_id: int, root: str, head: bytes) -> Body:
    """The whole record of a sealed lottery. Needs the system scope and no open transaction. Raises Unavailable."""
    found = _find((lottery_id, root), head)
    if found is not None:
        return found
    if not _writing.acquire(timeout=WAIT_SECONDS):
        raise Unavailable
    try:
        return _find((lottery_id, root), head) or _keep((lottery_id, root), tenant_id, head)
    finally:
        _writing.release()


def _find(key: tuple[int, str], head: bytes) -> Body | None:
    with _looking:
        kept = _lists.get(key)
        if kept is None:
            return None
        _lists.move_to_end(key)
        return Body(head, kept)


def _keep(key: tuple[int, str], tenant_id: int, head: bytes) -> Body:
    with TemporaryFile() as file:
        with transaction(), tenant_scope(tenant_id):
            for part in record.tail(lookup.get(key[0])):
                file.write(part)
        file.flush()
        # It is closed when it must make room; who reads it then has one of his own.
        kept = _Kept(os.dup(file.fileno()), file.tell())
    with _looking:
        _lists[key] = kept
        while len(_lists) > 1 and sum(one.size for one in _lists.values()) > MOST_BYTES:
            os.close(_lists.popitem(last=False)[1].descriptor)
        return Body(head, kept)
