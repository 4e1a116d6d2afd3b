"""How many calls may come: a bucket for each caller and a count of the hour for all callers of one tenant.

Both are taken from in one Redis round trip, or neither. While Redis is away each process counts for itself: a call is
never refused because of Redis.
"""

import logging
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock

from redis.exceptions import RedisError

from app.core.scripts import run

log = logging.getLogger(__name__)

HOUR = 3600
# Of each call, KEYS: bucket, count of the hour. ARGV: microseconds between two calls, how far calls may run ahead, calls
# of an hour. A bucket is the moment at which it will be full again, on Redis' own clock.
_TAKE = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local hour = math.floor(t[1] / 3600)
local function take(bucket, count, gap, ahead, most)
  local tat = math.max(now, tonumber(redis.call('GET', bucket) or 0))
  local kept = redis.call('HMGET', count, 'hour', 'used')
  local used = 0
  if tonumber(kept[1] or -1) == hour then used = tonumber(kept[2]) end
  local wait = tat - ahead - now
  if wait > 0 then return 1, wait, used end
  if used >= most then return 2, 0, used end
  redis.call('SET', bucket, string.format('%.0f', tat + gap), 'PX', math.ceil((tat + gap - now) / 1000) + 1000)
  redis.call('HSET', count, 'hour', hour, 'used', used + 1)
  redis.call('EXPIRE', count, 7200)
  return 0, 0, used + 1
end
local answer = {}
for i = 1, #KEYS / 2 do
  local gap, ahead, most = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local refused, wait, used = take(KEYS[2 * i - 1], KEYS[2 * i], gap, ahead, most)
  for _, number in ipairs({refused, wait, used, tonumber(t[1])}) do answer[#answer + 1] = number end
end
return answer
"""
_AWAY_SECONDS = 1.0
_LOCAL_MOST = 10_000


class Limit(StrEnum):
    """Which limit a call met."""

    RATE = "rate"
    QUOTA = "quota"


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether a call may go on, and what is left of the limit that says so. `reset` is in Unix seconds."""

    ok: bool
    what: Limit
    limit: int
    remaining: int
    reset: int
    retry_after: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Whose calls are counted, and how many may come: each second, at once, and in an hour."""

    caller: str
    rate: int
    burst: int
    group: str
    hourly: int

    @property
    def gap(self) -> int:
        """Microseconds between two calls."""
        return 1_000_000 // self.rate

    @property
    def ahead(self) -> int:
        """Microseconds that calls may run ahead of that pace."""
        return self.gap * (self.burst - 1)


class _Local:
    """The same for this process alone."""

    def __init__(self) -> None:
        self._buckets: dict[str, float] = {}
        self._hours: dict[str, tuple[int, int]] = {}
        self._lock = Lock()
        self.away_until = 0.0

    def take(self, limits: Limits) -> list[int]:
        with self._lock:
            moment, second = time.monotonic() * 1_000_000, int(time.time())
            tat = max(moment, self._buckets.get(limits.caller, 0.0))
            hour, used = self._hours.get(limits.group, (0, 0))
            used = used if hour == second // HOUR else 0
            wait = tat - limits.ahead - moment
            if wait > 0:
                return [1, math.ceil(wait), used, second]
            if used >= limits.hourly:
                return [2, 0, used, second]
            if len(self._buckets) > _LOCAL_MOST:
                self._buckets.clear()
            self._buckets[limits.caller] = tat + limits.gap
            self._hours[limits.group] = (second // HOUR, used + 1)
            return [0, 0, used + 1, second]


_local = _Local()


def take(limits: Limits) -> Allowance:
    """Takes one call, or says how long to wait."""
    return take_many([limits])[0]


def take_many(asked: Sequence[Limits]) -> list[Allowance]:
    """The same for calls that came together, in one round trip; each is taken or refused by itself, in this order."""
    return [_allowance(limits, *found) for limits, found in zip(asked, _take(asked), strict=True)]


def _allowance(limits: Limits, refused: int, wait: int, used: int, second: int) -> Allowance:
    if refused == 1:
        seconds = max(1, math.ceil(wait / 1_000_000))
        return Allowance(
            ok=False,
            what=Limit.RATE,
            limit=limits.burst,
            remaining=0,
            reset=second + seconds,
            retry_after=seconds,
        )
    left = HOUR - second % HOUR
    return Allowance(
        ok=not refused,
        what=Limit.QUOTA,
        limit=limits.hourly,
        remaining=max(0, limits.hourly - used),
        reset=second + left,
        retry_after=left,
    )


def _take(asked: Sequence[Limits]) -> Iterable[list[int]]:
    if time.monotonic() < _local.away_until:
        return [_local.take(limits) for limits in asked]
    keys = [
        key for limits in asked for key in (f"laoban:calls:{limits.caller}", f"laoban:hour:{limits.group}")
    ]
    numbers = [number for limits in asked for number in (limits.gap, limits.ahead, limits.hourly)]
    try:
        found = run(_TAKE, keys, *numbers)
    except RedisError as error:
        log.warning("redis away, calls are counted here", extra={"reason": str(error)})
        _local.away_until = time.monotonic() + _AWAY_SECONDS
        return [_local.take(limits) for limits in asked]
    return [found[place : place + 4] for place in range(0, len(found), 4)]
