"""Products: making, changing, selling and archiving them; what buyers find; who looked."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.queue import transaction
from app.domain.payments import Service
from app.domain.product_spec import ProductSpec, read
from app.domain.products import PAGE, ProductKind, ProductState, VisitStage
from app.models import AuditEvent, Product, ProductVisit
from app.services import service_accounts
from app.services.products import Archived, ChangedMeanwhile, NotSellable, lookup, manage, stock, visits
from app.services.products.errors import KindFixed
from tests.cast import Cast
from tests.lottery_tools import a_bot
from tests.shopping import a_product, codes

CARD = {"name": "Card", "kind": "digital_goods", "price": "19.90", "currency": "USD"}


def a_spec(**fields: object) -> ProductSpec:
    return read(CARD | {"stars": 990, "providers": ["stars"]} | fields)


def made(cast: Cast, **fields: object) -> Product:
    with transaction():
        return manage.create(cast.tenant.id, a_spec(**fields))


def last_event() -> AuditEvent:
    return db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()


def test_a_new_product_is_a_draft_with_its_stock(cast: Cast):
    product = made(cast, items=["A", "B", "A"])
    assert product.state is ProductState.DRAFT
    assert stock.counts(product.id).free == 2


def test_the_log_does_not_learn_the_codes(cast: Cast):
    made(cast, items=["SECRET-CODE"])
    assert "SECRET" not in str(last_event().changes)


def test_orders_keep_what_was_sold(cast: Cast):
    product = made(cast, commission={"kind": "percent", "first": "10"})
    kept = lookup.snapshot(product)
    assert kept == {
        "name": "Card",
        "kind": "digital_goods",
        "options": {},
        "commission": {"kind": "percent", "first": 1000, "second": 0},
        "fields": [],
        "code": product.code,
    }


def test_a_change_names_what_changed(cast: Cast):
    product = made(cast)
    with transaction():
        manage.update(product.id, a_spec(name="Gold card", price="29.90"), product.version)
    assert last_event().changes == {"name": ["Card", "Gold card"], "price": ["19.90", "29.90"]}


def test_a_change_of_what_somebody_else_changed_is_refused(cast: Cast):
    product = made(cast)
    version = product.version
    with transaction():
        manage.update(product.id, a_spec(name="Mine"), version)
    with transaction(), pytest.raises(ChangedMeanwhile):
        manage.update(product.id, a_spec(name="Theirs"), version)


def test_a_product_stays_what_it_is(cast: Cast):
    product = made(cast)
    with transaction(), pytest.raises(KindFixed):
        manage.update(product.id, a_spec(kind="manual"), product.version)


def test_without_a_working_way_of_paying_nothing_is_on_sale(cast: Cast):
    product = made(cast, providers=["manual"])
    with transaction(), pytest.raises(NotSellable):
        manage.put_on_sale(product.id)
    with transaction():
        service_accounts.save(cast.tenant.id, Service.MANUAL, {"instructions": "To my account"})
        manage.put_on_sale(product.id)
    assert product.state is ProductState.ON_SALE


def test_what_is_on_sale_keeps_a_way_of_paying(cast: Cast):
    product = made(cast)
    with transaction():
        manage.put_on_sale(product.id)
    with transaction(), pytest.raises(NotSellable):
        manage.update(product.id, a_spec(providers=[]), product.version)


def test_an_archived_product_is_left_alone(cast: Cast):
    product = made(cast)
    with transaction():
        manage.archive(product.id)
    for act in (manage.put_on_sale, manage.take_off_sale):
        with transaction(), pytest.raises(Archived):
            act(product.id)
    with transaction(), pytest.raises(Archived):
        manage.add_stock(product.id, codes(1))
    with transaction(), pytest.raises(Archived):
        manage.update(product.id, a_spec(), product.version)


def test_a_bot_of_somebody_else_is_not_found(cast: Cast):
    foreign = a_bot(cast.other_tenant)
    with transaction(), pytest.raises(NotFound):
        manage.create(cast.tenant.id, a_spec(bot_id=foreign.id))


def test_a_bots_shop_shows_what_is_sold_in_it_in_the_boss_order(cast: Cast):
    one, two = a_bot(cast.tenant, 1), a_bot(cast.tenant, 2)
    a_product(cast.tenant, name="Second", position=2)
    a_product(cast.tenant, name="First", position=1, bot_id=one.id)
    a_product(cast.tenant, name="Elsewhere", bot_id=two.id)
    a_product(cast.tenant, name="Draft", state=ProductState.DRAFT)
    a_product(cast.other_tenant, name="Foreign")
    page = lookup.list_on_sale(cast.tenant.id, one.id)
    assert [product.name for product in page.products] == ["First", "Second"]


def test_a_long_shop_has_pages(cast: Cast):
    bot = a_bot(cast.tenant)
    for number in range(PAGE + 1):
        a_product(cast.tenant, name=str(number))
    first, second = (lookup.list_on_sale(cast.tenant.id, bot.id, page) for page in (0, 1))
    assert (len(first.products), first.more) == (PAGE, True)
    assert (len(second.products), second.more) == (1, False)


def test_a_product_is_found_by_its_code_in_small_letters_too(cast: Cast):
    product = a_product(cast.tenant)
    assert lookup.find_by_code(product.code.lower()) is product
    assert lookup.find_by_code("NOSUCH") is None
    with pytest.raises(NotFound):
        lookup.get_by_code("NOSUCH")


def test_a_visit_counts_once_a_day_and_stage_in_the_tenants_zone(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    product = a_product(cast.tenant, kind=ProductKind.MANUAL)
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 1, 1, 20, tzinfo=UTC))
    with transaction():
        for stage in (VisitStage.VIEWED, VisitStage.VIEWED, VisitStage.STARTED):
            visits.record(product, 42, stage, "Asia/Shanghai")
    assert db.session.scalar(select(func.count()).select_from(ProductVisit)) == 2
    assert db.session.scalar(select(ProductVisit.day).limit(1)).isoformat() == "2026-01-02"
