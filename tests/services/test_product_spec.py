"""product.json: what is read, what is refused, and that it comes back the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.i18n import EN
from app.domain.affiliates import Commission, CommissionKind
from app.domain.money import Money
from app.domain.payments import Provider
from app.domain.product_problems import BadProduct
from app.domain.product_spec import dump, read
from app.domain.products import MAX_STOCK_ROWS, MAX_STOCK_TEXT, ProductKind, StockKind
from app.domain.stock_lines import read_lines

CARD = {"name": "Card", "kind": "digital_goods", "price": "19.90", "currency": "USD"}
CREDITS = CARD | {"kind": "credits", "credits": 100}
MANUAL = CARD | {"kind": "manual"}
BAZI = CARD | {"kind": "bazi_report"}


def problems(body: object) -> dict[str, str]:
    with pytest.raises(BadProduct) as refused:
        read(body)
    return refused.value.by_field(EN)


def test_four_fields_are_enough():
    spec = read(CARD)
    assert (spec.name, spec.kind, spec.price) == ("Card", ProductKind.DIGITAL_GOODS, Money(1990, "USD"))


@pytest.mark.parametrize(
    ("body", "options"),
    [
        (CREDITS, {"credits": 100}),
        (MANUAL | {"instructions": "Thanks"}, {"instructions": "Thanks"}),
        (
            BAZI | {"late_zi_next_day": True, "chart": "built_in", "expires_minutes": 5},
            {
                "late_zi_next_day": True,
                "true_solar_time": False,
                "chart": "built_in",
                "expires_minutes": 5,
            },
        ),
    ],
)
def test_each_kind_has_its_own_options(body: dict[str, object], options: dict[str, object]):
    assert read(body).options == options


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": 5}, "name"),
        ({"kind": "car"}, "kind"),
        ({"kind": None}, "kind"),
        ({"price": 19.9}, "price"),
        ({"price": "0"}, "price"),
        ({"price": "-1"}, "price"),
        ({"price": "1.999"}, "price"),
        ({"price": "1e3"}, "price"),
        ({"price": "99999999999"}, "price"),
        ({"currency": "XTR"}, "currency"),
        ({"currency": ""}, "currency"),
        ({"currency": ["USD"]}, "currency"),
        ({"stars": 0}, "stars"),
        ({"stars": True}, "stars"),
        ({"providers": ["stars"]}, "stars"),
        ({"providers": ["paypal"]}, "providers"),
        ({"providers": "stars"}, "providers"),
        ({"providers": [["stars"]]}, "providers"),
        ({"expires_minutes": 0}, "expires_minutes"),
        ({"stock": 3}, "stock"),
        ({"credits": 5}, "credits"),
        ({"picture_id": "x"}, "picture_id"),
        ({"items": "A"}, "items"),
        ({"items": ["A", ""]}, "items[1]"),
        ({"items": ["A", 5]}, "items[1]"),
        ({"items": ["A", "B\nC"]}, "items[1]"),
        ({"items": ["x" * (MAX_STOCK_TEXT + 1)]}, "items[0]"),
        ({"items": ["x"] * (MAX_STOCK_ROWS + 1)}, "items"),
        ({"fields": "name"}, "fields"),
        ({"fields": [{"label": ""}]}, "fields[0].label"),
        ({"commission": "10"}, "commission"),
        ({"commission": {"kind": "half"}}, "commission.kind"),
        ({"commission": {"kind": "percent"}}, "commission.first"),
        ({"commission": {"kind": "percent", "first": "10.555"}}, "commission.first"),
        ({"commission": {"kind": "percent", "first": "100.01"}}, "commission"),
        ({"commission": {"kind": "percent", "first": "60", "second": "40.01"}}, "commission"),
        ({"commission": {"kind": "fixed", "first": "19.91"}}, "commission"),
        ({"commission": {"kind": "fixed", "first": "10", "second": "9.91"}}, "commission"),
        ({"commission": {"kind": "fixed", "first": "1.999"}}, "commission.first"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_told_of_its_field(change: dict[str, object], field: str):
    assert list(problems(CARD | change)) == [field]


def test_a_bazi_report_asks_its_own_questions():
    assert list(problems(BAZI | {"fields": [{"label": "Name?"}]})) == ["fields"]


def test_credits_must_say_how_many():
    assert list(problems(CREDITS | {"credits": None})) == ["credits"]


@pytest.mark.parametrize("body", [None, [], "x", 5])
def test_what_is_no_object_is_refused(body: object):
    assert problems(body)


def test_everything_is_told_at_once_in_plain_words():
    with pytest.raises(BadProduct) as refused:
        read({"kind": "credits", "price": "x", "currency": "USD", "fields": [{"label": "A"}, {"label": ""}]})
    said = refused.value.text(EN).splitlines()
    assert {line.partition(":")[0] for line in said} == {"Name", "Price", "Question 2", "Credits"}


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ({"kind": "percent", "first": "10"}, Commission(CommissionKind.PERCENT, 1000, 0)),
        ({"kind": "percent", "first": 10, "second": "2.5%"}, Commission(CommissionKind.PERCENT, 1000, 250)),
        ({"kind": "percent", "first": "60", "second": "40"}, Commission(CommissionKind.PERCENT, 6000, 4000)),
        ({"kind": "fixed", "first": "19.90"}, Commission(CommissionKind.FIXED, 1990, 0)),
        ({"kind": "none", "first": "5"}, Commission()),
        ({}, Commission()),
    ],
)
def test_commissions(written: dict[str, object], kept: Commission):
    assert read(CARD | {"commission": written}).commission == kept


def test_yen_have_no_cents():
    spec = read(CARD | {"price": "1990", "currency": "jpy", "commission": {"kind": "fixed", "first": "199"}})
    assert (spec.price, spec.commission.first) == (Money(1990, "JPY"), 199)


def test_ways_of_paying_keep_their_order_and_stand_once():
    spec = read(CARD | {"providers": ["stars", "manual", "stars"], "stars": 5})
    assert spec.providers == (Provider.STARS, Provider.MANUAL)


@given(
    st.sampled_from([CARD, CREDITS, MANUAL, BAZI]),
    st.integers(1, 10**9),
    st.sampled_from(["USD", "JPY", "CNY"]),
    st.integers(0, 5000),
    st.integers(0, 5000),
)
def test_what_is_read_comes_back_the_same(
    body: dict[str, object], minor: int, currency: str, first: int, second: int
):
    price = str(Money(minor, currency).decimal())
    commission = {"kind": "percent", "first": f"{first / 100:.2f}", "second": f"{second / 100:.2f}"}
    spec = read(body | {"price": price, "currency": currency, "commission": commission if first else {}})
    assert read({name: value for name, value in dump(spec).items() if value is not None}) == spec


def test_pasted_lines_are_cleaned_and_counted():
    lines = read_lines("\ufeffA-1 \r\n\r\n\t\n https://example.com/x\n")
    assert [(line.number, line.text, line.kind) for line in lines] == [
        (1, "A-1", StockKind.CODE),
        (4, "https://example.com/x", StockKind.LINK),
    ]
