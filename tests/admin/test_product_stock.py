"""The stock page: adding, hiding, showing, removing; who may."""

from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from app.core.db import db
from app.core.queue import transaction
from app.domain.products import MAX_FILE, MAX_STOCK_ROWS, ProductKind, ProductState, StockState
from app.models import AuditEvent, Product, StockItem
from app.services.products import stock
from tests.cast import Cast, sign_in
from tests.shopping import a_product, an_order, codes

PAGE = "/admin/product-stock/"


@pytest.fixture
def boss(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


@pytest.fixture
def product(cast: Cast) -> Product:
    return a_product(cast.tenant)


def add(client: FlaskClient, product: Product, lines: str = "", *uploads: tuple[str, bytes]):
    files = [FileStorage(BytesIO(data), filename=name) for name, data in uploads]
    # Encoded here, since the client would leave a file on the disk open.
    boundary, body = encode_multipart(MultiDict({"id": str(product.id), "lines": lines, "files": files}))
    content_type = f"multipart/form-data; boundary={boundary}"
    answer = client.post(f"{PAGE}add/", data=body, content_type=content_type)
    return client.get(answer.location) if answer.status_code == 303 else answer


def items() -> list[StockItem]:
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(StockItem).order_by(StockItem.id)))


def seen() -> list[tuple[str, object]]:
    db.session.rollback()
    rows = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id))
    return [(row.action, row.changes) for row in rows]


def test_pasted_lines_and_files_are_added_and_repeats_are_named(boss: FlaskClient, product: Product):
    page = add(boss, product, "A-1\n\nhttps://example.com/1\nA-1\n", ("书.pdf", b"%PDF"), ("b.pdf", b"%PDF"))
    assert [item.kind.value for item in items()] == ["code", "link", "file"]
    assert "4, b.pdf" in page.text
    assert "书.pdf" in page.text


def test_the_page_and_the_log_hide_what_is_in_the_stock(boss: FlaskClient, product: Product):
    assert "SECRET-CODE" not in add(boss, product, "SECRET-CODE").text
    assert "SECRET-CODE" not in str(seen())


def test_who_has_an_item_shown_is_noted(boss: FlaskClient, product: Product):
    add(boss, product, "SECRET-CODE")
    (item,) = items()
    page = boss.post(f"{PAGE}reveal/", data={"id": product.id, "item": item.id})
    assert "SECRET-CODE" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert seen()[-1] == ("product.stock_shown", {"item": item.id})


def test_what_is_in_a_code_is_never_markup(boss: FlaskClient, product: Product):
    add(boss, product, "<script>alert(1)</script>")
    page = boss.post(f"{PAGE}reveal/", data={"id": product.id, "item": items()[0].id})
    assert "<script>alert" not in page.text


def test_a_file_is_downloaded_and_noted(boss: FlaskClient, product: Product):
    add(boss, product, "", ("书.html", b"<b>"))
    answer = boss.get(f"{PAGE}file/?id={product.id}&item={items()[0].id}")
    assert answer.data == b"<b>"
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert seen()[-1][0] == "product.stock_shown"


def test_large_files_are_taken_and_larger_ones_refused_in_words(boss: FlaskClient, product: Product):
    add(boss, product, "", ("big.bin", b"x" * MAX_FILE))
    assert len(items()) == 1
    page = add(boss, product, "KEPT-LINE", ("bigger.bin", b"x" * (MAX_FILE + 1)))
    assert page.status_code == 200
    assert "KEPT-LINE" in page.text
    assert len(items()) == 1


def test_too_many_lines_are_refused_and_stay_in_the_form(boss: FlaskClient, product: Product):
    page = add(boss, product, "\n".join(f"A-{number}" for number in range(MAX_STOCK_ROWS + 1)))
    assert "A-77" in page.text
    assert items() == []


def test_a_free_item_is_removed_and_a_sold_one_is_not(boss: FlaskClient, cast: Cast):
    product = a_product(cast.tenant, items=codes(2))
    with transaction():
        taken = stock.take(an_order(product))
    free = next(item.id for item in items() if item.id != taken.item_id)
    for item_id in (free, taken.item_id):
        boss.post(f"{PAGE}remove/", data={"id": product.id, "item": item_id})
    assert [item.state for item in items()] == [StockState.SOLD]


def test_all_free_items_go_together(boss: FlaskClient, cast: Cast):
    product = a_product(cast.tenant, items=codes(3))
    order = an_order(product)
    with transaction():
        stock.reserve(product, order.id)
    boss.post(f"{PAGE}remove-free/", data={"id": product.id})
    assert [item.state for item in items()] == [StockState.RESERVED]
    assert seen()[-1] == ("product.stock_removed", {"removed": 2})


def test_the_page_says_who_has_what(boss: FlaskClient, cast: Cast):
    product = a_product(cast.tenant, items=codes(1))
    order = an_order(product, telegram_id=4711)
    with transaction():
        stock.take(order)
    page = boss.get(f"{PAGE}?id={product.id}&state=sold").text
    assert "#4711" in page
    assert order.code in page


@pytest.mark.parametrize("query", ["&state=free", "&state=nonsense", "&page=5", "&page=x"])
def test_hostile_addresses_show_a_page(boss: FlaskClient, product: Product, query: str):
    assert boss.get(f"{PAGE}?id={product.id}{query}").status_code == 200


def test_items_of_another_product_are_not_found(boss: FlaskClient, cast: Cast, product: Product):
    a_product(cast.tenant, items=codes(1))
    (item,) = items()
    data = {"id": product.id, "item": item.id}
    assert boss.post(f"{PAGE}reveal/", data=data).status_code == 404
    assert boss.post(f"{PAGE}remove/", data=data).status_code == 404
    assert boss.get(f"{PAGE}file/", query_string=data).status_code == 404


def test_other_kinds_have_no_such_page(boss: FlaskClient, cast: Cast):
    product = a_product(cast.tenant, kind=ProductKind.MANUAL)
    assert boss.get(f"{PAGE}?id={product.id}").status_code == 404


def test_an_archived_products_stock_is_not_filled(boss: FlaskClient, cast: Cast):
    product = a_product(cast.tenant, state=ProductState.ARCHIVED)
    add(boss, product, "A-1")
    assert items() == []


def test_staff_sees_the_list_and_nothing_in_it(app: Flask, cast: Cast):
    product = a_product(cast.tenant, items=codes(1))
    staff, (item,) = sign_in(app, cast.staff), items()
    page = staff.get(f"{PAGE}?id={product.id}")
    assert page.status_code == 200
    assert "reveal" not in page.text
    data = {"id": product.id, "item": item.id}
    for act in ("add", "remove", "remove-free", "reveal"):
        assert staff.post(f"{PAGE}{act}/", data=data).status_code == 403
    assert staff.get(f"{PAGE}file/", query_string=data).status_code == 403


def test_a_stranger_finds_nothing(app: Flask, cast: Cast):
    product = a_product(cast.tenant, items=codes(1))
    stranger, (item,) = sign_in(app, cast.stranger), items()
    data = {"id": product.id, "item": item.id}
    for act in ("add", "remove", "remove-free", "reveal"):
        assert stranger.post(f"{PAGE}{act}/", data=data).status_code == 404
    assert stranger.get(f"{PAGE}file/", query_string=data).status_code == 404
