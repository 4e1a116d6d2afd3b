"""A dispute about delivered credits on the order's page: what is held, what was spent, and how the boss ends it."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.db import db
from app.core.queue import transaction
from app.domain.orders import OrderState
from app.models import CreditHold, Order
from app.services import credits as ledger
from app.services.payments import disputes
from tests.cast import Cast, sign_in
from tests.fulfilling import a_credit_product, fulfil, paid, reread
from tests.order_pages import actions
from tests.shopping import BUYER

DETAILS = "/admin/orders/details/"
ACTS = "/admin/order-acts/"
EN = {"Accept-Language": "en"}


@pytest.fixture
def disputed(app: Flask, cast: Cast) -> Order:
    """2,000 credits were delivered and 500 of them spent when the buyer went to his bank."""
    order = paid(a_credit_product(cast.tenant, options={"credits": 2000}), BUYER, state=OrderState.PAID)
    fulfil(app)
    with transaction():
        ledger.post(order.tenant_id, BUYER, -500, source="test", reference="cup", reason="a cup")
        disputes.stop(order.id, "NOTIFICATION_OF_CHARGEBACK", "t1")
    return reread(order)


def page_of(client: FlaskClient, order: Order) -> str:
    return client.get(DETAILS, query_string={"id": order.id}, headers=EN).text


def end(client: FlaskClient, order: Order, how: str) -> None:
    client.post(f"{ACTS}dispute-{how}/", data={"id": order.id})


def test_the_page_says_what_is_held_and_what_was_spent(app: Flask, cast: Cast, disputed: Order):
    page = page_of(sign_in(app, cast.owner), disputed)
    assert "1,500 credits are held until the dispute ends." in page
    assert "500 of the bought ones were spent before." in page
    assert "1,500 held · 500 were spent already" in page
    assert "order.credits_held" in actions()


def test_a_dispute_that_is_won_frees_them(app: Flask, cast: Cast, disputed: Order):
    boss = sign_in(app, cast.owner)
    for _ in range(2):
        end(boss, disputed, "won")
    assert ledger.standing(cast.tenant.id, BUYER).available == 1500
    assert actions().count("order.dispute_won") == 1
    page = page_of(boss, disputed)
    assert "1,500 released" in page
    assert "dispute-won" not in page


def test_a_dispute_that_is_lost_takes_them(app: Flask, cast: Cast, disputed: Order):
    boss = sign_in(app, cast.owner)
    end(boss, disputed, "lost")
    assert ledger.balance(cast.tenant.id, BUYER) == 0
    assert actions()[-1] == "order.dispute_lost"
    assert "1,500 taken · 500 were spent already" in page_of(boss, disputed)


def test_the_hold_ends_on_the_orders_page_alone(app: Flask, cast: Cast, disputed: Order):
    boss, here = sign_in(app, cast.owner), f"{DETAILS}?id={disputed.id}"
    hold = db.session.scalars(select(CreditHold)).one()
    listed = boss.get("/admin/credit-holds/", headers=EN).text
    account = boss.get("/admin/credits/details/", query_string={"id": hold.account_id}, headers=EN).text
    assert "When the dispute ends" in listed
    assert "Held until a dispute ends" in account
    assert all(here in page and "/void/" not in page for page in (listed, account))
    answer = boss.post("/admin/credit-holds/void/", query_string={"id": hold.id}, data={"reason": "why not"})
    assert answer.location.endswith(here)
    assert ledger.standing(cast.tenant.id, BUYER).held == 1500


@pytest.mark.parametrize(("who", "answer"), [("staff", 403), ("stranger", 404)])
def test_only_who_runs_the_shop_ends_it(app: Flask, cast: Cast, disputed: Order, who: str, answer: int):
    client = sign_in(app, getattr(cast, who))
    for how in ("won", "lost"):
        assert client.post(f"{ACTS}dispute-{how}/", data={"id": disputed.id}).status_code == answer
    assert "dispute-won" not in page_of(client, disputed)
    assert ledger.standing(cast.tenant.id, BUYER).held == 1500
