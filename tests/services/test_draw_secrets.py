"""What nobody may see before the reveal: the seed; and never: the salt. Looked for everywhere at once."""

import io
import logging
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.logging import make_formatter
from app.core.queue import transaction
from app.core.redis import quick
from app.domain.lotteries import DrawPhase
from app.gateways import drand_rounds
from app.models import Lottery, LotteryDraw
from app.services import api_keys
from app.services.lotteries import manage
from tasks import lotteries as tasks
from tests import beacon, drawing
from tests.cast import Cast, sign_in
from tests.clockwork import Clockwork
from tests.lottery_tools import a_bot, a_draft, enter, members

SEED, SALT = b"\x5e" * 31 + b"\xed", b"\x5a" * 31 + b"\x17"
PEOPLE = range(drawing.FIRST, drawing.FIRST + 5)
PAGES = ("", "head/", "live/", "record/")


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Every record of every library, as a log shows it."""
    stream = io.StringIO()
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    handler.setFormatter(make_formatter("json"))
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def sealed(cast: Cast, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> Lottery:
    """With the seed and salt above, and a list that waits for the beacon."""
    assert not logged.getvalue()
    made = iter((SEED, SALT))
    monkeypatch.setattr(manage, "secrets", SimpleNamespace(token_bytes=lambda _: next(made)))
    monkeypatch.setattr(drand_rounds, "signature", lambda _chain, number: beacon.sign(number))
    lottery = a_draft(a_bot(cast.tenant))
    assert (lottery.seed, lottery.salt) == (SEED.hex(), SALT.hex())
    with transaction():
        manage.publish(lottery.id, beacon.chain())
    members(cast.tenant, *PEOPLE)
    enter(lottery, *PEOPLE)
    with transaction():
        manage.close(lottery.id)
    tasks.draw(lottery.id)
    assert db.session.get_one(LotteryDraw, lottery.id, populate_existing=True).phase is DrawPhase.WAITING
    return lottery


def everything(app: Flask, cast: Cast, lottery: Lottery) -> Iterator[tuple[str, str]]:
    """(place, what stands there) of all that anybody but the program itself may read."""
    browser, key = sign_in(app, cast.owner), api_keys_of(cast)
    for part in PAGES:
        yield f"page {part}", browser.get(f"/admin/lotteries/details/{part}?id={lottery.id}").text
    for what in ("entries", "winners"):
        for kind in ("csv", "json"):
            path = f"/admin/lottery-files/{what}/?id={lottery.id}&kind={kind}"
            with browser.get(path) as file:
                yield path, file.text
    yield "log page", browser.get("/admin/audit/").text
    for path in ("", f"/{lottery.code}", f"/{lottery.code}/entries", f"/{lottery.code}/winners"):
        answer = app.test_client().get(f"/api/lotteries{path}", headers={"X-Api-Key": key})
        yield f"api {path}", answer.text
    for tail in ("", ".json"):
        with app.test_client().get(f"/l/{lottery.code}{tail}") as public:
            yield f"public {tail}", public.text
    db.session.rollback()
    for table in db.metadata.sorted_tables:
        rows = db.session.scalars(text(f'SELECT t::text FROM "{table.name}" t'))
        yield f"table {table.name}", "\n".join(rows)
    for name in quick().keys("*"):
        yield f"Redis {name!r}", repr(quick().dump(name))
    yield "repr", f"{lottery!r} {lottery}"


def api_keys_of(cast: Cast) -> str:
    with transaction():
        return api_keys.create(cast.tenant.id, "test").key


def places_of(secret: bytes, found: list[tuple[str, str]]) -> list[str]:
    forms = (secret.hex(), secret.hex().upper(), repr(secret)[2:-1])
    return [place for place, said in found if any(form in said for form in forms)]


def test_neither_seed_nor_salt_is_anywhere_before_the_reveal(
    app: Flask, cast: Cast, logged: io.StringIO, sealed: Lottery
):
    found = [*everything(app, cast, sealed), ("logs", logged.getvalue())]
    assert all(said for place, said in found if place.startswith(("page", "api", "public")))
    assert places_of(SEED, found) == []
    assert places_of(SALT, found) == []


def test_the_salt_stays_secret_after_the_draw(
    app: Flask, cast: Cast, time: Clockwork, logged: io.StringIO, sealed: Lottery
):
    time.forward(seconds=70)
    assert len(drawing.draw(sealed)) == 2
    found = [*everything(app, cast, sealed), ("logs", logged.getvalue())]
    assert places_of(SALT, found) == []
    assert "public .json" in places_of(SEED, found)
    assert "logs" not in places_of(SEED, found)
