"""`flask orders show`."""

import json

import pytest
from click.testing import Result
from flask import Flask

from app.core.queue import transaction
from app.core.tenancy import enter_scope
from app.domain.orders import Actor, OrderState
from app.domain.products import ProductKind
from app.models import Order
from app.services.orders import lookup, moves
from tests.cast import Cast
from tests.shopping import BUYER, a_product, an_order


@pytest.fixture
def order(cast: Cast) -> Order:
    order = an_order(a_product(cast.tenant, kind=ProductKind.MANUAL))
    with transaction():
        moves.created(lookup.get(order.id, lock=True), Actor.BUYER)
        moves.move(
            order, OrderState.PAID, actor=Actor.STAFF, why="paid", name="Owner", details={"by": "hand"}
        )
    return order


def run(app: Flask, *words: str) -> Result:
    enter_scope(None)
    result = app.test_cli_runner().invoke(args=["orders", "show", *words])
    enter_scope("*")
    return result


def test_an_order_is_shown_with_its_history(app: Flask, order: Order):
    found = json.loads(run(app, order.code.lower(), "--json").stdout)
    assert (found["code"], found["state"], found["amount"], found["currency"]) == (
        order.code,
        "paid",
        "19.90",
        "USD",
    )
    assert (found["product"], found["buyer"], found["payments"]) == ("Card", BUYER, [])
    assert [(line["from"], line["to"]) for line in found["history"]] == [
        (None, "pending"),
        ("pending", "paid"),
    ]
    last = found["history"][-1]
    assert (last["by"], last["name"], last["why"], last["details"]) == (
        "staff",
        "Owner",
        "paid",
        {"by": "hand"},
    )


def test_people_read_it_in_lines(app: Flask, order: Order):
    said = run(app, order.code).stdout
    assert f"Order {order.code}" in said
    assert "pending -> paid" in said
    assert "staff Owner" in said


def test_an_unknown_code_is_said_clearly(app: Flask, order: Order):
    result = run(app, "NOSUCH2345")
    assert (result.exit_code, "no such order" in result.output) == (1, True)
