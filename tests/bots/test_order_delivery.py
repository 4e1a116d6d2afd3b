"""What the buyer has in his chat in the end, for each kind of product, through real HTTP to the sandbox."""

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.domain.orders import OrderState, Phase
from app.domain.products import ProductKind, StockKind
from app.models import Order
from app.services import credits as ledger
from app.services import files, outbox
from app.services.fulfilment import delivery, manual
from app.services.fulfilment.delivery import NothingToSend
from app.services.orders import retry
from app.services.orders.errors import IllegalMove
from app.services.products.stock import NewItem
from tests.cast import Cast
from tests.fulfilling import (
    a_credit_product,
    a_report,
    chat,
    deliver,
    fulfil,
    fulfil_until_told,
    paid,
    reread,
    send,
    shown,
    sources,
    story,
)
from tests.sandbox_client import LIN, Sandbox
from tests.shopping import a_product, codes
from tests.talking import Talk

pytestmark = pytest.mark.usefixtures("in_a_hurry")


def test_a_code_takes_the_place_of_the_progress_message(app: Flask, shop: Talk, cast: Cast):
    order = paid(a_product(cast.tenant, codes(3)), LIN)
    deliver(app, shop)
    assert reread(order).state is OrderState.COMPLETED
    code, ready = shown(shop)
    assert "CODE-0" in code
    assert "complete" in ready
    assert [entity["type"] for entity in chat(shop)[0]["entities"]][-1] == "code"
    assert story(order.id) == ["claimed", "delivering", "delivered"]


def test_a_sold_file_is_a_document(app: Flask, shop: Talk, cast: Cast):
    with transaction():
        kept = files.keep(cast.tenant.id, "handbook.pdf", "application/pdf", b"%PDF the book")
    item = NewItem(StockKind.FILE, file_id=kept.id, sha256=kept.sha256)
    order = paid(a_product(cast.tenant, [item]), LIN)
    deliver(app, shop)
    assert reread(order).state is OrderState.COMPLETED
    assert chat(shop)[0]["document"]["file_name"] == "handbook.pdf"


def test_a_damaged_file_reaches_nobody(app: Flask, shop: Talk, cast: Cast):
    with transaction():
        kept = files.keep(cast.tenant.id, "a.pdf", "application/pdf", b"%PDF right")
    order = paid(a_product(cast.tenant, [NewItem(StockKind.FILE, file_id=kept.id, sha256=kept.sha256)]), LIN)
    with transaction():
        db.session.execute(text("UPDATE stored_file SET data = 'wrong'"))
    deliver(app, shop)
    assert (reread(order).state, order.error) == (OrderState.FAILED, "refused_by_telegram")
    assert not any("document" in one for one in chat(shop))


def test_credits_are_posted_once_and_the_new_balance_is_shown(app: Flask, shop: Talk, cast: Cast):
    order = paid(a_credit_product(cast.tenant), LIN)
    deliver(app, shop)
    assert ledger.balance(cast.tenant.id, LIN) == 100
    assert "100 credits were added. You now have 100." in shown(shop)[0]
    assert reread(order).state is OrderState.COMPLETED


def test_a_manual_order_waits_for_the_boss_who_completes_it_with_a_word(app: Flask, shop: Talk, cast: Cast):
    order = paid(a_product(cast.tenant, kind=ProductKind.MANUAL, stock=None), LIN)
    deliver(app, shop)
    assert (reread(order).state, order.phase) == (OrderState.GENERATING, Phase.BY_HAND)
    assert "personally" in shown(shop)[0]
    assert fulfil(app) == 0
    with transaction():
        manual.done(order.id, "Tracking number: 42", name="Owner")
    send(shop.config)
    assert reread(order).state is OrderState.COMPLETED
    assert "Tracking number: 42" in shown(shop)[-1]
    with pytest.raises(IllegalMove), transaction():
        manual.done(order.id)


