"""From the ledger to the partner that the sandbox plays, over real HTTP."""

from dataclasses import dataclass

import pytest

from app.core.db import db
from app.core.queue import transaction
from app.core.safe_url import read_origin
from app.core.settings import get_settings
from app.domain.credit_sync import PartnerState
from app.models import CreditPartner
from app.services.credit_sync import partners
from tasks import credits as tasks
from tests.cast import Cast
from tests.sandbox_client import Sandbox
from tests.syncing import ANN, BEN, post


@dataclass
class Mall:
    """The partner in the sandbox and its row here."""

    sandbox: Sandbox
    id: int

    @property
    def row(self) -> CreditPartner:
        db.session.rollback()
        return db.session.get_one(CreditPartner, self.id, populate_existing=True)

    def turn(self) -> dict[str, object]:
        """Sends what there is to send, whatever it waited for; what the partner has then."""
        with transaction():
            partners.try_now(self.id)
        while tasks.send_one(self.id):
            pass
        return self.sandbox.partner("mall")


@pytest.fixture
def mall(cast: Cast, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Mall:
    monkeypatch.setattr(get_settings(), "outbound_origins", [read_origin(telegram.url)])
    with transaction():
        new = partners.create(cast.tenant.id, "Mall", telegram.partner_url("mall"), start="beginning")
    telegram.partner_keys("mall", new.key_id, new.secret_key)
    return Mall(telegram, new.partner.id)


def test_balances_are_the_same_on_both_sides(cast: Cast, mall: Mall):
    post(cast.tenant, "r1", ANN, 100)
    post(cast.tenant, "r2", BEN, 5)
    post(cast.tenant, "r3", ANN, -30)
    seen = mall.turn()
    assert seen["balances"] == {str(ANN): 70, str(BEN): 5}
    assert (seen["late"], seen["conflicts"], seen["copies"]) == ([], [], {})


@pytest.mark.parametrize("mode", ["cut", "lost", "503", "429", "html", "other", "half", "huge", "302"])
def test_after_a_bad_answer_everything_comes_in_order(cast: Cast, mall: Mall, mode: str):
    for number in range(3):
        post(cast.tenant, f"r{number}")
    mall.sandbox.partner_knobs(mode, who="mall", times=1, location="http://127.0.0.1:1/private")
    mall.turn()
    post(cast.tenant, "r3", amount=-7)
    seen = mall.turn()
    assert [change["reference"] for change in seen["changes"]] == ["r0", "r1", "r2", "r3"]
    assert (seen["balances"], seen["late"], seen["conflicts"]) == ({str(ANN): 23}, [], [])
    assert bool(seen["copies"]) == (mode in {"lost", "other"})


def test_a_new_secret_is_taken_before_and_after_the_partner_hears_of_it(cast: Cast, mall: Mall):
    with transaction():
        new = partners.new_secret(mall.id)
    post(cast.tenant, "r1")
    assert len(mall.turn()["changes"]) == 1
    mall.sandbox.partner_keys("mall", new.key_id, new.secret_key)
    post(cast.tenant, "r2")
    assert len(mall.turn()["changes"]) == 2


def test_a_partner_that_is_gone_is_left_alone(cast: Cast, mall: Mall):
    mall.sandbox.partner_knobs("410")
    post(cast.tenant, "r1")
    tasks.send_one(mall.id)
    assert mall.row.state is PartnerState.GONE
