"""The cache itself, and how a row of the database becomes a BotConfig."""

import time
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, Final, NamedTuple

from app.core.crypto import WrongKey, box
from app.domain.bots import SECRET_GRACE, BotConfig, BotState, Mode
from app.services import bots

Key = int | str
"""A bot's id, or its public id."""

OLDEST: Final = 10.0
FRESH: Final = 5.0
"""An entry in use is loaded anew in the background from this age on, so that nobody waits for it."""
SIZE: Final = 40_000
TRIES: Final = 3

SET_SCOPE: Final = "SELECT set_config('laoban.tenant', '*', true)"
SELECT: Final = f"""
SELECT b.id, b.public_id, b.tenant_id, b.telegram_id, b.username, b.token, b.secret_generation,
       coalesce(b.secret_rotated_at > clock_timestamp() - interval '{SECRET_GRACE} s', false),
       b.mode, b.enabled AND t.suspended_at IS NULL, b.state, b.version, coalesce(b.locale, t.locale), t.timezone, b.webhook_set_at IS NOT NULL
FROM bot b JOIN tenant t ON t.id = b.tenant_id
WHERE b.removed_at IS NULL AND (b.id = ANY(%s::bigint[]) OR b.public_id = ANY(%s::text[]))"""  # noqa: S608 - a constant


class Asked(NamedTuple):
    """When the database was asked, and how many bells had rung by then."""

    at: float
    drops: int


class Unknown(Enum):
    """Not in the cache; the database has to be asked."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


def parameters(keys: Iterable[Key]) -> tuple[list[int], list[str]]:
    """The parameters of SELECT."""
    keys = list(keys)
    # Anything else than ASCII is in no public id, and some of it PostgreSQL would refuse.
    names = [key for key in keys if isinstance(key, str) and key.isascii() and "\0" not in key]
    return [key for key in keys if isinstance(key, int)], names


class _Entry(NamedTuple):
    at: float
    config: BotConfig
    encrypted: str


class Snapshots:
    """A bounded cache by id and by public id; also remembers who does not exist."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, size: int = SIZE) -> None:
        self._clock = clock
        self._size = size
        self._entries: dict[Key, _Entry] = {}
        self._missing: dict[Key, float] = {}
        self._drops = 0

    def get(self, key: Key) -> BotConfig | Unknown | None:
        """The snapshot, None for a bot that does not exist, or UNKNOWN."""
        return self.look(key)[0]

    def look(self, key: Key) -> tuple[BotConfig | Unknown | None, bool]:
        """The same, and whether it is time to load it anew."""
        entry = self._entries.get(key)
        at = self._missing.get(key) if entry is None else entry.at
        if at is None:
            return UNKNOWN, True
        age = self._clock() - at
        if age >= OLDEST:
            return UNKNOWN, True
        return None if entry is None else entry.config, age >= FRESH

    def asking(self) -> Asked:
        """To be called before the database is asked."""
        return Asked(self._clock(), self._drops)

    def put(self, asked: Asked, keys: Iterable[Key], rows: Iterable[tuple[Any, ...]], *, last: bool) -> bool:
        """Takes in what SELECT answered for `keys`; a key without a row does not exist.

        False when a bell rang since: the answer may be older than what it told of, so nothing is kept, except at
        the `last` try, because bells may ring without a pause.
        """
        if asked.drops != self._drops and not last:
            return False
        missing = dict.fromkeys(keys)
        for row in rows:
            entry = self._entry(row, asked.at)
            for key in (entry.config.id, entry.config.public_id):
                missing.pop(key, None)
                self._missing.pop(key, None)
                # Taken out first, so that the order of the dictionary is the order of loading.
                self._entries.pop(key, None)
                self._entries[key] = entry
        for key in missing:
            self._entries.pop(key, None)
            self._missing.pop(key, None)
            self._missing[key] = asked.at
        for cache in (self._entries, self._missing):
            while len(cache) > self._size:
                del cache[next(iter(cache))]
        return True

    def drop(self, bot_id: int) -> None:
        """Forgets a bot, and who was missing: it may be the one."""
        self._drops += 1
        self._missing = {}
        entry = self._entries.pop(bot_id, None)
        if entry is not None:
            self._entries.pop(entry.config.public_id, None)

    def clear(self) -> None:
        """Forgets everything."""
        self._drops += 1
        self._entries, self._missing = {}, {}

    def _entry(self, row: tuple[Any, ...], at: float) -> _Entry:
        (id_, public_id, tenant_id, telegram_id, username, encrypted, generation, grace, *rest) = row
        mode, enabled, state, version, locale, timezone, ours = rest
        known = self._entries.get(id_)
        # Decrypting costs more than the rest of the row, and a token rarely changes.
        config = BotConfig(
            id=id_,
            public_id=public_id,
            tenant_id=tenant_id,
            telegram_id=telegram_id,
            username=username,
            token=known.config.token if known and known.encrypted == encrypted else _decrypt(encrypted),
            secret=bots.secret_of(public_id, generation),
            former_secret=bots.secret_of(public_id, generation - 1) if grace else "",
            mode=Mode(mode),
            enabled=enabled,
            state=BotState(state),
            version=version,
            locale=locale,
            timezone=timezone,
            webhook_ours=ours,
        )
        return _Entry(at, config, encrypted)


def _decrypt(encrypted: str) -> str:
    """An empty token where no key opens it: such a bot fails alone, the others must go on."""
    try:
        return box().decrypt(encrypted)
    except WrongKey:
        return ""
