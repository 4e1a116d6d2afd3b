"""`flask demo create`: the boss, his bot and a lottery that a newcomer finds at once; as often as one likes."""

import json

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from app.core.db import db
from app.core.queue import transaction
from app.core.tenancy import enter_scope
from app.domain.products import ProductKind
from app.models import Lottery
from app.services import lotteries
from app.services.products import lookup as products
from tests.sandbox_client import Json, Sandbox


@pytest.fixture
def shop(telegram: Sandbox) -> Json:
    return telegram.create_bot("shop_bot", "Shop")


def run(app: Flask, *words: str) -> Result:
    enter_scope(None)
    result = app.test_cli_runner().invoke(args=["demo", "create", *words])
    enter_scope("*")
    return result


def created(app: Flask, shop: Json) -> Json:
    return json.loads(run(app, "--token", shop["token"], "--json").stdout)


def test_a_newcomer_finds_an_open_lottery(app: Flask, shop: Json):
    demo = created(app, shop)
    page = lotteries.list_open(demo["tenant_id"])
    assert [lottery.code for lottery in page.lotteries] == [demo["lottery"]]
    prizes = lotteries.prizes(page.lotteries[0].id)
    assert [prize.credits for prize in prizes] == [None, None, 50]
    assert (page.lotteries[0].closes_at - page.lotteries[0].created_at).days >= 6


def test_again_is_the_same_lottery(app: Flask, shop: Json):
    assert created(app, shop) == created(app, shop)
    assert db.session.scalar(select(func.count()).select_from(Lottery)) == 1


def test_when_it_is_over_there_is_a_new_one(app: Flask, shop: Json):
    first = created(app, shop)["lottery"]
    with transaction():
        lotteries.close(lotteries.get_by_code(first).id)
    assert created(app, shop)["lottery"] not in {first, None}


def test_without_a_bot_there_is_none(app: Flask):
    assert json.loads(run(app, "--json").stdout)["lottery"] is None
    assert "Log in as" in run(app).stdout


def test_he_sells_one_of_each_kind(app: Flask, shop: Json):
    demo = created(app, shop)
    found = products.list_all(demo["tenant_id"]).products
    assert [product.code for product in found] == demo["products"]
    assert {product.kind for product in found} == set(ProductKind)
    assert created(app, shop)["products"] == demo["products"]
