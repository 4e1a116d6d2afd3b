"""The form of a lottery: rows, moments, errors at their fields, the preview, and looking at channels."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.domain.lotteries import LotteryState
from app.models import Bot, Lottery
from app.services.lotteries import lookup
from tests.cast import Cast, sign_in
from tests.lottery_tools import a_bot, a_draft, an_open
from tests.managing import add
from tests.sandbox_client import Sandbox

FORM = "/admin/lottery-form/"
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return a_bot(cast.tenant)


@pytest.fixture
def boss(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


def typed(bot: Bot, **more: Any) -> dict[str, Any]:
    tomorrow = clock.now() + timedelta(days=1, hours=8)
    return {
        "bot_id": str(bot.id),
        "title": "Mid-autumn",
        "prizes-0-name": "Mug",
        "prizes-0-quantity": "3",
        "closes_at": f"{tomorrow:%Y-%m-%dT%H:%M}",
        **more,
    }


def the_lottery() -> Lottery:
    db.session.expire_all()
    return db.session.scalars(select(Lottery).order_by(Lottery.id.desc())).first()


def test_a_lottery_is_made_from_a_form_in_the_tenants_zone(boss: FlaskClient, bot: Bot):
    answer = boss.post(FORM, data=typed(bot, closes_at="2027-02-01T20:00", then="draft"))
    assert answer.status_code == 303
    lottery = the_lottery()
    assert (lottery.title, lottery.state) == ("Mid-autumn", LotteryState.DRAFT)
    assert lottery.closes_at == datetime(2027, 2, 1, 12, 0, tzinfo=UTC)
    assert [(prize.name, prize.quantity) for prize in lookup.prizes(lottery.id)] == [("Mug", 3)]


def test_everything_a_boss_may_decide_arrives(boss: FlaskClient, bot: Bot):
    more = {
        "prizes-4-name": "Tea",
        "prizes-4-quantity": "",
        "prizes-4-credits": "50",
        "channels-0-chat": "https://t.me/teahouse",
        "channels-0-title": "Tea house",
        "invites": "2",
        "credits": "10",
        "account_age": "7",
        "max_entries": "100",
        "closes_when_full": "y",
        "per_invite": "1",
        "per_boost": "2",
        "boost_chat": "teahouse",
        "most_tickets": "20",
        "publish_to": ["@teahouse", "t.me/teahouse", " "],
        "claim_hours": "48",
    }
    assert boss.post(FORM, data=typed(bot, **more)).status_code == 303
    lottery = the_lottery()
    assert [row["type"] for row in lottery.conditions] == ["channel", "invites", "credits", "account_age"]
    assert lottery.conditions[0]["chat"] == "@teahouse"
    assert lottery.tickets == {"per_invite": 1, "per_boost": 2, "boost_chat": "@teahouse", "max": 20}
    assert (lottery.publish_to, lottery.claim_hours, lottery.max_entries) == (["@teahouse"], 48, 100)
    assert [(p.name, p.quantity, p.credits) for p in lookup.prizes(lottery.id)][1] == ("Tea", 1, 50)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": ""}, "title"),
        ({"prizes-0-name": ""}, "prizes-0-name"),
        ({"prizes-0-quantity": "many"}, "prizes-0-quantity"),
        ({"prizes-0-quantity": "20000"}, "prizes-0-quantity"),
        ({"closes_at": "2020-01-01T00:00"}, "closes_at"),
        ({"closes_at": ""}, "closes_at"),
        ({"closes_when_full": "y"}, "max_entries"),
        ({"channels-0-chat": "not a chat!"}, "channels-0-chat"),
        ({"channels-0-chat": "@teahouse", "channels-0-url": "https://evil.example"}, "channels-0-url"),
        ({"per_boost": "1"}, "boost_chat"),
        ({"per_invite": "1", "most_tickets": "1"}, "most_tickets"),
    ],
)
def test_an_error_stands_at_its_field_and_nothing_typed_is_lost(
    boss: FlaskClient, bot: Bot, wrong: dict[str, str], field: str
):
    answer = boss.post(FORM, data=typed(bot, description="kept as typed", **wrong))
    assert answer.status_code == 200
    assert f'id="{field}-error"' in answer.text
    assert "kept as typed" in answer.text
    assert the_lottery() is None


def test_a_bad_chat_to_publish_to_is_shown(boss: FlaskClient, bot: Bot):
    answer = boss.post(FORM, data=typed(bot, publish_to=["no chat"]))
    assert "field-error" in answer.text
    assert 'value="no chat"' in answer.text


@pytest.mark.parametrize("name", ["tenant_id", "state", "seed", "code", "opened_at"])
def test_a_field_that_the_form_has_not_is_refused(boss: FlaskClient, bot: Bot, name: str):
    assert boss.post(FORM, data=typed(bot, **{name: "1"})).status_code == 400
    assert the_lottery() is None


def test_nobody_makes_one_with_another_tenants_bot(boss: FlaskClient, cast: Cast, bot: Bot):
    other = a_bot(cast.other_tenant, 2)
    assert boss.post(FORM, data=typed(other)).status_code == 200
    assert the_lottery() is None


def test_a_preset_fills_the_form_in(boss: FlaskClient, bot: Bot):
    page = boss.get(f"{FORM}?preset=full").text
    assert 'value="100"' in page
    assert "closes_when_full" in page
    assert boss.get(f"{FORM}?preset=nonsense").status_code == 200


def test_a_copy_holds_what_the_first_one_held(boss: FlaskClient, bot: Bot):
    first = an_open(bot, title="First one", conditions=[{"type": "invites", "count": 4}])
    page = boss.get(f"{FORM}?copy={first.id}").text
    assert 'value="First one"' in page
    assert 'value="4"' in page


def test_a_draft_is_changed_and_an_open_one_is_not(boss: FlaskClient, bot: Bot):
    draft, running = a_draft(bot), an_open(bot)
    assert boss.post(f"{FORM}edit/", data=typed(bot, id=str(draft.id), title="Better")).status_code == 303
    boss.post(f"{FORM}edit/", data=typed(bot, id=str(running.id), title="Worse"))
    db.session.expire_all()
    assert lookup.get(draft.id).title == "Better"
    assert lookup.get(running.id).title == "Weekend draw"


def test_publishing_shows_what_will_be_public_first(boss: FlaskClient, bot: Bot):
    answer = boss.post(FORM, data=typed(bot, then="publish"), follow_redirects=True)
    assert "Mug" in answer.text
    lottery = the_lottery()
    assert lottery.state is LotteryState.DRAFT
    assert boss.post(f"{FORM}publish/", data={"id": str(lottery.id)}).status_code == 303
    assert the_lottery().state is LotteryState.OPEN


def test_the_preview_follows_what_is_typed(boss: FlaskClient, bot: Bot):
    page = boss.post(f"{FORM}preview/", data=typed(bot, title=EVIL, **{"prizes-1-name": "Big & small"})).text
    assert EVIL not in page
    assert "&lt;script&gt;" in page
    assert "Big &amp; small" in page


def test_the_preview_stands_half_a_form(boss: FlaskClient, bot: Bot):
    half = {"bot_id": str(bot.id), "title": "", "closes_at": "x", "channels-0-chat": "??", "max_entries": "-"}
    assert boss.post(f"{FORM}preview/", data=half).status_code == 200


def test_the_form_says_whether_the_bot_is_in_a_channel(boss: FlaskClient, cast: Cast, telegram: Sandbox):
    told = telegram.create_bot("shop_bot", "Shop")
    bot = add(cast.tenant.id, told["token"])
    channel = telegram.create_chat("channel", "Tea house", username="teahouse")

    def look(chat: str) -> str:
        return boss.post(f"{FORM}look/", data={"bot_id": str(bot.id), "chat": chat}).text

    assert "sight-bad" in look("@nowhere_at_all")
    assert "sight-bad" in look("@teahouse")
    telegram.set_member(channel["id"], "shop_bot", "administrator")
    assert "sight-ok" in look("https://t.me/teahouse")
    assert 'data-title="Tea house"' in look("@teahouse")


def test_staff_and_strangers_make_nothing(app: Flask, cast: Cast, bot: Bot):
    draft = a_draft(bot)
    staff, stranger = sign_in(app, cast.staff), sign_in(app, cast.stranger)
    assert staff.get(FORM).status_code == 403
    assert staff.post(f"{FORM}publish/", data={"id": str(draft.id)}).status_code == 403
    for path in (
        f"edit/?id={draft.id}",
        f"publish/?id={draft.id}",
        f"chats/?id={draft.id}",
        f"?copy={draft.id}",
    ):
        assert stranger.get(FORM + path).status_code == 404, path
    assert stranger.post(f"{FORM}look/", data={"bot_id": str(bot.id), "chat": "@x"}).status_code == 404


def test_without_a_bot_the_form_opens_and_asks_for_one(boss: FlaskClient):
    assert boss.get(FORM).status_code == 200
    data = {"title": "Tea", "prizes-0-name": "Mug", "closes_at": "2030-01-01T20:00"}
    assert "field-error" in boss.post(FORM, data=data).text


def test_a_removed_bots_lottery_still_has_its_page(boss: FlaskClient, bot: Bot):
    lottery = an_open(bot)
    bot.removed_at = clock.now()
    db.session.commit()
    assert "text-danger" in boss.get(f"/admin/lotteries/details/?id={lottery.id}").text
    assert boss.get(f"{FORM}?copy={lottery.id}").status_code == 200
