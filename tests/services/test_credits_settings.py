"""What a boss allows: an overdraft reaches every account, and a smaller one lets nobody sink deeper."""

import pytest
from sqlalchemy import select

from app.core.db import db
from app.core.errors import BadInput
from app.models import AuditEvent
from app.services import credits as ledger
from app.services.credits import InsufficientCredits, NewPosting, nightly, settings
from app.services.credits.settings import Settings
from tests.cast import Cast

ANN, BEN = 7_000_000_001, 7_000_000_002


def post(cast: Cast, amount: int, reference: str, who: int = ANN) -> int:
    posting = ledger.post(cast.tenant.id, who, amount, source="shop", reference=reference, reason="x")
    db.session.commit()
    return posting.balance


def save(cast: Cast, **changes: bool | int | None) -> None:
    settings.save(cast.tenant.id, **changes)
    db.session.commit()


def floor(cast: Cast, who: int = ANN) -> int:
    assert ledger.check(cast.tenant.id).mismatches == []
    return ledger.standing(cast.tenant.id, who).floor


def test_without_settings_nothing_is_allowed(cast: Cast):
    assert settings.get(cast.tenant.id) == Settings(False, 0, False, None)


def test_settings_are_kept_and_logged(cast: Cast):
    save(cast, transfers=True, transfer_daily=50)
    save(cast, auto_create=True)
    save(cast, auto_create=True)
    assert settings.get(cast.tenant.id) == Settings(True, 0, True, 50)
    assert settings.get(cast.other_tenant.id) == Settings()
    events = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    assert [(each.action, each.changes) for each in events] == [
        ("credits.settings_changed", {"transfers": [False, True], "transfer_daily": [None, 50]}),
        ("credits.settings_changed", {"auto_create": [False, True]}),
    ]


@pytest.mark.parametrize("wrong", [{"overdraft": -1}, {"overdraft": 10**12 + 1}, {"transfer_daily": 0}])
def test_what_makes_no_sense_is_refused(cast: Cast, wrong: dict[str, int]):
    with pytest.raises(BadInput):
        settings.save(cast.tenant.id, **wrong)


def test_an_overdraft_is_for_old_and_new_accounts(cast: Cast):
    post(cast, 10, "a")
    save(cast, overdraft=50)
    assert post(cast, -60, "b") == -50
    with pytest.raises(InsufficientCredits):
        post(cast, -1, "c")
    assert post(cast, -50, "d", who=BEN) == -50
    with pytest.raises(InsufficientCredits):
        post(cast, -51, "e", who=3)
    results = ledger.post_many(
        cast.tenant.id, [NewPosting(4, amount, "shop", f"m{amount}", "x") for amount in (-30, -21)]
    )
    assert [getattr(each, "balance", None) for each in results] == [-30, None]


def test_a_smaller_overdraft_lets_debts_stand_but_not_grow(cast: Cast):
    save(cast, overdraft=50)
    post(cast, -40, "a")
    save(cast, overdraft=10)
    assert floor(cast) == -40
    with pytest.raises(InsufficientCredits):
        post(cast, -1, "b")
    post(cast, 15, "c")
    nightly.run(cast.tenant.id)
    assert floor(cast) == -25
    post(cast, 100, "d")
    nightly.run(cast.tenant.id)
    assert (floor(cast), post(cast, -85, "e")) == (-10, -10)


def test_another_tenants_accounts_keep_their_floors(cast: Cast):
    ledger.post(cast.other_tenant.id, ANN, 5, source="shop", reference="a", reason="x")
    save(cast, overdraft=50)
    assert ledger.standing(cast.other_tenant.id, ANN).floor == 0
