"""A promoter in the chat: becoming one, his link, his figures."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from app.core.db import db
from app.core.queue import transaction
from app.domain.affiliates import Referral
from app.models import Promoter, PromoterBinding, PromoterTouch
from app.services import affiliates
from app.services.affiliates import promoters, terms
from app.services.affiliates.terms import Terms
from bots.conversations import promote
from tests.bots.lottery_talk import urls
from tests.bots.promote_talk import AGREE, becomes_a_promoter, the_promoter
from tests.cast import Cast
from tests.promoting import a_paying_product, an_order, complete, refund
from tests.sandbox_client import LIN, WANG, Sandbox
from tests.talking import Talk, give, make_bot, message, press

pytestmark = pytest.mark.usefixtures("in_a_hurry")

NEW = 7300


@pytest.fixture(autouse=True)
def product(talk: Talk, cast: Cast):
    return a_paying_product(cast.tenant)


@pytest.fixture
def lin(talk: Talk) -> Promoter:
    """Lin, who became a promoter in the chat."""
    return becomes_a_promoter(talk)


@pytest.fixture
def newcomer(talk: Talk) -> Callable[..., list[str]]:
    """Somebody whom nobody knows opens Lin's link; what he reads."""

    def comes(code: str, user: int = NEW) -> list[str]:
        talk.telegram.post("users", id=user, first_name="Mei", language_code="en")
        return talk.say(f"/start r_{code}", user)

    return comes


def outcomes() -> list[Referral]:
    db.session.rollback()
    return [one.outcome for one in db.session.query(PromoterTouch).order_by(PromoterTouch.id)]


def bought(talk: Talk, product, buyer: int = NEW):
    order = an_order(talk.config, product, buyer)
    complete(order)
    return order


# --- becoming one


def test_one_tap_makes_a_promoter_after_he_has_read_the_terms(talk: Talk):
    with transaction():
        terms.save(talk.config.tenant_id, Terms(window_days=7, least={"USD": 1000}, words="No spam, please."))
    (offer,) = talk.say("/promote")
    assert "for 7 days" in offer
    assert "Smallest withdrawal: $10.00" in offer
    assert "No spam, please." in offer
    page = talk.press(AGREE)
    assert f"https://t.me/{talk.bot['username']}?start=r_{the_promoter(LIN).code}" in page


def test_the_menu_invites_once_a_product_pays_a_commission(telegram: Sandbox, cast: Cast):
    plain = Talk(telegram, *make_bot(telegram, cast.other_tenant))
    plain.say("/start")
    assert "📣 Promote and earn" not in plain.labels()
    assert "not offered" in plain.say("/promote")[0]


def test_the_menu_leads_there(talk: Talk):
    talk.say("/start")
    assert "You get a link of your own" in talk.press("📣 Promote and earn")


def test_pressing_the_old_button_again_keeps_the_link(talk: Talk, lin: Promoter):
    give(talk.config, callback_query=press("1:prnew"))
    assert db.session.query(Promoter).count() == 1


def test_nothing_is_told_in_groups(talk: Talk):
    group = {"id": -500, "type": "group", "title": "Friends"}
    give(talk.config, message=message(f"/promote@{talk.bot['username']}", chat=group))
    assert db.session.query(Promoter).count() == 0


def test_the_link_can_be_sent_on(talk: Talk, lin: Promoter):
    talk.say("/promote")
    shared = parse_qs(urlsplit(urls(talk)["📤 Send my link to friends"]).query)
    assert shared["url"] == [f"https://t.me/{talk.bot['username']}?start=r_{lin.code}"]


def test_the_link_comes_as_a_picture(talk: Talk, lin: Promoter):
    talk.say("/promote")
    talk.telegram.press(talk.bot, LIN, "🔳 QR code")
    talk.feed()
    last = talk.telegram.messages(talk.bot, LIN)[-1]
    assert last["photo"]
    assert lin.code in last["caption"]


# --- coming by a link


def test_somebody_new_is_welcomed_and_bound(talk: Talk, lin: Promoter, newcomer):
    assert "welcome" in newcomer(lin.code)[0]
    assert affiliates.promoter_of(lin.tenant_id, NEW) == lin.id


