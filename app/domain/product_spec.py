"""Reads what a boss decides about a product, from `product.json` or a form, and writes it back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Final

from app.core.i18n import N_
from app.domain.affiliates import PERCENT, Commission, CommissionKind
from app.domain.credits import MAX_AMOUNT
from app.domain.form_fields import Field
from app.domain.forms import fields_json, read_fields
from app.domain.lottery_fields import BadSpec, Body, flag, mapping, number, path_of, required, text
from app.domain.money import EXPONENTS, STARS, AmountNotValid, Money, read_money
from app.domain.payments import Provider
from app.domain.product_problems import Problems
from app.domain.products import MAX_DESCRIPTION, MAX_NAME, MAX_STOCK_ROWS, ProductKind
from app.domain.stock_lines import check_number, read_line

MAX_STARS: Final = 100_000
"""Telegram takes no larger invoice in Stars."""
MAX_EXPIRY: Final = 7 * 24 * 60
MAX_STOCK: Final = 1_000_000
MAX_POSITION: Final = 9999
MAX_INSTRUCTIONS: Final = 1000
CHARTS: Final = ("auto", "built_in")
COMMON: Final = frozenset(
    [
        "name",
        "kind",
        "description",
        "price",
        "currency",
        "stars",
        "providers",
        "picture_id",
        "bot_id",
        "position",
        "stock",
        "expires_minutes",
        "fields",
        "commission",
    ]
)
OWN: Final[Mapping[ProductKind, tuple[str, ...]]] = {
    ProductKind.BAZI_REPORT: ("late_zi_next_day", "true_solar_time", "chart"),
    ProductKind.DIGITAL_GOODS: ("items",),
    ProductKind.CREDITS: ("credits",),
    ProductKind.MANUAL: ("instructions",),
}
"""Fields that only one kind has."""


@dataclass(frozen=True, slots=True)
class ProductSpec:
    """A checked product. `options` is what its kind needs, `items` the first stock of digital goods."""

    name: str
    kind: ProductKind
    price: Money
    description: str = ""
    stars: int | None = None
    providers: tuple[Provider, ...] = ()
    picture_id: int | None = None
    bot_id: int | None = None
    position: int = 0
    stock: int | None = None
    fields: tuple[Field, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    commission: Commission = field(default_factory=Commission)
    items: tuple[str, ...] = ()


def read(data: object) -> ProductSpec:
    """The checked spec. Raises BadProduct, which tells of everything that is wrong."""
    problems = Problems()
    if not isinstance(data, Mapping):
        problems.found.append(BadSpec("product", N_("This must be an object with fields.")))
    body: Body = data if isinstance(data, Mapping) else {}
    problems.check()
    kind = problems.read(lambda: _kind(body), None)
    _refuse_unknown(body, kind, problems)
    price = _price(body, problems)
    spec = ProductSpec(
        name=problems.read(lambda: required(text(body, "name", MAX_NAME), "name"), ""),
        kind=kind or ProductKind.MANUAL,
        price=price,
        description=problems.read(lambda: text(body, "description", MAX_DESCRIPTION, lines=True), ""),
        stars=problems.read(lambda: number(body, "stars", 1, MAX_STARS), None),
        providers=problems.read(lambda: _providers(body), ()),
        picture_id=problems.read(lambda: number(body, "picture_id", 1, 2**63 - 1), None),
        bot_id=problems.read(lambda: number(body, "bot_id", 1, 2**63 - 1), None),
        position=problems.read(lambda: number(body, "position", 0, MAX_POSITION), None) or 0,
        stock=problems.read(lambda: _stock(body, kind), None),
        fields=problems.read(lambda: _fields(body, kind), ()),
        options=_options(body, kind, problems),
        commission=problems.read(lambda: read_commission(body.get("commission"), price), Commission()),
        items=_items(body, kind, problems),
    )
    if Provider.STARS in spec.providers and spec.stars is None and "stars" not in _paths(problems):
        problems.found.append(BadSpec("stars", N_("Say how many Stars it costs.")))
    problems.check()
    return spec


def dump(spec: ProductSpec) -> dict[str, object]:
    """As in `product.json`, without the stock's items, which stay secret."""
    told: dict[str, object] = {
        "name": spec.name,
        "kind": spec.kind.value,
        "price": str(spec.price.decimal()),
        "currency": spec.price.currency,
        "description": spec.description,
        "stars": spec.stars,
        "providers": [one.value for one in spec.providers],
        "picture_id": spec.picture_id,
        "bot_id": spec.bot_id,
        "position": spec.position,
        "stock": spec.stock,
        "fields": fields_json(spec.fields),
        "commission": commission_words(spec.commission, spec.price.currency),
        **spec.options,
    }
    return told


def read_commission(value: object, price: Money) -> Commission:
    """`{"kind", "first", "second"}`: percentages as "12.5", fixed amounts in the price's currency. Raises BadSpec."""
    if not value:
        return Commission()
    body = mapping(value, "commission", ("kind", "first", "second"))
    kind = next((one for one in CommissionKind if one == body.get("kind")), None)
    if kind is None:
        known = ", ".join(CommissionKind)
        raise BadSpec("commission.kind", N_("This must be one of: %(kinds)s."), kinds=known)
    if kind is CommissionKind.NONE:
        return Commission()
    first, second = (_rate(body, name, kind, price.currency) for name in ("first", "second"))
    if not first:
        raise BadSpec("commission.first", N_("This is required."))
    if kind is CommissionKind.PERCENT and first + second > PERCENT:
        raise BadSpec("commission", N_("Both levels together must not be more than %(most)s."), most="100 %")
    if kind is CommissionKind.FIXED and price.minor and first + second > price.minor:
        raise BadSpec(
            "commission", N_("Both levels together must not be more than %(most)s."), most=str(price)
        )
    return Commission(kind, first, second)


