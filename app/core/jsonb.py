"""Values as PostgreSQL's jsonb takes them."""

import re

import orjson

# Escapes are read one after the other, so that the second backslash of a pair begins none.
_ESCAPE = re.compile(rb"(\\(?!u0000).)|\\u0000")


def dump(value: object) -> bytes:
    """JSON in UTF-8 without NUL characters, which PostgreSQL does not keep. Raises TypeError for what is no JSON."""
    return _ESCAPE.sub(rb"\1", orjson.dumps(value))
