"""Forgetting what is old, and nothing else."""

import pytest
from sqlalchemy import text

from app.core.db import db
from app.models import Bot
from app.services import retention
from tasks import maintenance
from tests.cast import Cast
from tests.inbox_tools import make_bot, put, states


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return make_bot(cast.tenant)


def age(update_id: int, state: str, age: str) -> None:
    db.session.execute(
        text(
            f"UPDATE inbox SET state = '{state}', received_at = now() - interval '{age}',"
            f" done_at = now() - interval '{age}' WHERE update_id = {update_id}"
        )
    )
    db.session.commit()


def test_updates_are_forgotten_two_days_after_they_were_handled(bot):
    put(bot, [(number, 1) for number in range(5)])
    age(0, "done", "49 hours")
    age(1, "done", "47 hours")
    age(2, "dead", "29 days")
    age(3, "dead", "31 days")
    maintenance.prune()
    assert states() == {1: "done", 2: "dead", 4: "new"}


def test_an_open_update_is_never_forgotten(bot):
    put(bot, [(1, 1)])
    db.session.execute(text("UPDATE inbox SET received_at = now() - interval '1 year'"))
    db.session.commit()
    maintenance.prune()
    assert states() == {1: "new"}


def test_a_batch_is_bounded(bot, monkeypatch):
    put(bot, [(number, 1) for number in range(retention.BATCH + 1)])
    db.session.execute(text("UPDATE inbox SET state = 'done', done_at = now() - interval '49 hours'"))
    assert retention.forget_some("inbox")
    assert not retention.forget_some("inbox")
    assert states() == {}


def test_old_slots_of_the_schedule_and_old_junk_go(bot):
    db.session.execute(
        text("INSERT INTO cron_run (job, slot, ran_at) VALUES ('x', 1, now() - interval '3 days')")
    )
    db.session.execute(
        text(
            "INSERT INTO inbox_junk (tenant_id, bot_id, raw, received_at)"
            f" VALUES ({bot.tenant_id}, {bot.id}, 'x', now() - interval '8 days')"
        )
    )
    db.session.commit()
    maintenance.prune()
    assert db.session.execute(text("SELECT count(*) FROM cron_run WHERE job = 'x'")).scalar() == 0
    assert db.session.execute(text("SELECT count(*) FROM inbox_junk")).scalar() == 0


def test_twice_in_the_same_slot_it_runs_once(bot):
    maintenance.prune()
    put(bot, [(1, 1)])
    age(1, "done", "49 hours")
    maintenance.prune()
    assert states() == {1: "done"}