def commission_words(commission: Commission, currency: str) -> dict[str, object]:
    """A commission as in `product.json`; empty where there is none."""
    if commission.kind is CommissionKind.NONE:
        return {}
    percent = commission.kind is CommissionKind.PERCENT

    def written(rate: int) -> str:
        value = Decimal(rate).scaleb(-2) if percent else Money(rate, currency).decimal()
        return f"{value.normalize():f}" if percent else str(value)

    return {
        "kind": commission.kind.value,
        "first": written(commission.first),
        "second": written(commission.second),
    }


def _kind(body: Body) -> ProductKind:
    kind = next((one for one in ProductKind if one == body.get("kind")), None)
    if kind is None:
        raise BadSpec("kind", N_("This must be one of: %(kinds)s."), kinds=", ".join(ProductKind))
    return kind


def _paths(problems: Problems) -> set[str]:
    return {one.field for one in problems.found}


def _refuse_unknown(body: Body, kind: ProductKind | None, problems: Problems) -> None:
    known = COMMON.union(OWN[kind] if kind else frozenset().union(*OWN.values()))
    others = frozenset[str]().union(*OWN.values())
    for name in map(str, body):
        if name not in known and name in others:
            problems.found.append(BadSpec(name, N_("Products of this kind have no such field.")))
        elif name not in known:
            problems.found.append(BadSpec(path_of("", name), N_("There is no such field.")))


def _price(body: Body, problems: Problems) -> Money:
    currency = str(body.get("currency") or "").strip().upper()
    offered = [name for name in EXPONENTS if name != STARS]
    if currency not in offered:
        message = N_("This must be one of: %(kinds)s.") if currency else N_("This is required.")
        problems.found.append(BadSpec("currency", message, kinds=", ".join(offered)))
        return Money(0, offered[0])
    written = _decimal(body.get("price"))
    money = problems.read(lambda: read_money(written, currency), Money(0, currency), "price")
    if not money.minor and "price" not in _paths(problems):
        problems.found.append(BadSpec("price", N_("This must be more than zero.")))
    return money


def _decimal(value: object) -> str:
    """An amount as text; a number with a point is refused, since it may be a little off already."""
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _rate(body: Body, name: str, kind: CommissionKind, currency: str) -> int:
    """Basis points or minor units; 0 where nothing is said."""
    field_ = f"commission.{name}"
    written = _decimal(body.get(name)).removesuffix("%").strip()
    if not written and body.get(name) in {None, ""}:
        return 0
    try:
        # A percentage has two digits behind its point, just as dollars have.
        return read_money(written, "USD" if kind is CommissionKind.PERCENT else currency).minor
    except AmountNotValid as error:
        if kind is CommissionKind.PERCENT:
            raise BadSpec(field_, N_("This must be a percentage, like 10 or 12.5.")) from None
        raise BadSpec(field_, error.message, **error.params) from None


def _providers(body: Body) -> tuple[Provider, ...]:
    value = body.get("providers")
    if value is None:
        return ()
    known = {one.value: one for one in Provider}
    if not isinstance(value, list | tuple) or any(str(one) not in known for one in value):
        raise BadSpec("providers", N_("This must be a list of: %(kinds)s."), kinds=", ".join(known))
    return tuple(dict.fromkeys(known[str(one)] for one in value))


def _stock(body: Body, kind: ProductKind | None) -> int | None:
    stock = number(body, "stock", 0, MAX_STOCK)
    if stock is not None and kind is ProductKind.DIGITAL_GOODS:
        raise BadSpec("stock", N_("Codes and files count their own stock."))
    return stock


def _fields(body: Body, kind: ProductKind | None) -> tuple[Field, ...]:
    value = body.get("fields")
    if not value:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise BadSpec("fields", N_("This must be a list."))
    if kind is ProductKind.BAZI_REPORT:
        raise BadSpec("fields", N_("A BaZi report asks its own questions."))
    return read_fields(value)


def _options(body: Body, kind: ProductKind | None, problems: Problems) -> dict[str, object]:
    options: dict[str, object] = {}
    expires = problems.read(lambda: number(body, "expires_minutes", 1, MAX_EXPIRY), None)
    if expires is not None:
        options["expires_minutes"] = expires
    if kind is ProductKind.CREDITS:
        options["credits"] = problems.read(
            lambda: required(number(body, "credits", 1, MAX_AMOUNT), "credits"), 0
        )
    elif kind is ProductKind.MANUAL:
        options["instructions"] = problems.read(
            lambda: text(body, "instructions", MAX_INSTRUCTIONS, lines=True), ""
        )
    elif kind is ProductKind.BAZI_REPORT:
        for name in ("late_zi_next_day", "true_solar_time"):
            options[name] = problems.read(partial(flag, body, name), otherwise=False)
        options["chart"] = problems.read(lambda: _chart(body), CHARTS[0])
    return options


def _chart(body: Body) -> str:
    chart = body.get("chart") or CHARTS[0]
    if chart not in CHARTS:
        raise BadSpec("chart", N_("This must be one of: %(kinds)s."), kinds=", ".join(CHARTS))
    return str(chart)


def _items(body: Body, kind: ProductKind | None, problems: Problems) -> tuple[str, ...]:
    value = body.get("items")
    if value is None or kind is not ProductKind.DIGITAL_GOODS:
        return ()
    if not isinstance(value, list | tuple):
        problems.found.append(BadSpec("items", N_("This must be a list.")))
        return ()
    problems.read(lambda: check_number(value), None)
    return tuple(
        problems.read(partial(read_line, one, f"items[{place}]"), "")
        for place, one in enumerate(value[:MAX_STOCK_ROWS])
    )
