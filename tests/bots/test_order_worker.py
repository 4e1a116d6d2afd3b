"""Paid orders from the claim to what the buyer has in his chat, through real HTTP to the sandbox."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.domain.orders import OrderState, Phase, Step
from app.domain.products import ProductKind, StockKind
from app.models import Order
from app.services import credits as ledger
from app.services import files, leases, outbox
from app.services.fulfilment import delivery, manual, steps, sweep, telling
from app.services.fulfilment.delivery import NothingToSend
from app.services.orders import retry
from app.services.orders.errors import IllegalMove
from app.services.products.stock import NewItem
from bots import order_worker
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.fulfilling import (
    a_credit_product,
    a_report,
    fulfil,
    paid,
    reread,
    send,
    story,
)
from tests.sandbox_client import LIN, Json, Sandbox
from tests.shopping import a_product, codes
from tests.talking import Talk
from tests.waiting import wait_for

KEY = "sk-test"


@pytest.fixture
def shop(talk: Talk) -> Talk:
    """Tenant A's bot; Lin has started it."""
    talk.telegram.say(talk.bot, LIN, "hi")
    return talk


@pytest.fixture
def keys(telegram: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The operator has keys of both services, which the sandbox stands for."""
    settings = get_settings()
    for service in ("yuanfenju", "deepseek"):
        monkeypatch.setattr(settings, f"{service}_api_url", getattr(telegram, f"{service}_url"))
        monkeypatch.setattr(settings, f"{service}_api_key", type(settings.secret_key)(KEY))
        getattr(telegram, f"{service}_key")(KEY)
    return telegram


@pytest.fixture
def report(shop: Talk, cast: Cast) -> Order:
    """A paid order of Lin's."""
    return paid(a_report(cast.tenant), LIN)


def chat(shop: Talk) -> list[Json]:
    """What the bot has in Lin's chat, the oldest first."""
    found = shop.telegram.messages(shop.bot, LIN)
    return [one for one in found if one["from"]["is_bot"]]


def shown(shop: Talk) -> list[str]:
    return [one.get("text") or one.get("caption") or "" for one in chat(shop)]


def deliver(app: Flask, shop: Talk) -> None:
    fulfil(app)
    send(shop.config)


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


def test_a_report_with_keys_pays_for_one_chart_and_one_text(
    app: Flask, shop: Talk, cast: Cast, keys: Sandbox
):
    order = paid(a_report(cast.tenant), LIN)
    deliver(app, shop)
    assert reread(order).state is OrderState.COMPLETED
    assert sources(order)["text"] == "deepseek"
    assert keys.deepseek_counters()["answered"] == 1
    cost = steps.find(order.id, Step.TEXT).cost_micro
    spent = db.session.execute(text("SELECT cost_micro FROM spending ORDER BY telegram_id")).scalars().all()
    assert cost > 0
    assert spent == [cost, cost]


def test_a_worker_that_comes_after_a_failure_pays_for_nothing_twice(
    app: Flask, report: Order, keys: Sandbox, time: Clockwork, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object) -> bytes:
        raise RuntimeError("no printer")

    with monkeypatch.context() as patch:
        patch.setattr("app.services.fulfilment.bazi.render", broken)
        fulfil(app)
    assert (reread(report).state, report.error) == (OrderState.PAID, "broken")
    time.forward(minutes=2)
    fulfil(app)
    assert reread(report).phase is Phase.DELIVERING
    assert keys.deepseek_counters()["answered"] == 1
    assert keys.yuanfenju_calls()["answered"] == 1


def test_an_outage_of_an_hour_costs_few_calls_and_everybody_is_served_after_it(
    app: Flask, shop: Talk, cast: Cast, keys: Sandbox, time: Clockwork
):
    orders = [paid(a_report(cast.tenant), LIN + number, ago=100 - number) for number in range(6)]
    for number in range(6):
        shop.telegram.say(shop.bot, LIN + number, "hi")
    keys.deepseek_knobs("503")
    for _ in range(60):
        time.forward(minutes=1)
        while fulfil(app):
            pass
    asked = keys.deepseek_counters()["asked"]
    assert asked < 100
    assert [reread(one).state for one in orders] == [OrderState.PAID] * 6
    assert max(one.attempts for one in orders) <= 5
    keys.deepseek_knobs("ok")
    for _ in range(3):
        time.forward(minutes=1)
        while fulfil(app):
            pass
    send(shop.config)
    assert [reread(one).state for one in orders] == [OrderState.COMPLETED] * 6
    alerts = db.session.execute(text("SELECT kind FROM shop_alert")).scalars().all()
    assert alerts == ["service_down"]


def test_the_days_limit_makes_reports_wait_for_the_next_day(
    app: Flask, report: Order, keys: Sandbox, time: Clockwork, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(get_settings(), "ai_buyer_daily_usd", 0.0)
    fulfil(app)
    assert (reread(report).error, report.attempts) == ("spending_cap", 0)
    assert fulfil(app) == 0
    assert db.session.execute(text("SELECT kind FROM shop_alert")).scalars().all() == ["spending_cap"]
    monkeypatch.setattr(get_settings(), "ai_buyer_daily_usd", 2.0)
    time.forward(days=1)
    fulfil(app)
    assert reread(report).phase is Phase.DELIVERING


def test_a_key_that_is_refused_makes_orders_wait_and_the_boss_hear_of_it_once(
    app: Flask, shop: Talk, cast: Cast, keys: Sandbox, time: Clockwork
):
    orders = [paid(a_report(cast.tenant), LIN, ago=number) for number in range(6)]
    keys.deepseek_knobs("401")
    for _ in range(30):
        time.forward(minutes=1)
        fulfil(app)
    assert keys.deepseek_counters()["asked"] < 20
    assert all(reread(one).attempts == 0 for one in orders)
    assert db.session.execute(text("SELECT kind FROM shop_alert")).scalars().all() == ["service_key_bad"]


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


def test_the_buyer_sees_how_far_it_is(app: Flask, shop: Talk, cast: Cast, keys: Sandbox):
    paid(a_report(cast.tenant), LIN)
    keys.deepseek_knobs("ok", wait=0.5)
    fulfil_until_told(app, shop)
    edits = [call["params"].get("text", "") for call in shop.telegram.calls(shop.bot, "editMessageText")]
    assert any("▰" in one for one in edits)
    assert shop.telegram.calls(shop.bot, "sendChatAction")


def test_a_worker_ends_when_there_is_nothing_to_do(
    app: Flask, shop: Talk, cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(order_worker, "LINGER_SECONDS", 0.3)
    orders = [paid(a_credit_product(cast.tenant), LIN + number) for number in range(10)]
    order_worker.run(app, threading.Event())
    assert all(reread(one).phase is Phase.DELIVERING for one in orders)
    assert order_worker_is_gone()


def test_a_process_that_ends_lets_go_of_what_takes_too_long(
    app: Flask, report: Order, keys: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(order_worker, "LEAVE_SECONDS", 0.2)
    keys.deepseek_knobs("ok", wait=3.0)
    stopping = threading.Event()
    worker = threading.Thread(target=in_scope, args=(app, lambda: order_worker.run(app, stopping)))
    worker.start()
    wait_for(lambda: keys.deepseek_counters().get("asked") == 1, what="a text to be written")
    stopping.set()
    worker.join(10)
    assert (reread(report).state, report.attempts, report.deaths) == (OrderState.PAID, 0, 0)
    wait_for(
        lambda: not [one for one in threading.enumerate() if one.name.startswith("order_")], what="threads"
    )
    assert story(report.id)[-1] == "handed_over"


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


def in_scope(app: Flask, act: Callable[[], object]) -> None:
    with app.app_context(), system_scope():
        act()


def order_worker_is_gone() -> bool:
    with transaction():
        return leases.held(sweep.KIND, sweep.SLICES)[0] == 0


def fulfil_until_told(app: Flask, shop: Talk) -> None:
    """The buyer has his progress message, and the order is not delivered."""
    with transaction():
        telling.begun_some()
    send(shop.config)
    fulfil(app)


def sources(order: Order) -> dict[str, str]:
    query = text("SELECT step, source FROM order_step WHERE order_id = :id AND step <> 'delivery'")
    return {row.step: row.source for row in db.session.execute(query, {"id": order.id})}
