"""The rows of the schedule: one run per slot, and what they tell about a beat that is silent."""

from sqlalchemy import text

from app.core.db import db
from app.services.schedule import claim_slot, overdue


def test_a_slot_is_claimed_once(app):
    assert claim_slot("job", 3600)
    assert not claim_slot("job", 3600)
    assert claim_slot("another job", 3600)


def test_a_job_that_never_ran_is_overdue(app):
    claim_slot("ran", 3)
    assert overdue({"ran": 3, "never": 3}) == ["never"]


def test_a_job_is_overdue_after_three_missed_turns(app):
    claim_slot("often", 3)
    claim_slot("seldom", 600)
    db.session.execute(text("UPDATE cron_run SET ran_at = ran_at - interval '20 seconds'"))
    assert overdue({"often": 3, "seldom": 600}) == ["often"]
