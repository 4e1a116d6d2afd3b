"""`flask products`: make products out of a file, list them, fill up their stock."""

import json
from itertools import count
from pathlib import Path
from typing import BinaryIO

import click
from flask import Flask
from flask.cli import AppGroup

from app.cli.output import json_option, show
from app.core.errors import AppError
from app.core.i18n import EN
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.domain.lottery_fields import BadSpec
from app.domain.money import Money
from app.domain.payments import Provider
from app.domain.pictures import MAX_BYTES
from app.domain.product_problems import name_of
from app.domain.product_spec import ProductSpec, read
from app.domain.products import ProductKind, ProductState
from app.domain.stock_lines import read_lines
from app.models import Product
from app.services import pictures, tenants
from app.services.products import NotSellable, lookup, manage, stock, ways
from app.services.products.stock import NewItem

PAGE = 200
group = AppGroup("products", help="Make and list products, fill up their stock.")


@group.command("create")
@click.option("--tenant", "tenant_id", type=int, required=True, help="Id of the tenant.")
@click.option(
    "--file", "file", type=click.File("rb"), required=True, help="product.json; - = standard input."
)
@click.option("--draft", is_flag=True, help="Do not put it on sale.")
@json_option
def create(tenant_id: int, file: BinaryIO, *, draft: bool, as_json: bool) -> None:
    """Make a product and put it on sale; where no way of paying is set up it stays a draft."""
    body = _object(file.read())
    with system_scope():
        try:
            with transaction():
                tenants.get(tenant_id)
                product = manage.create(tenant_id, _spec(tenant_id, body, str(getattr(file, "name", ""))))
                why = "" if draft else _sell(product)
        except AppError as error:
            raise click.ClickException(error.text(EN)) from None
        result = _row(product)
    words = f"Made product {product.code} ({product.state.value})."
    show(result, f"{words} {why}".strip(), as_json=as_json)


@group.command("list")
@click.option("--tenant", "tenant_id", type=int, required=True, help="Id of the tenant.")
@json_option
def list_(tenant_id: int, *, as_json: bool) -> None:
    """List a tenant's products, archived ones too."""
    with system_scope(), transaction():
        rows = [_row(product) for product in _all(tenant_id)]
    words = [_line(row) for row in rows]
    show(rows, "\n".join(words) or "No products yet.", as_json=as_json)


@group.command("stock")
@click.argument("code")
@click.option(
    "--file",
    "file",
    type=click.File("rb"),
    required=True,
    help="One code or link per line; - = standard input.",
)
@json_option
def fill(code: str, file: BinaryIO, *, as_json: bool) -> None:
    """Add codes or links to the stock of a digital product; those it knows already are named."""
    with system_scope():
        try:
            lines = read_lines(file.read().decode("utf-8-sig"))
            with transaction():
                product = lookup.get_by_code(code)
                added = manage.add_stock(product.id, [NewItem(line.kind, line.text) for line in lines])
                free = stock.counts(product.id).free
        except UnicodeDecodeError:
            raise click.ClickException("The file is no text in UTF-8.") from None
        except BadSpec as error:
            raise click.ClickException(f"{name_of(error.field, EN)}: {error.problem(EN)}") from None
        except AppError as error:
            raise click.ClickException(error.text(EN)) from None
    known = [lines[place].number for place in added.known]
    words = f"Added {added.added}; {free} are free now."
    if known:
        words += f" There already, so left out: line {', '.join(map(str, known))}."
    show({"code": product.code, "added": added.added, "known": known, "free": free}, words, as_json=as_json)


def _spec(tenant_id: int, body: dict[str, object], file: str) -> ProductSpec:
    """`picture` is a file beside the JSON; without `providers` it can be paid in every way that is set up."""
    name = body.pop("picture", None)
    if name:
        body["picture_id"] = _picture(tenant_id, Path(file).parent / str(name))
    if "providers" not in body:
        ready = ways.set_up(tenant_id)
        body["providers"] = [
            way.value for way in Provider if way in ready and (way is not Provider.STARS or body.get("stars"))
        ]
    return read(body)


def _picture(tenant_id: int, path: Path) -> int:
    try:
        with path.open("rb") as file:
            return pictures.store(tenant_id, file.read(MAX_BYTES + 1))
    except OSError as error:
        raise click.ClickException(f"The picture can't be read: {error.strerror}.") from None


def _sell(product: Product) -> str:
    """Puts it on sale; why not, where that can't be."""
    try:
        manage.put_on_sale(product.id)
    except NotSellable as error:
        return error.text(EN)
    return ""


def _all(tenant_id: int) -> list[Product]:
    found: list[Product] = []
    for number in count():
        page = lookup.list_all(tenant_id, tuple(ProductState), page=number, size=PAGE)
        found += page.products
        if not page.more:
            break
    return found


def _row(product: Product) -> dict[str, object]:
    return {
        "product_id": product.id,
        "code": product.code,
        "name": product.name,
        "kind": product.kind.value,
        "state": product.state.value,
        "price": str(Money(product.price_minor, product.currency).decimal()),
        "currency": product.currency,
        "stars": product.stars,
        "providers": list(product.providers),
        "stock": _left(product),
    }


def _line(row: dict[str, object]) -> str:
    cost = f"{row['price']} {row['currency']}"
    return f"{row['code']}  {row['state']:<9} {row['kind']:<14} {cost:>16}  {row['name']}"


def _left(product: Product) -> int | None:
    """How many can be sold; None = any number."""
    digital = product.kind is ProductKind.DIGITAL_GOODS
    return stock.counts(product.id).free if digital else product.stock


def _object(raw: bytes) -> dict[str, object]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"The file is no valid JSON: {error}.") from None
    if not isinstance(body, dict):
        raise click.ClickException("The file must hold one JSON object.")
    return body


def init_app(app: Flask) -> None:
    """Adds the commands."""
    app.cli.add_command(group)
