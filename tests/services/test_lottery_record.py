"""The public record: whole and checkable at every moment of a lottery that the services themselves run."""

import json

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.domain.draw_verifier import Verdict, verify
from app.domain.lotteries import CloseReason
from app.models import Bot, Lottery
from app.services.lotteries import lookup, manage, record, winners
from tasks import lotteries as tasks
from tests import beacon
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.drawing import FIRST, a_closed, close, draw, the_draw
from tests.lottery_tools import a_bot, an_open, enter, members


@pytest.fixture
def relays(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """Two relays of the tests' own chain."""
    settings = get_settings()
    monkeypatch.setattr(settings, "drand_urls", [httpserver.url_for("/one"), httpserver.url_for("/two")])
    monkeypatch.setattr(settings, "drand_chain", beacon.chain().hash)
    for relay in ("one", "two"):
        httpserver.expect_request(f"/{relay}/{beacon.chain().hash}/info").respond_with_json(beacon.info())
    return httpserver


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return a_bot(cast.tenant)


def published(lottery: Lottery) -> dict[str, object]:
    """The record as everybody gets it."""
    db.session.rollback()
    db.session.expire_all()
    fresh = lookup.get(lottery.id)
    return json.loads(b"".join(record.stream(fresh, record.record(fresh))))


def checked(lottery: Lottery) -> Verdict:
    verdict = verify(published(lottery))
    assert verdict.ok, verdict.mismatch
    return verdict


def last(lottery: Lottery) -> tuple[str, str]:
    """How far the check came."""
    return checked(lottery).steps[-1][:2]


def test_an_open_lottery_shows_its_rules_and_its_promise(bot: Bot):
    lottery = an_open(bot, title='Tea & "quotes" 茶')
    assert last(lottery) == ("list", "later")
    found = published(lottery)
    assert (found["seed"], found["root"], found["entries"]) == (None, None, [])
    assert found["commitment"] == lottery.commitment


def test_the_seed_stays_hidden_until_the_list_is_sealed(bot: Bot):
    lottery = a_closed(bot, 5)
    assert lottery.seed not in json.dumps(published(lottery))
    assert last(lottery) == ("list", "later")


def test_a_drawn_lottery_shows_everything(bot: Bot):
    lottery = a_closed(bot, 1200)
    assert len(draw(lottery)) == 2
    assert last(lottery) == ("redraws", "ok")
    assert len(published(lottery)["entries"]) == 1200


def test_nobody_can_be_recognised(bot: Bot):
    lottery = a_closed(bot, 30)
    draw(lottery)
    everything = json.dumps(published(lottery))
    assert lottery.salt not in everything
    assert [n for n in range(FIRST, FIRST + 30) if str(n) in everything] == []


@pytest.mark.parametrize("entrants", [0, 1, 2])
def test_few_entrants_are_no_error(bot: Bot, entrants: int):
    lottery = a_closed(bot, entrants)
    draw(lottery)
    assert last(lottery) == ("redraws", "ok")


@pytest.mark.parametrize("reason", CloseReason)
def test_however_it_was_closed(bot: Bot, reason: CloseReason):
    lottery = a_closed(bot, 3, reason, max_entries=3, closes_when_full=True)
    draw(lottery)
    checked(lottery)


def test_entrants_of_the_staff_are_counted(cast: Cast, bot: Bot):
    lottery = an_open(bot, conditions=[{"type": "account_age", "days": 1}])
    members(cast.tenant, FIRST, FIRST + 1)
    with transaction():
        manage.add_by_staff(lottery.id, [FIRST, FIRST + 1])
    with transaction():
        manage.close(lottery.id)
    draw(lottery)
    checked(lottery)
    assert published(lottery)["staff"] == 2


def test_redraws_are_told(bot: Bot):
    lottery = a_closed(bot, 4)
    draw(lottery)
    for reason in ("no answer", "wrong address"):
        with transaction():
            winners.redraw(lottery.id, 1, reason)
        checked(lottery)
        draw(lottery)
        assert last(lottery) == ("redraws", "ok")
    assert [one["turn"] for one in published(lottery)["winners"]] == [0, 1, 2, 0]


def test_a_redraw_for_which_nobody_is_left_is_told_too(cast: Cast, bot: Bot):
    members(cast.tenant, *range(FIRST, FIRST + 3))
    lottery = an_open(bot, conditions=[{"type": "account_age", "days": 1}])
    enter(lottery, *range(FIRST, FIRST + 3))
    db.session.execute(text("UPDATE member SET first_seen_at = now() - interval '9 days'"))
    db.session.execute(text("UPDATE lottery_entry SET conditions = '0:1:1790000000'"))
    db.session.commit()
    close(lottery)
    draw(lottery)
    with transaction():
        winners.redraw(lottery.id, 1, "no answer")
        db.session.execute(text("UPDATE member SET first_seen_at = now()"))
    draw(lottery)
    assert last(lottery) == ("redraws", "ok")
    assert json.loads(published(lottery)["events"][-1]["body"])["number"] is None


def test_the_beacon_decides_where_there_is_one(bot: Bot, relays: HTTPServer, time: Clockwork):
    lottery = an_open(bot)
    tasks.sweep()
    enter(lottery, *range(FIRST, FIRST + 20))
    close(lottery)
    tasks.draw(lottery.id)
    assert last(lottery) == ("seed", "later")
    number = the_draw(lottery).round
    for relay in ("one", "two"):
        relays.expect_request(f"/{relay}/{beacon.chain().hash}/public/{number}").respond_with_json(
            beacon.published(number)
        )
    time.forward(days=1, minutes=2)
    draw(lottery)
    assert ("signature", "ok") in [step[:2] for step in checked(lottery).steps]


def test_a_cancelled_lottery_says_so(bot: Bot):
    lottery = an_open(bot)
    enter(lottery, FIRST)
    with transaction():
        manage.cancel(lottery.id, "no prizes")
    assert checked(lottery).steps[-1][2] == "This lottery was cancelled; there is no draw"


# --- what somebody with the database in his hands might try
@pytest.mark.parametrize(
    ("code", "statement"),
    [
        ("rules", "UPDATE lottery SET title = 'Another'"),
        ("rules", "UPDATE lottery_prize SET quantity = quantity + 1"),
        ("entries_count", "DELETE FROM lottery_entry WHERE id = (SELECT max(id) FROM lottery_entry)"),
        ("entries_changed", "UPDATE lottery_entry SET telegram_id = 1 WHERE telegram_id = 7000002"),
        ("order", "UPDATE lottery_candidate SET number = 9 WHERE rank = 1"),
        ("winner", "UPDATE lottery_winner SET slot = slot + 5"),
        ("seed", "UPDATE lottery SET commitment = commitment"),
    ],
)
def test_changes_behind_the_programs_back_are_seen(bot: Bot, code: str, statement: str):
    lottery = a_closed(bot, 6)
    draw(lottery)
    db.session.execute(text("SELECT set_config('laoban.erasing', 'yes', true)"))
    if code == "seed":
        lookup.get(lottery.id).seed = "33" * 32
    else:
        db.session.execute(text(statement))
    db.session.commit()
    assert verify(published(lottery)).mismatch.code == code
