"""JSON that PostgreSQL takes."""

import random

import orjson
import pytest

from app.core import jsonb


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a\0b\0\0", "ab"),
        ("c:\\u0000", "c:\\u0000"),
        ("\\\0", "\\"),
        ("\\\0u0000", "\\u0000"),
        ('\n\u0001"', '\n\u0001"'),
        ("幸运", "幸运"),
    ],
)
def test_only_nul_characters_go(given: str, kept: str):
    assert orjson.loads(jsonb.dump({"a": [given], given: 1})) == {"a": [kept], kept: 1}


def test_whatever_stands_next_to_them():
    chance = random.Random(7)
    for _ in range(5000):
        given = "".join(chance.choices(["\0", "\\", "u0000", "u", "0", '"', "\n"], k=8))
        assert orjson.loads(jsonb.dump(given)) == given.replace("\0", "")
