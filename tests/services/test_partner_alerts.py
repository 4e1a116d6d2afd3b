"""What the boss is told about partners: once, and once more when all is well."""

from datetime import timedelta

import pytest

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.domain.credit_sync import PartnerState
from app.domain.shop_alerts import AlertKind
from app.models import CreditPartner, ShopAlert
from app.services import partner_alerts, shop_alerts
from app.services.credit_sync import letters, partners
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.services.test_credit_sync import create, letter
from tests.syncing import post


@pytest.fixture
def partner(cast: Cast) -> CreditPartner:
    return create(cast).partner


def sweep() -> list[str]:
    """The open alerts afterwards."""
    with transaction():
        partner_alerts.sweep()
    query = db.session.query(ShopAlert).filter(ShopAlert.settled_at.is_(None)).order_by(ShopAlert.id)
    return [alert.kind for alert in query]


def test_half_an_hour_of_failures_is_told_once(partner: CreditPartner, time: Clockwork):
    partner.failing_since = clock.now()
    db.session.commit()
    time.forward(minutes=29)
    assert sweep() == []
    time.forward(minutes=2)
    assert sweep() == [AlertKind.PARTNER_FAILING]
    time.forward(hours=5)
    assert sweep() == [AlertKind.PARTNER_FAILING]
    assert db.session.query(ShopAlert).count() == 1


def test_well_again_is_told_once_and_settles_itself(partner: CreditPartner, time: Clockwork):
    partner.failing_since = clock.now() - timedelta(hours=1)
    db.session.commit()
    sweep()
    time.forward(minutes=1)
    partner.failing_since, partner.sent_at = None, clock.now()
    db.session.commit()
    assert sweep() == [AlertKind.PARTNER_WELL]
    assert sweep() == [AlertKind.PARTNER_WELL]
    time.forward(days=2)
    assert sweep() == []


def test_a_second_outage_is_news_again(partner: CreditPartner, time: Clockwork):
    test_well_again_is_told_once_and_settles_itself(partner, time)
    partner.failing_since = clock.now() - timedelta(hours=1)
    db.session.commit()
    assert sweep() == [AlertKind.PARTNER_FAILING]


def test_410_is_told_at_once_and_over_when_it_is_resumed(partner: CreditPartner):
    partner.state = PartnerState.GONE
    db.session.commit()
    assert sweep() == [AlertKind.PARTNER_GONE]
    with transaction():
        partners.resume(partner.id)
    assert sweep() == []


def test_letters_are_told_once_until_they_are_settled(cast: Cast, partner: CreditPartner):
    dead = letter(cast, partner.id, post(cast.tenant, "r1"))
    assert sweep() == [AlertKind.PARTNER_LETTERS]
    letter(cast, partner.id, post(cast.tenant, "r2"))
    assert sweep() == [AlertKind.PARTNER_LETTERS]
    assert db.session.query(ShopAlert).count() == 1
    with transaction():
        letters.replay(partner.id, [dead.id])
    assert sweep() == []


def test_what_the_boss_settled_is_not_told_again(cast: Cast, partner: CreditPartner):
    letter(cast, partner.id, post(cast.tenant, "r1"))
    sweep()
    with transaction():
        shop_alerts.settle(db.session.query(ShopAlert).one().id, "Owner")
    assert sweep() == []


def test_a_removed_partner_is_no_news(cast: Cast, partner: CreditPartner):
    letter(cast, partner.id, post(cast.tenant, "r1"))
    partner.failing_since = clock.now() - timedelta(hours=1)
    db.session.commit()
    assert len(sweep()) == 2
    with transaction():
        partners.remove(partner.id)
    assert sweep() == []


def test_the_words_name_the_partner_and_lead_to_its_page(cast: Cast, partner: CreditPartner):
    partner.state = PartnerState.GONE
    db.session.commit()
    sweep()
    alert = db.session.query(ShopAlert).one()
    assert "“Shop”" in shop_alerts.words(alert, "en")
    assert shop_alerts.path(alert) == "/admin/credit-partners/"
