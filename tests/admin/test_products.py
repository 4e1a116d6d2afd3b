"""The boss's products: the list, the form, one product; who may do what."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.db import db
from app.core.queue import transaction
from app.domain.products import ProductKind, ProductState
from app.domain.shop_alerts import AlertKind, path_of
from app.models import AuditEvent, Bot, Product
from app.services.products import stock
from tests.cast import Cast, sign_in
from tests.lottery_tools import a_bot
from tests.shopping import a_product, an_order, codes

LIST = "/admin/products/"
FORM = "/admin/product-form/"
ACTS = ("put-on-sale", "take-off", "archive")
EVIL = "<script>alert(1)</script>"
TYPED = {
    "preset": "manual",
    "name": "Consultation",
    "description": "Half an hour",
    "price": "49.00",
    "currency": "USD",
    "stars": "2450",
    "providers": ["stars"],
    "commission_kind": "none",
    "stock_was": "",
}


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return a_bot(cast.tenant)


@pytest.fixture
def boss(app: Flask, cast: Cast, bot: Bot) -> FlaskClient:
    return sign_in(app, cast.owner)


def only() -> Product:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Product)).one()


def events() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def edited(product: Product, **fields: object) -> dict[str, object]:
    """What the form of a product sends."""
    return TYPED | {"id": product.id, "version": product.version} | fields


# --- the list
def test_an_empty_shop_says_what_to_do(boss: FlaskClient):
    page = boss.get(LIST).text
    assert all(f"preset={preset}" in page for preset in ("bazi", "codes", "credits", "manual"))


def test_without_a_bot_the_bot_comes_first(app: Flask, cast: Cast):
    assert "/admin/bots/new/" in sign_in(app, cast.owner).get(LIST).text


def test_the_list_shows_price_stock_and_sales(boss: FlaskClient, cast: Cast):
    product = a_product(cast.tenant, name="Gold card", stars=990, items=codes(9))
    with transaction():
        an_order(product, state="paid", paid_at=product.created_at)
    page = boss.get(LIST).text
    assert all(words in page for words in ("Gold card", "19.90", "990", "⭐"))
    assert re.findall(r'data-label="[^"]+">(\d+)</td>', page) == ["9", "1", "1"]


def test_refunded_orders_do_not_count_as_sold(boss: FlaskClient, cast: Cast):
    product = a_product(cast.tenant)
    an_order(product, state="refunded", paid_at=product.created_at)
    page = boss.get(f"{LIST}live/").text
    assert re.findall(r'class="num" data-label="[^"]+">(\d+)</td>', page) == ["0", "0"]


def test_archived_products_stand_in_a_tab_of_their_own(boss: FlaskClient, cast: Cast):
    a_product(cast.tenant, name="Old card", state=ProductState.ARCHIVED)
    assert "Old card" not in boss.get(LIST).text
    assert "Old card" in boss.get(f"{LIST}?tab=archived").text


def test_products_are_found_by_name_and_code(boss: FlaskClient, cast: Cast):
    product = a_product(cast.tenant, name="100% card")
    a_product(cast.tenant, name="Other")
    for words in ("100%", product.code.lower()):
        page = boss.get(LIST, query_string={"search": words}).text
        assert ("100% card" in page, "Other" in page) == (True, False)


# --- making one
def test_a_preset_is_on_sale_with_two_presses(boss: FlaskClient):
    assert boss.get(f"{FORM}?preset=manual").status_code == 200
    answer = boss.post(FORM, data=TYPED | {"then": "sale"})
    assert answer.status_code == 303, answer.text
    product = only()
    assert (product.state, product.price_minor, product.stars) == (ProductState.ON_SALE, 4900, 2450)
    assert events() == ["product.created", "product.put_on_sale"]


@pytest.mark.parametrize("preset", ["bazi", "codes", "credits", "manual"])
def test_every_preset_can_be_sent_as_it_stands(boss: FlaskClient, preset: str):
    page = boss.get(f"{FORM}?preset={preset}").text.partition("data-product-form")[2].partition("</form>")[0]
    typed = {
        name: value
        for name, value in re.findall(r'<input[^>]*name="([a-z_0-9-]+)"[^>]*value="([^"]*)"', page)
        if "__index__" not in name and name not in {"providers", "commission_kind", "chart", "search"}
    }
    typed |= {"providers": ["stars"], "then": "sale", "currency": "USD", "chart": "auto"}
    typed.pop("csrf_token", None)
    answer = boss.post(FORM, data=typed)
    assert answer.status_code == 303, re.findall(r"field-error.*?</div>", answer.text, re.DOTALL)
    assert only().state is ProductState.ON_SALE


def test_a_draft_is_not_on_sale(boss: FlaskClient):
    boss.post(FORM, data=TYPED | {"then": "draft"})
    assert only().state is ProductState.DRAFT


def test_everything_that_is_wrong_is_said_at_once_beside_its_field(boss: FlaskClient):
    wrong = TYPED | {"price": "1.999", "stars": "", "commission_kind": "percent", "commission_first": "x"}
    page = boss.post(FORM, data=wrong).text
    assert page.count('class="field-error"') == 3
    assert 'id="price-error"' in page
    assert 'id="stars-error"' in page
    assert 'id="commission_first-error"' in page
    assert db.session.scalar(select(Product.id)) is None


def test_questions_keep_their_order_and_their_keys(boss: FlaskClient):
    rows = {
        "questions-0-label": "Size?",
        "questions-0-kind": "choice",
        "questions-0-choices": "S\nM\nL",
        "questions-0-required": "y",
        "questions-1-label": "Wishes?",
        "questions-1-kind": "text",
        "questions-2-label": "",
        "questions-2-kind": "text",
    }
    boss.post(FORM, data=TYPED | rows)
    product = only()
    asked = [(one["key"], one["label"], one["required"]) for one in product.fields]
    assert asked == [("q1", "Size?", True), ("q2", "Wishes?", False)]
    turned = {
        "questions-0-key": "q2",
        "questions-0-label": "Any wishes?",
        "questions-0-kind": "text",
        "questions-1-key": "q1",
        "questions-1-label": "Size?",
        "questions-1-kind": "choice",
        "questions-1-choices": "S, M",
    }
    boss.post(f"{FORM}edit/", data=edited(product, **turned))
    assert [(one["key"], one["label"]) for one in only().fields] == [("q2", "Any wishes?"), ("q1", "Size?")]


def test_a_question_that_is_wrong_says_so_in_its_row(boss: FlaskClient):
    rows = {"questions-0-label": "Size?", "questions-0-kind": "choice", "questions-0-choices": "S"}
    assert 'id="questions-0-choices-error"' in boss.post(FORM, data=TYPED | rows).text


def test_a_way_that_is_not_set_up_cannot_be_the_only_one(boss: FlaskClient):
    page = boss.post(FORM, data=TYPED | {"providers": ["pingpong"], "then": "sale"})
    assert page.status_code == 200
    assert "note-bad" in page.text
    assert db.session.scalar(select(Product.id)) is None


def test_the_preview_shows_the_card_and_the_commission(boss: FlaskClient):
    typed = TYPED | {"name": EVIL, "price": "19.90", "commission_kind": "percent", "commission_first": "10"}
    page = boss.post(f"{FORM}preview/", data=typed).text
    assert EVIL not in page
    assert "&lt;script&gt;" in page
    assert "1.99" in page
    assert "17.91" in page


def test_the_preview_bears_with_what_is_half_typed(boss: FlaskClient):
    typed = {"preset": "manual", "price": "1.", "currency": "??", "commission_kind": "fixed"}
    assert boss.post(f"{FORM}preview/", data=typed).status_code == 200


# --- changing one
def test_two_who_edit_at_once_notice(boss: FlaskClient, cast: Cast):
    product = a_product(cast.tenant, kind=ProductKind.MANUAL)
    typed = edited(product, name="Mine")
    assert boss.post(f"{FORM}edit/", data=typed).status_code == 303
    answer = boss.post(f"{FORM}edit/", data=typed | {"name": "Theirs"})
    assert answer.status_code == 200
    assert "note-bad" in answer.text
    assert only().name == "Mine"


def test_sales_between_opening_and_saving_are_not_undone(boss: FlaskClient, cast: Cast):
    product = a_product(cast.tenant, kind=ProductKind.MANUAL, stock=10)
    order = an_order(product)
    with transaction():
        stock.reserve(product, order.id)
    boss.post(f"{FORM}edit/", data=edited(product, stock="10", stock_was="10"))
    assert only().stock == 9
    boss.post(f"{FORM}edit/", data=edited(only(), stock="20", stock_was="9"))
    assert only().stock == 20


def test_orders_keep_what_they_were_made_with(boss: FlaskClient, cast: Cast):
    product = a_product(cast.tenant, kind=ProductKind.MANUAL)
    order = an_order(product)
    boss.post(f"{FORM}edit/", data=edited(product, name="New name", price="1.00"))
    db.session.refresh(order)
    assert (order.product["name"], order.amount_minor) == ("Card", 1990)


def test_a_product_can_be_copied(boss: FlaskClient, cast: Cast):
    product = a_product(cast.tenant, name="Gold card", kind=ProductKind.MANUAL)
    assert 'value="Gold card"' in boss.get(f"{FORM}?copy={product.id}").text


def test_an_unknown_field_is_refused(boss: FlaskClient):
    assert boss.post(FORM, data=TYPED | {"tenant_id": "1"}).status_code == 400


# --- one product
def test_the_page_has_link_and_qr_code(boss: FlaskClient, cast: Cast, bot: Bot):
    product = a_product(cast.tenant, items=codes(3))
    page = boss.get(f"{LIST}details/?id={product.id}").text
    assert f"https://t.me/{bot.username}?start=p_{product.code}" in page
    assert "qr-code" in page


def test_buttons_put_on_sale_take_off_and_archive(boss: FlaskClient, cast: Cast):
    product = a_product(cast.tenant, state=ProductState.DRAFT, providers=["stars"], stars=5)
    for act, state in (
        ("put-on-sale", ProductState.ON_SALE),
        ("take-off", ProductState.OFF_SALE),
        ("archive", ProductState.ARCHIVED),
        ("put-on-sale", ProductState.ARCHIVED),
    ):
        assert boss.post(f"/admin/product-acts/{act}/", data={"id": product.id}).status_code == 303
        assert only().state is state
    assert events() == ["product.put_on_sale", "product.taken_off_sale", "product.archived"]


def test_an_archived_product_is_not_changed(boss: FlaskClient, cast: Cast):
    product = a_product(cast.tenant, kind=ProductKind.MANUAL, state=ProductState.ARCHIVED)
    assert boss.post(f"{FORM}edit/", data=edited(product, name="New")).status_code == 303
    assert only().name == "Card"


# --- news
@pytest.mark.parametrize("kind", list(AlertKind))
def test_news_lead_to_a_page_that_there_is(boss: FlaskClient, cast: Cast, kind: AlertKind):
    product = a_product(cast.tenant)
    order = an_order(product)
    for order_id in (order.id, None):
        path = path_of(kind, order_id=order_id, product_id=product.id)
        assert boss.get(path).status_code == 200, path


# --- who may
def test_staff_looks_and_does_not_change(app: Flask, cast: Cast, bot: Bot):
    product = a_product(cast.tenant)
    staff = sign_in(app, cast.staff)
    page = staff.get(f"{LIST}details/?id={product.id}")
    assert page.status_code == 200
    assert "product-acts" not in page.text
    assert staff.get(f"{FORM}?preset=bazi").status_code == 403
    for act in ACTS:
        assert staff.post(f"/admin/product-acts/{act}/", data={"id": product.id}).status_code == 403


def test_a_stranger_finds_nothing(app: Flask, cast: Cast, bot: Bot):
    product = a_product(cast.tenant, name="Secret card")
    stranger = sign_in(app, cast.stranger)
    assert "Secret card" not in stranger.get(LIST).text
    for path in (f"{LIST}details/", f"{FORM}edit/", "/admin/product-stock/"):
        assert stranger.get(f"{path}?id={product.id}").status_code == 404
    assert stranger.get(f"{FORM}?copy={product.id}").status_code == 404
    for act in ACTS:
        assert stranger.post(f"/admin/product-acts/{act}/", data={"id": product.id}).status_code == 404


def test_another_tenants_bot_and_picture_are_not_taken(boss: FlaskClient, cast: Cast):
    foreign = a_bot(cast.other_tenant, 9)
    boss.post(FORM, data=TYPED | {"bot_id": str(foreign.id), "picture": "999"})
    assert db.session.scalar(select(Product.id)) is None
