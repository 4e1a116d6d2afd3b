"""`flask products create | list | stock`, and the example of docs/products.md."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from app.core.db import db
from app.core.tenancy import enter_scope
from app.domain.product_spec import COMMON, OWN, read
from app.domain.products import ProductKind, ProductState
from app.models import Product
from tests.cast import Cast
from tests.painting import painted
from tests.shopping import a_product, codes

Json = dict[str, Any]
PAGE = Path(__file__).parents[2] / "docs" / "products.md"
CARD = {"name": "Gold card", "kind": "digital_goods", "price": "19.90", "currency": "USD", "stars": 990}


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Writes product.json: a card code, and what else is given."""

    def write(**fields: object) -> Path:
        path = tmp_path / "product.json"
        body = {key: value for key, value in (CARD | fields).items() if value is not None}
        path.write_text(json.dumps(body))
        return path

    return write


def run(app: Flask, *words: object, text: str | None = None) -> Result:
    enter_scope(None)
    result = app.test_cli_runner().invoke(args=["products", *map(str, words)], input=text)
    enter_scope("*")
    return result


def create(app: Flask, cast: Cast, path: Path, *more: object) -> Result:
    return run(app, "create", "--tenant", cast.tenant.id, "--file", path, *more)


def test_a_product_is_on_sale_at_once(app: Flask, cast: Cast, file: Callable[..., Path]):
    made: Json = json.loads(create(app, cast, file(items=["A-1", "A-2"]), "--json").stdout)
    assert (made["state"], made["price"], made["stock"]) == ("on_sale", "19.90", 2)
    assert made["providers"] == ["stars"]
    assert db.session.scalar(select(Product.code)) == made["code"]


def test_without_a_way_of_paying_it_stays_a_draft_and_says_why(
    app: Flask, cast: Cast, file: Callable[..., Path]
):
    said = create(app, cast, file(stars=None)).stdout
    assert "(draft)" in said
    assert "way of paying" in said


def test_a_draft_is_made_on_wish(app: Flask, cast: Cast, file: Callable[..., Path]):
    assert json.loads(create(app, cast, file(), "--draft", "--json").stdout)["state"] == "draft"


def test_it_may_come_from_standard_input(app: Flask, cast: Cast):
    made = run(app, "create", "--tenant", cast.tenant.id, "--file", "-", "--json", text=json.dumps(CARD))
    assert json.loads(made.stdout)["state"] == "on_sale"


def test_the_picture_lies_beside_the_file(app: Flask, cast: Cast, file: Callable[..., Path], tmp_path: Path):
    (tmp_path / "cover.jpg").write_bytes(painted("JPEG"))
    create(app, cast, file(picture="cover.jpg"))
    assert db.session.scalar(select(Product.picture_id)) is not None
    assert create(app, cast, file(picture="nowhere.jpg")).exit_code == 1


def test_everything_that_is_wrong_is_said_in_plain_words(app: Flask, cast: Cast, file: Callable[..., Path]):
    refused = create(app, cast, file(price="1.999", colour="red", name=""))
    assert refused.exit_code == 1
    for line in (
        "Price: This is no amount of USD",
        "colour: There is no such field.",
        "Name: This is required.",
    ):
        assert line in refused.stderr
    assert db.session.scalar(select(Product.id)) is None


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000])
def test_a_file_that_is_no_object_is_refused(app: Flask, cast: Cast, tmp_path: Path, text: str):
    path = tmp_path / "product.json"
    path.write_text(text)
    assert create(app, cast, path).exit_code == 1


def test_an_unknown_tenant_is_refused(app: Flask, cast: Cast, file: Callable[..., Path]):
    assert run(app, "create", "--tenant", 999_999, "--file", file()).exit_code == 1


def test_the_list_has_all_of_one_tenant(app: Flask, cast: Cast):
    a_product(cast.tenant, name="One", items=codes(2))
    a_product(cast.tenant, name="Two", state=ProductState.ARCHIVED)
    a_product(cast.other_tenant, name="Foreign")
    rows = json.loads(run(app, "list", "--tenant", cast.tenant.id, "--json").stdout)
    assert {(row["name"], row["stock"]) for row in rows} == {("One", 2), ("Two", 0)}
    assert "19.90 USD" in run(app, "list", "--tenant", cast.tenant.id).stdout


def test_stock_is_filled_from_a_file_and_repeats_are_named(app: Flask, cast: Cast, tmp_path: Path):
    product = a_product(cast.tenant, items=codes(2))
    path = tmp_path / "codes.txt"
    path.write_bytes("\ufeffNEW-1\r\n\r\nCODE-0\r\nNEW-1\r\nhttps://example.com/x\r\n".encode())
    filled = json.loads(run(app, "stock", product.code.lower(), "--file", path, "--json").stdout)
    assert filled == {"code": product.code, "added": 2, "known": [3, 4], "free": 4}
    assert "line 1, 3, 4, 5" in run(app, "stock", product.code, "--file", path).stdout


def test_only_digital_goods_have_a_stock_of_codes(app: Flask, cast: Cast):
    product = a_product(cast.tenant, kind=ProductKind.MANUAL)
    assert run(app, "stock", product.code, "--file", "-", text="A").exit_code == 1
    assert run(app, "stock", "NOSUCHCODE", "--file", "-", text="A").exit_code == 1


def test_a_file_that_is_no_text_is_refused(app: Flask, cast: Cast, tmp_path: Path):
    product = a_product(cast.tenant)
    path = tmp_path / "codes.txt"
    path.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in run(app, "stock", product.code, "--file", path).stderr


# --- the documentation
def examples() -> list[Json]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)]


def test_the_documented_examples_are_valid_and_show_every_kind(app: Flask):
    kinds = {
        read({name: value for name, value in one.items() if name != "picture"}).kind for one in examples()
    }
    assert kinds == set(ProductKind)


def test_every_field_is_documented():
    page = PAGE.read_text()
    names = (COMMON - {"picture_id", "bot_id"}).union(*OWN.values())
    assert [name for name in names if f"`{name}`" not in page] == []
