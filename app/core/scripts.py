"""Scripts that Redis runs as one step, each sent in full only once."""

from collections.abc import Iterable
from functools import cache
from hashlib import sha1

from redis.exceptions import NoScriptError

from app.core.redis import wire


def run(script: str, keys: Iterable[str], *args: str | int) -> list[int]:
    """The numbers that the script returns; it may be run twice where a connection breaks. Raises RedisError."""
    names = list(keys)
    try:
        answer = wire()("EVALSHA", _sha(script), len(names), *names, *args)
    except NoScriptError:
        answer = wire()("EVAL", script, len(names), *names, *args)
    return list(answer) if isinstance(answer, list) else [int(answer)]


@cache
def _sha(script: str) -> str:
    return sha1(script.encode(), usedforsecurity=False).hexdigest()
