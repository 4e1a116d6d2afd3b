"""Arrays that are written by hand come back as they were."""

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.arrays import numbers, texts
from app.core.db import db


@pytest.mark.parametrize(
    "values",
    [[], [""], ["", ""], ["NULL", "null"], ['a"b', "c\\d", '\\"', "\\\\"], ["{a,b}", " x ", "好\n\t'"]],
)
def test_texts(app: Flask, values: list[str]):
    assert db.session.scalar(text("SELECT CAST(:it AS text[])"), {"it": texts(values)}) == values


@pytest.mark.parametrize("values", [[], [0], [-1, 2**62]])
def test_numbers(app: Flask, values: list[int]):
    assert db.session.scalar(text("SELECT CAST(:it AS bigint[])"), {"it": numbers(values)}) == values


@pytest.mark.parametrize("values", [["a\0b"], ["\0"], ["a", "\0"]])
def test_a_nul_is_refused(values: list[str]):
    with pytest.raises(ValueError, match="NUL"):
        texts(values)
