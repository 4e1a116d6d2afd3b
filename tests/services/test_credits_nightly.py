"""Every ledger is added up once a night; what does not add up is told, and nothing is changed."""

import logging

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.services import credits as ledger
from app.services import system
from app.services.credits import nightly
from tasks import maintenance
from tests.cast import Cast, sign_in


def at_hour(hour: int) -> None:
    """Tenants live where it is about this hour now."""
    now = db.session.scalar(text("SELECT extract(hour FROM now() AT TIME ZONE 'UTC')::int"))
    behind = (now - hour + 12) % 24 - 12
    db.session.execute(text("UPDATE tenant SET timezone = :zone"), {"zone": f"Etc/GMT{behind:+d}"})
    db.session.commit()


@pytest.fixture(autouse=True)
def accounts(cast: Cast) -> None:
    """Both tenants have an account, and were made yesterday."""
    for tenant in (cast.tenant, cast.other_tenant):
        ledger.post(tenant.id, 1, 5, source="shop", reference="a", reason="gift")
    db.session.execute(text("UPDATE tenant SET created_at = now() - interval '25 hours'"))
    at_hour(3)


def spoil(cast: Cast) -> None:
    db.session.execute(
        text("UPDATE credit_account SET balance = 6 WHERE tenant_id = :t"), {"t": cast.tenant.id}
    )
    db.session.commit()


def wait(hours: int) -> None:
    move = f"interval '{hours} hours'"
    db.session.execute(text(f"UPDATE credit_check SET begun_at = begun_at - {move}"))
    db.session.execute(text(f"UPDATE cron_run SET slot = slot - 1000, ran_at = ran_at - {move}"))
    db.session.commit()


def claim() -> int | None:
    with transaction():
        return nightly.claim_next()


def the_page(app: Flask, cast: Cast) -> str:
    return sign_in(app, cast.operator).get("/admin/system/", headers={"Accept-Language": "en"}).text


def test_each_tenant_has_his_turn_once_a_night(cast: Cast):
    assert {claim(), claim()} == {cast.tenant.id, cast.other_tenant.id}
    assert claim() is None
    wait(hours=24)
    assert claim() is not None


def test_not_by_day_unless_a_night_was_missed():
    at_hour(12)
    assert claim() is None
    db.session.execute(text("UPDATE tenant SET created_at = now() - interval '3 days'"))
    assert claim() is not None


def test_who_has_no_credits_has_no_turn():
    db.session.execute(text("SELECT set_config('laoban.erasing', 'yes', true)"))
    db.session.execute(text("DELETE FROM credit_account"))
    db.session.commit()
    assert claim() is None


def test_a_sound_ledger_raises_no_alarm(app: Flask, cast: Cast, caplog: pytest.LogCaptureFixture):
    maintenance.check_ledger()
    found = nightly.standing()
    assert (found.mismatches, found.checked_at is not None, caplog.records) == (0, True, [])
    assert system.ledger_fault() == ""
    assert "do not add up." not in the_page(app, cast)


def test_a_mismatch_is_told_everywhere_and_mended_nowhere(
    app: Flask, cast: Cast, caplog: pytest.LogCaptureFixture
):
    spoil(cast)
    maintenance.check_ledger()
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [(record.message, record.tenant) for record in told] == [
        ("the credit ledger does not add up", cast.tenant.id)
    ]
    assert "1 credit accounts of 1 tenants" in system.ledger_fault()
    assert "do not add up." in the_page(app, cast)
    assert "laoban_ledger_mismatches 1.0" in app.test_client().get("/metrics").text
    with system_scope():
        assert ledger.balance(cast.tenant.id, 1) == 6


def test_the_alarm_ends_with_the_next_sound_check(cast: Cast):
    spoil(cast)
    maintenance.check_ledger()
    db.session.execute(text("UPDATE credit_account SET balance = 5"))
    db.session.commit()
    maintenance.check_ledger()
    assert nightly.standing().mismatches == 1
    wait(hours=24)
    maintenance.check_ledger()
    assert nightly.standing().mismatches == 0


def test_a_tenant_whose_check_dies_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch):
    def die(tenant_id: int) -> None:
        raise MemoryError(tenant_id)

    monkeypatch.setattr(nightly, "check", die)
    with pytest.raises(MemoryError):
        maintenance.check_ledger()
    monkeypatch.undo()
    assert claim() is not None
    assert claim() is None
