"""What commands print with --json has the form that docs/commands.md shows."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.tenancy import enter_scope
from app.services import credits as ledger
from tests.cast import Cast
from tests.drawing import a_closed, draw
from tests.lottery_tools import a_bot, an_open
from tests.make_docs import PRINTED


def form(value: object) -> object:
    """Names and kinds, without values; of a list its first element."""
    if isinstance(value, dict):
        return {name: form(each) for name, each in value.items() if name != "params"}
    if isinstance(value, list):
        return [form(value[0])]
    return "anything" if value is None else type(value).__name__


def check(app: Flask, name: str, *more: object) -> None:
    enter_scope(None)
    printed = app.test_cli_runner().invoke(args=[*name.split(), *map(str, more), "--json"]).stdout
    enter_scope("*")
    found, shown = form(json.loads(printed)), form(json.loads(PRINTED[name]))
    assert alike(found, shown), (found, shown)


def alike(one: object, other: object) -> bool:
    """The same form; null stands for anything."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return alike(one[0], other[0])
    return "anything" in {str(one), str(other)} or one == other


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lottery.json"
    closes_at = (clock.now() + timedelta(days=1)).isoformat()
    path.write_text(json.dumps({"title": "Draw", "prizes": [{"name": "Mug"}], "closes_at": closes_at}))
    return path


def test_lotteries(app: Flask, cast: Cast, file: Path, tmp_path: Path):
    bot = a_bot(cast.tenant)
    check(app, "lotteries create", "--tenant", cast.tenant.id, "--file", file)
    check(app, "lotteries close", an_open(bot).code)
    lottery = a_closed(bot, 3)
    draw(lottery)
    check(app, "lotteries audit", lottery.code)
    path = tmp_path / "draw.json"
    check(app, "lotteries export", lottery.code, "--file", path)
    path.write_text(path.read_text().replace('"tickets": 3', '"tickets": 4'))
    check(app, "lotteries verify", path)


def test_the_ledger(app: Flask, cast: Cast):
    ledger.post(cast.tenant.id, 1, 5, source="shop", reference="a", reason="gift")
    db.session.execute(text("UPDATE credit_account SET balance = 6"))
    db.session.commit()
    check(app, "credits check")


def test_what_there_is(app: Flask, cast: Cast):
    a_bot(cast.tenant)
    for name in ("bots list", "tenants list", "system check"):
        check(app, name)