def test_a_report_without_keys_is_composed_by_ourselves(app: Flask, shop: Talk, cast: Cast):
    order = paid(a_report(cast.tenant), LIN)
    deliver(app, shop)
    assert reread(order).state is OrderState.COMPLETED
    first = chat(shop)[0]
    assert first["document"]["mime_type"] == "application/pdf"
    assert sources(order) == {"confirm": "nobody", "chart": "built_in", "text": "built_in", "pdf": "typst"}


def test_a_deleted_progress_message_makes_the_file_come_once_as_a_copy(app: Flask, shop: Talk, cast: Cast):
    order = paid(a_report(cast.tenant), LIN)
    fulfil_until_told(app, shop)
    for one in chat(shop):
        shop.telegram.api(shop.bot, "deleteMessage", chat_id=LIN, message_id=one["message_id"])
    send(shop.config)
    assert reread(order).state is OrderState.COMPLETED
    documents = [one for one in chat(shop) if "document" in one]
    assert len(documents) == 1
    assert story(order.id)[-2:] == ["copied", "delivered"]


def test_a_buyer_who_blocked_the_bot_leaves_a_failed_order_that_can_be_retried(
    app: Flask, shop: Talk, cast: Cast
):
    order = paid(a_product(cast.tenant, codes(1)), LIN)
    shop.telegram.block(shop.bot, LIN)
    deliver(app, shop)
    assert (reread(order).state, order.error) == (OrderState.FAILED, "blocked_by_buyer")
    shop.telegram.unblock(shop.bot, LIN)
    with transaction():
        retry.retry(order.id, "Owner")
    deliver(app, shop)
    assert reread(order).state is OrderState.COMPLETED
    assert "CODE-0" in "".join(shown(shop))


def test_what_was_bought_comes_again_whenever_it_is_asked_for_once_per_press(
    app: Flask, shop: Talk, cast: Cast
):
    order = paid(a_product(cast.tenant, codes(1)), LIN)
    with pytest.raises(NothingToSend), transaction():
        delivery.again(order.id, "press")
    deliver(app, shop)
    for key in ("one", "one", "two"):
        with transaction():
            delivery.again(order.id, key)
    send(shop.config)
    assert ["CODE-0" in one for one in shown(shop)] == [True, False, True, True]


def test_a_report_comes_again_whole_and_is_not_written_anew(
    app: Flask, shop: Talk, cast: Cast, keys: Sandbox
):
    order = paid(a_report(cast.tenant), LIN)
    deliver(app, shop)
    before = len(chat(shop))
    with transaction():
        delivery.again(order.id, "press")
    send(shop.config)
    assert len(chat(shop)) == 2 * before - 1
    assert keys.deepseek_counters()["answered"] == 1


def test_who_paid_for_what_is_sold_out_by_now_gets_his_money_back(app: Flask, shop: Talk, cast: Cast):
    order = paid(a_product(cast.tenant), LIN)
    deliver(app, shop)
    assert reread(order).state in {OrderState.FAILED, OrderState.REFUNDED}
    assert order.error == "sold_out"
    assert "money back" in shown(shop)[-1]
    kinds = db.session.execute(text("SELECT kind FROM shop_alert")).scalars().all()
    assert "payment_late_unfulfillable" in kinds


def test_an_archived_product_still_delivers_what_was_sold(app: Flask, shop: Talk, cast: Cast):
    product = a_product(cast.tenant, codes(1), state="archived")
    order = paid(product, LIN)
    deliver(app, shop)
    assert reread(order).state is OrderState.COMPLETED


def test_a_bot_that_was_removed_delivers_nothing_and_the_boss_hears_of_it(
    app: Flask, report: Order, shop: Talk
):
    fulfil(app)
    with transaction():
        db.session.execute(text("UPDATE bot SET removed_at = now(), enabled = false"))
        outbox.sweep()
    with transaction():
        delivery.heard(report.id)
    assert (reread(report).state, report.error) == (OrderState.FAILED, "bot_gone")