def test_an_update_that_fails_first_still_finds_him_new(talk: Talk, lin: Promoter, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("the worker stumbles")

    update = {"update_id": 77, "message": message(f"/start r_{lin.code}", user=NEW)}
    talk.telegram.post("users", id=NEW, first_name="Mei", language_code="en")
    with monkeypatch.context() as patched:
        patched.setattr(promote.affiliates, "touch", fail)
        with pytest.raises(RuntimeError):
            give(talk.config, **update)
    give(talk.config, **update)
    assert outcomes() == [Referral.BOUND]


def test_the_same_update_handled_twice_binds_once(talk: Talk, lin: Promoter):
    update = {"update_id": 77, "message": message(f"/start r_{lin.code}", user=NEW)}
    for _ in range(2):
        give(talk.config, **update)
    assert outcomes() == [Referral.BOUND]
    assert db.session.query(PromoterBinding).count() == 1


def test_who_was_here_before_is_not_bound(talk: Talk, lin: Promoter):
    talk.say("hello", WANG)
    assert "welcome" in talk.say(f"/start r_{lin.code}", WANG)[0]
    assert outcomes() == [Referral.KNOWN]


def test_his_own_link_tells_him_what_it_is_for(talk: Talk, lin: Promoter):
    said = talk.say(f"/start r_{lin.code}")
    assert "your own link" in said[0]
    assert outcomes() == [Referral.SELF]


@pytest.mark.parametrize("code", ["", "NOBODY", "_", "'; DROP TABLE promoter; --"])
def test_an_unknown_code_just_opens_the_menu(talk: Talk, lin: Promoter, code: str):
    assert "welcome" in talk.say(f"/start r_{code}")[0]
    assert outcomes() == []


# --- figures and lists


def test_his_page_shows_what_the_link_brought(talk: Talk, lin: Promoter, newcomer, product):
    newcomer(lin.code)
    talk.say("hello", WANG)
    talk.say(f"/start r_{lin.code}", WANG)
    bought(talk, product)
    page = talk.say("/promote")[0]
    for line in (
        "Opened your link: 2",
        "Count for you: 1 (50%)",
        "Buyers: 1 (50%), orders: 1",
        "Earned from those you brought: $10.00",
        "Balance: $10.00",
    ):
        assert line in page


def test_he_sees_why_one_does_not_count_and_no_full_names(talk: Talk, lin: Promoter, newcomer):
    newcomer(lin.code)
    talk.say("hello", WANG)
    talk.say(f"/start r_{lin.code}", WANG)
    talk.say("/promote")
    found = talk.press("👥 Who came")
    assert "M**\n   Counts for you" in found
    assert "W**\n   Knew the shop already" in found
    assert "Mei" not in found
    assert "Wang" not in found


def test_his_entries_name_the_orders(talk: Talk, lin: Promoter, newcomer, product):
    newcomer(lin.code)
    order = bought(talk, product)
    refund(order)
    talk.say("/promote")
    found = talk.press("📒 Entries")
    assert f"+$10.00\n   Commission · {order.code}" in found
    assert f"-$10.00\n   Taken back: the order was refunded · {order.code}" in found


def test_long_lists_have_pages(talk: Talk, lin: Promoter, newcomer):
    for user in range(8000, 8012):
        newcomer(lin.code, user)
    talk.say("/promote")
    assert talk.press("👥 Who came").count("Counts for you") == 10
    assert talk.press("Older ➡️").count("Counts for you") == 2


def test_a_debt_is_explained(talk: Talk, lin: Promoter, newcomer, product):
    newcomer(lin.code)
    order = bought(talk, product)
    with transaction():
        promoters.adjust(lin.id, "USD", -1000, "paid in cash", "1")
    refund(order)
    assert "$10.00 of what you earn next fills that up" in talk.say("/promote")[0]


def test_a_paused_promoter_reads_it(talk: Talk, lin: Promoter):
    with transaction():
        promoters.pause(lin.id)
    assert "is paused" in talk.say("/promote")[0]


@pytest.mark.parametrize("word", ["prwho", "prbook", "prwd", "prcur:USD", "prall:USD", "prok:00", "prqr"])
def test_who_is_no_promoter_gets_nothing(talk: Talk, word: str):
    talk.say("hello", WANG)
    before = len(talk.texts(WANG))
    assert give(talk.config, callback_query=press(f"1:{word}", user=WANG))
    assert len(talk.texts(WANG)) == before
