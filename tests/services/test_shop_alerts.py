"""News for the boss: written once, told to who can be told, open until settled."""

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import EN
from app.core.queue import transaction
from app.core.settings import get_settings
from app.domain.shop_alerts import MANY, TEXTS, AlertKind
from app.models import Bot, BotMember, Mail, Member, Membership, OutgoingMessage, Product, ShopAlert
from app.services import shop_alerts
from tests.cast import Cast
from tests.lottery_tools import a_bot
from tests.shopping import a_product, an_order

BOSS = 7_000_001


@pytest.fixture
def bot(cast: Cast) -> Bot:
    """The owner is linked and talks with this bot."""
    bot = a_bot(cast.tenant)
    owned = {"tenant_id": cast.tenant.id, "telegram_id": BOSS}
    db.session.add(Member(**owned, first_name="Boss"))
    db.session.flush()
    db.session.add(BotMember(**owned, bot_id=bot.id))
    db.session.execute(update(Membership).where(Membership.user_id == cast.owner.id).values(telegram_id=BOSS))
    db.session.commit()
    return bot


def raised(cast: Cast, kind: AlertKind, key: str, **more: object) -> bool:
    with transaction():
        return shop_alerts.raise_alert(cast.tenant.id, kind, key, **more)


def tell() -> int:
    with transaction():
        return shop_alerts.tell()


def said() -> list[str]:
    return list(
        db.session.scalars(select(OutgoingMessage.payload["text"].astext).order_by(OutgoingMessage.id))
    )


def test_the_same_thing_is_written_once(cast: Cast):
    assert raised(cast, AlertKind.DISPUTE, "dispute:1")
    assert not raised(cast, AlertKind.DISPUTE, "dispute:1")


def test_the_boss_is_told_once_with_a_link_to_the_page(cast: Cast, bot: Bot, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(get_settings(), "public_url", "https://shop.example")
    cast.owner.locale = EN
    product = a_product(cast.tenant, name="Gold card")
    raised(cast, AlertKind.LOW_STOCK, "low:1", product_id=product.id, details={"left": 3})
    assert (tell(), tell()) == (1, 0)
    (message,) = said()
    assert "Gold card" in message
    assert "3 left" in message
    assert message.endswith(f"\nhttps://shop.example/admin/product-stock/?id={product.id}")


def test_an_orders_news_names_the_order(cast: Cast, bot: Bot):
    order = an_order(a_product(cast.tenant, name="Gold card"))
    raised(cast, AlertKind.MANUAL_ORDER, "manual:1", order_id=order.id)
    alert = shop_alerts.list_open(cast.tenant.id)[0]
    assert shop_alerts.words(alert, EN) == f"Order {order.code} is paid and waits for you: “Gold card”."
    assert shop_alerts.path(alert) == f"/admin/orders/details/?id={order.id}"


def test_many_of_a_kind_are_one_message(cast: Cast, bot: Bot):
    cast.owner.locale = EN
    product = a_product(cast.tenant)
    for number in range(20):
        raised(cast, AlertKind.ORDER_FAILED, f"failed:{number}", order_id=an_order(product).id)
    assert tell() == 20
    assert said() == ["🔔 20 orders could not be delivered. Look at them."]


def test_nobody_to_tell_leaves_it_open_and_is_told_later(cast: Cast, request: pytest.FixtureRequest):
    raised(cast, AlertKind.DISPUTE, "dispute:1")
    assert tell() == 0
    request.getfixturevalue("bot")
    assert tell() == 1


def test_what_is_old_is_no_news(cast: Cast, bot: Bot):
    raised(cast, AlertKind.DISPUTE, "dispute:1")
    db.session.execute(text("UPDATE shop_alert SET created_at = now() - interval '25 hours'"))
    db.session.commit()
    assert tell() == 0
    assert len(shop_alerts.list_open(cast.tenant.id)) == 1


def test_where_there_is_mail_it_goes_by_mail_too(cast: Cast, app: Flask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(get_settings(), "mail_url", "smtp://127.0.0.1")
    raised(cast, AlertKind.DISPUTE, "dispute:1")
    assert tell() == 1
    assert db.session.scalars(select(Mail.recipient)).all() == ["owner@a.example"]


def test_settled_news_is_closed_once(cast: Cast, bot: Bot):
    raised(cast, AlertKind.DISPUTE, "dispute:1")
    alert = shop_alerts.list_open(cast.tenant.id)[0]
    assert shop_alerts.settle(alert.id, "Owner")
    assert not shop_alerts.settle(alert.id, "Staff")
    assert db.session.scalar(select(ShopAlert.settled_by)) == "Owner"
    assert shop_alerts.list_open(cast.tenant.id) == []
    assert tell() == 0
    with pytest.raises(NotFound):
        shop_alerts.settle(999, "Owner")


def test_all_of_a_product_can_be_settled_together(cast: Cast):
    one, two = a_product(cast.tenant), a_product(cast.tenant)
    for product in (one, two):
        raised(cast, AlertKind.SOLD_OUT, f"sold_out:{product.id}", product_id=product.id)
    with transaction():
        shop_alerts.settle_kind(cast.tenant.id, [AlertKind.SOLD_OUT], "Owner", product_id=one.id)
    assert [alert.product_id for alert in shop_alerts.list_open(cast.tenant.id)] == [two.id]


def test_every_kind_has_words_that_can_be_filled(cast: Cast):
    order = an_order(a_product(cast.tenant))
    product = db.session.get_one(Product, order.product_id)
    for kind in AlertKind:
        raised(cast, kind, kind.value, order_id=order.id, product_id=product.id)
    for alert in shop_alerts.list_open(cast.tenant.id):
        assert shop_alerts.words(alert, EN)
        assert shop_alerts.path(alert).startswith("/admin/")
    assert set(TEXTS) == set(AlertKind)
    assert set(MANY) <= set(AlertKind)
