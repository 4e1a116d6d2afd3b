"""What reports may cost a day: never more than the caps, however many ask at once."""

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.services import spending
from app.services.spending import Caps, Reservation, SpendingCap
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.racing import at_once

LIN, MEI = 71, 72


def reserve(cast: Cast, who: int, cost: int, tenant: int | None = 100, buyer: int | None = 50) -> Reservation:
    with transaction():
        return spending.reserve(cast.tenant.id, who, cost, Caps(tenant, buyer))


def spent(who: int = spending.EVERYBODY) -> int | None:
    found = text("SELECT cost_micro FROM spending WHERE telegram_id = :who ORDER BY day DESC LIMIT 1")
    return db.session.execute(found, {"who": who}).scalar()


def test_a_buyer_stops_at_his_cap_and_others_go_on(cast: Cast):
    reserve(cast, LIN, 50)
    with pytest.raises(SpendingCap) as stopped:
        reserve(cast, LIN, 1)
    assert stopped.value.whose == "buyer"
    reserve(cast, MEI, 30)
    assert (spent(), spent(LIN), spent(MEI)) == (80, 50, 30)


def test_a_tenant_stops_at_his_cap_and_nothing_of_a_refusal_is_counted(cast: Cast):
    reserve(cast, LIN, 50)
    reserve(cast, MEI, 45)
    with pytest.raises(SpendingCap) as stopped:
        reserve(cast, 73, 6)
    assert stopped.value.whose == "tenant"
    assert (spent(), spent(73)) == (95, None)


def test_what_a_call_really_cost_replaces_what_was_reserved(cast: Cast):
    reservation = reserve(cast, LIN, 40)
    with transaction():
        spending.settle(reservation, 12)
    assert (spent(), spent(LIN)) == (12, 12)


def test_a_tenants_own_key_has_no_cap_unless_he_set_one_for_buyers(cast: Cast):
    reserve(cast, LIN, 10**9, tenant=None, buyer=None)
    assert spent() is None
    with pytest.raises(SpendingCap):
        reserve(cast, LIN, 51, tenant=None, buyer=50)


def test_the_next_day_begins_at_nothing(cast: Cast, time: Clockwork):
    reserve(cast, LIN, 50)
    time.forward(days=1)
    reserve(cast, LIN, 50)
    assert spent() == 50


def test_eight_at_once_never_pass_the_cap(app: Flask, cast: Cast):
    tenant_id = cast.tenant.id
    acts = [lambda who=who: spending.reserve(tenant_id, who, 30, Caps(100, 50)) for who in range(1, 9)]
    ends = at_once(*acts)
    assert ends.count("spending_cap") == 5
    assert spent() == 90
