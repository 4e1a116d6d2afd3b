"""Token buckets shared by all processes: one Redis round trip takes from two of them at once, or tells how long to wait.

Generic cell rate algorithm: a bucket is one moment, the one at which it will be full again ("tat", theoretical arrival
time). Taking a token moves it by one interval; a token may be taken while it is at most `tolerance` ahead of now.
A taken token may lie in the near future: the caller then waits for it and need not ask again, so order is kept.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from redis.exceptions import RedisError

from app.core.redis import quick
from app.core.scripts import run

log = logging.getLogger(__name__)

# KEYS: a bucket each. ARGV: owner tag of the first bucket, longest wait, then interval and tolerance of each.
# All times are milliseconds on Redis' own clock, so that processes on several machines agree.
_TAKE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local longest, at, tats, gaps = tonumber(ARGV[2]), now, {}, {}
for i, key in ipairs(KEYS) do
  local bucket = redis.call('HMGET', key, 'tat', 'park', 'gap', 'slow', 'tag')
  if i == 1 and bucket[5] ~= ARGV[1] then
    redis.call('DEL', key)
    bucket = {false, false, false, false, false}
  end
  local gap = tonumber(ARGV[1 + 2 * i])
  if bucket[4] and tonumber(bucket[4]) > now then gap = math.max(gap, tonumber(bucket[3])) end
  tats[i], gaps[i] = tonumber(bucket[1] or 0), gap
  at = math.max(at, tonumber(bucket[2] or 0), tats[i] - tonumber(ARGV[2 + 2 * i]))
end
if at - now > longest then return {0, at - now} end
for i, key in ipairs(KEYS) do
  local tat = math.max(now, tats[i]) + gaps[i]
  redis.call('HSET', key, 'tat', string.format('%.0f', tat), 'tag', ARGV[1])
  redis.call('PEXPIRE', key, string.format('%.0f', tat - now + 600000))
end
return {1, at - now}
"""
# KEYS: the bucket. ARGV: milliseconds of parking, the gap from which to slow down, tag. Slower is set once a parking.
_PARK = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local till = now + tonumber(ARGV[1])
local bucket = redis.call('HMGET', KEYS[1], 'park', 'gap', 'slow')
if tonumber(bucket[1] or 0) <= now then
  local gap = tonumber(ARGV[2])
  if tonumber(bucket[3] or 0) > now then gap = math.max(gap, tonumber(bucket[2])) end
  redis.call('HSET', KEYS[1], 'gap', math.min(math.floor(gap * 1.25), 4 * tonumber(ARGV[2])),
    'slow', string.format('%.0f', till + 60000))
end
if till > tonumber(bucket[1] or 0) then
  redis.call('HSET', KEYS[1], 'tag', ARGV[3], 'park', string.format('%.0f', till), 'tat', string.format('%.0f', till))
end
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[1]) + 600000)
return 1
"""
_LOCAL_SLOWER = 5
_LOCAL_MAX = 10_000
_AWAY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket to take from; times in milliseconds."""

    key: str
    interval: int
    tolerance: int


@dataclass(frozen=True, slots=True)
class Turn:
    """`taken` tokens are yours after `wait` seconds; otherwise ask again after `wait` seconds."""

    taken: bool
    wait: float


class _Local:
    """Buckets of this process alone, much slower, for as long as Redis is away. Nobody knows what others send then."""

    def __init__(self) -> None:
        self._tats: dict[str, float] = {}
        self._parks: dict[str, float] = {}
        self._lock = Lock()
        self.away_until = 0.0

    def take(self, buckets: list[Bucket], longest: int) -> Turn:
        with self._lock:
            now = time.monotonic() * 1000
            tats = [self._tats.get(bucket.key, 0.0) for bucket in buckets]
            parks = (self._parks.get(bucket.key, 0.0) for bucket in buckets)
            at = max(
                now, *parks, *(tat - bucket.tolerance for tat, bucket in zip(tats, buckets, strict=True))
            )
            if at - now > longest:
                return Turn(taken=False, wait=(at - now) / 1000)
            if len(self._tats) > _LOCAL_MAX:
                self._tats.clear()
                self._parks.clear()
            for tat, bucket in zip(tats, buckets, strict=True):
                self._tats[bucket.key] = max(now, tat) + bucket.interval * _LOCAL_SLOWER
            return Turn(taken=True, wait=(at - now) / 1000)

    def park(self, key: str, seconds: float) -> None:
        with self._lock:
            self._parks[key] = (time.monotonic() + seconds) * 1000


_local = _Local()


def take(buckets: list[Bucket], *, tag: str, longest_wait: float) -> Turn:
    """Takes one token of each bucket, or none when that would mean waiting longer than `longest_wait` seconds.

    `tag` names whom the first bucket belongs to; another tag finds it full and not parked.
    """
    longest = int(longest_wait * 1000)
    if time.monotonic() < _local.away_until:
        return _local.take(buckets, longest)
    numbers = [number for bucket in buckets for number in (bucket.interval, bucket.tolerance)]
    try:
        taken, wait = run(_TAKE, [bucket.key for bucket in buckets], tag, longest, *numbers)
    except RedisError as error:
        log.warning("redis away, sending slowly", extra={"reason": str(error)})
        _local.away_until = time.monotonic() + _AWAY_SECONDS
        return _local.take(buckets, longest)
    return Turn(taken=bool(taken), wait=wait / 1000)


def park(key: str, seconds: float, *, tag: str, interval: int) -> None:
    """Nobody takes from the bucket for `seconds`, and for a minute after that it fills more slowly."""
    _local.park(key, seconds)
    try:
        run(_PARK, [key], int(seconds * 1000), interval, tag)
    except RedisError as error:
        log.warning("redis away, parked in this process only", extra={"reason": str(error)})


def fills(keys: Sequence[str], *, interval: int, burst: int) -> list[float | None]:
    """How full each bucket is, 0.0 (empty or parked) to 1.0, in one round trip; None for all when Redis is away."""
    try:
        pipeline = quick().pipeline(transaction=False)
        pipeline.time()
        for key in keys:
            pipeline.hmget(key, ["tat", "park"])
        (seconds, micros), *found = pipeline.execute()
    except RedisError:
        return [None] * len(keys)
    now = int(seconds) * 1000 + int(micros) // 1000
    times = [[int(value or 0) for value in values] for values in found]
    return [
        0.0 if parked > now else max(0.0, min(1.0, 1.0 - (tat - now) / (interval * burst)))
        for tat, parked in times
    ]
