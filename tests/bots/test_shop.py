"""The shop in the bot: the list, the card, what is sold out or gone."""

import pytest

from app.core.db import db
from app.core.queue import transaction
from app.domain.sending import utf16_length
from app.models import ProductVisit
from app.services import pictures
from tests.bots.lottery_talk import urls
from tests.cast import Cast
from tests.painting import painted
from tests.sandbox_client import LIN, Sandbox
from tests.shopping import a_product, codes
from tests.talking import Talk, give, make_bot, message, press

pytestmark = pytest.mark.usefixtures("in_a_hurry")


@pytest.fixture
def tea(talk: Talk, cast: Cast):
    return a_product(
        cast.tenant, codes(9), name="Tea", description="Green & fresh", providers=["stars"], stars=150
    )


def test_the_menu_leads_to_the_shop(talk: Talk, tea):
    talk.say("/start")
    assert "🛒 Shop" in talk.labels()
    said = talk.press("🛒 Shop")
    assert "Tea" in said
    assert "⭐150" in said
    assert "Green & fresh" in talk.press("Tea")
    assert "🛒 Buy for ⭐150" in talk.labels()


def test_an_empty_shop_says_so(talk: Talk):
    assert "Nothing is on sale" in talk.say("/shop")[0]


def test_a_long_list_has_pages(talk: Talk, cast: Cast):
    for number in range(8):
        a_product(cast.tenant, codes(9), name=f"Thing {number}", position=number)
    first = talk.say("/shop")[0]
    assert "Thing 5" in first
    assert "Thing 6" not in first
    second = talk.press("Next ➡️")
    assert "(page 2)" in second
    assert "Thing 7" in second
    assert "Thing 0" in talk.press("⬅️ Previous")


def test_a_link_opens_the_product(talk: Talk, tea):
    assert "Tea" in talk.say(f"/start p_{tea.code}")[0]
    assert "Tea" in talk.say(f"/shop {tea.code.lower()}")[0]


@pytest.mark.parametrize("code", ["NOSUCH2345", "'; drop table", "x" * 62, "{{7*7}}", "\u0000"])
def test_a_link_to_nothing_leads_to_the_shop(talk: Talk, code: str):
    give(talk.config, message=message(f"/start p_{code}"))
    assert "not on sale any more" in talk.texts()[-1]


@pytest.mark.parametrize("fields", [{"state": "draft"}, {"state": "off_sale"}, {"state": "archived"}])
def test_what_is_not_on_sale_is_not_shown(talk: Talk, cast: Cast, fields):
    product = a_product(cast.tenant, codes(1), name="Hidden", **fields)
    assert "Hidden" not in talk.say("/shop")[0]
    assert "not on sale" in talk.say(f"/start p_{product.code}")[0]


def test_another_bots_and_another_tenants_products_are_not_shown(talk: Talk, cast: Cast, telegram: Sandbox):
    _, other = make_bot(telegram, cast.tenant)
    _, foreign = make_bot(telegram, cast.other_tenant)
    a_product(cast.tenant, codes(1), name="Elsewhere", bot_id=other.id)
    theirs = a_product(cast.other_tenant, codes(1), name="Theirs", bot_id=foreign.id)
    assert "Nothing is on sale" in talk.say("/shop")[0]
    assert "not on sale" in talk.say(f"/start p_{theirs.code}")[0]
    give(talk.config, callback_query=press(f"1:prod:{theirs.code}"))
    assert "Theirs" not in "".join(talk.texts())


def test_the_sold_out_is_shown_without_a_way_to_buy(talk: Talk, cast: Cast):
    a_product(cast.tenant, name="Rare", providers=["stars"], stars=5)
    assert "sold out" in talk.say("/shop")[0]
    assert "Sold out at the moment" in talk.press("Rare")
    assert not [label for label in talk.labels() if "Buy" in label]


def test_few_that_are_left_are_counted(talk: Talk, cast: Cast):
    product = a_product(cast.tenant, codes(2), providers=["stars"], stars=5)
    assert "Only 2 left" in talk.say(f"/start p_{product.code}")[0]


def test_each_price_is_shown(talk: Talk, cast: Cast, monkeypatch):
    monkeypatch.setattr("app.services.service_accounts.manual", lambda _: object())
    product = a_product(cast.tenant, codes(9), providers=["manual", "stars"], stars=150)
    assert "$19.90 / ⭐150" in talk.say(f"/start p_{product.code}")[0]


def test_a_product_that_cannot_be_paid_right_now_has_no_way_to_buy(talk: Talk, cast: Cast):
    product = a_product(cast.tenant, codes(9), providers=["manual"])
    talk.say(f"/start p_{product.code}")
    assert not [label for label in talk.labels() if "Buy" in label]


def test_nobodys_words_become_markup(talk: Talk, cast: Cast):
    product = a_product(
        cast.tenant, codes(9), name="<b>x</b>", description="<script>&", providers=["stars"], stars=5
    )
    assert "<b>x</b>" in talk.say(f"/start p_{product.code}")[0]


def test_in_a_group_the_buttons_open_the_private_chat(talk: Talk, tea):
    group = talk.telegram.create_chat("supergroup", "Fans", members={talk.bot["username"]: "member"})
    give(
        talk.config, message=message("/shop", chat={"id": group["id"], "type": "supergroup", "title": "Fans"})
    )
    assert urls(talk, group["id"])["Tea"].endswith(f"?start=p_{tea.code}")


@pytest.mark.parametrize(
    "data", ["1:prod", "1:prod:NOSUCH2345", "1:shop:0", "1:shop:99999", "1:buy", "1:buy:x"]
)
def test_a_press_that_names_nothing_does_no_harm(talk: Talk, tea, data: str):
    assert give(talk.config, callback_query=press(data))


def test_looking_is_counted_once_a_day(talk: Talk, tea):
    for _ in range(3):
        talk.say(f"/start p_{tea.code}")
    (visit,) = db.session.query(ProductVisit)
    assert (visit.telegram_id, visit.stage) == (LIN, "viewed")


def test_a_picture_stands_above_the_card_and_a_long_description_gives_way(talk: Talk, cast: Cast):
    with transaction():
        picture_id = pictures.store(cast.tenant.id, painted())
    ways = {"providers": ["stars"], "stars": 5}
    product = a_product(cast.tenant, codes(9), picture_id=picture_id, description="🍵" * 900, **ways)
    caption = talk.say(f"/start p_{product.code}")[0]
    assert talk.telegram.calls(talk.bot, "sendPhoto")
    assert utf16_length(caption) <= 1024
    assert "…" in caption
    assert "⭐5" in caption
    assert "🛒 Buy for ⭐5" in talk.labels()
    assert "Shop" in talk.press("🛒 Shop") or "shop" in talk.texts()[-1]


def test_what_nobody_can_pay_is_said_kindly(talk: Talk, cast: Cast):
    product = a_product(cast.tenant, codes(9), name="Tea", providers=["manual"])
    assert "not to be had just now" in talk.say("/shop")[0]
    assert "can't be bought just now" in talk.say(f"/start p_{product.code}")[0]
    assert not [label for label in talk.labels() if "Buy" in label]
