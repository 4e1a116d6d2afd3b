"""The JSON API for lotteries: every move, only legal ones, and nothing of other tenants."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core import clock
from app.core.queue import transaction
from app.models import Bot, Lottery
from app.services import api_keys, lotteries
from tests import drawing
from tests.cast import Cast, sign_in
from tests.lottery_tools import a_bot, a_draft, an_open, enter, members
from tests.statements import Statements

Json = dict[str, object]
LIST = "/api/lotteries"


class Caller:
    """A program with a tenant's key."""

    def __init__(self, client: FlaskClient, tenant_id: int) -> None:
        with transaction():
            key = api_keys.create(tenant_id, "test").key
        self.client, self.headers = client, {"X-Api-Key": key, "Accept-Language": "en"}

    def __call__(self, method: str, path: str, json: object = None, **query: object):
        return self.client.open(path, method=method, json=json, query_string=query, headers=self.headers)


@pytest.fixture
def call(app: Flask, cast: Cast) -> Caller:
    return Caller(app.test_client(), cast.tenant.id)


@pytest.fixture
def stranger(app: Flask, cast: Cast) -> Caller:
    return Caller(app.test_client(), cast.other_tenant.id)


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return a_bot(cast.tenant)


def body(**fields: object) -> Json:
    """Two mugs, closing in a day."""
    closing = (clock.now() + timedelta(days=1)).isoformat()
    mugs = [{"name": "Mug", "quantity": 2}]
    return {"title": "Weekend draw", "prizes": mugs, "closes_at": closing} | fields


def drawn(bot: Bot, *telegram_ids: int) -> Lottery:
    """Two mugs among these people."""
    lottery = an_open(bot)
    enter(lottery, *telegram_ids)
    drawing.close(lottery)
    drawing.draw(lottery)
    return lottery


# --- making and moving
def test_a_draft_is_made_and_published(call: Caller, bot: Bot):
    made = call("POST", LIST, body())
    assert (made.status_code, made.json["state"], made.json["bot"]) == (201, "draft", bot.public_id)
    opened = call("POST", f"{LIST}/{made.json['code']}/publish")
    assert (opened.status_code, opened.json["state"]) == (200, "open")
    assert opened.json["commitment"] == made.json["commitment"]
    assert opened.json["link"] == f"https://t.me/bot1?start=l_{made.json['code']}"


def test_it_may_be_published_at_once_and_says_what_it_is(call: Caller, bot: Bot):
    conditions = [{"type": "channel", "chat": "@teahouse"}, {"type": "invites", "count": 3}]
    answer = call("POST", LIST, body(publish=True, conditions=conditions, max_entries=100))
    assert answer.json["state"] == "open"
    assert answer.json["rules"]["conditions"] == conditions
    assert answer.json["rules"]["max_entries"] == 100
    assert call("GET", f"{LIST}/{answer.json['code'].lower()}").json == answer.json


def test_the_rules_make_the_same_lottery_again(call: Caller, bot: Bot):
    first = call("POST", LIST, body(tickets={"per_invite": 1, "max": 5}, claim_hours=24)).json
    again = call("POST", LIST, first["rules"])
    assert (again.status_code, again.json["rules"]) == (201, first["rules"])


def test_a_later_opening_is_scheduled_and_may_be_taken_back(call: Caller, bot: Bot):
    later = (clock.now() + timedelta(hours=2)).isoformat()
    code = call("POST", LIST, body(opens_at=later, publish=True)).json["code"]
    assert call("GET", f"{LIST}/{code}").json["state"] == "scheduled"
    assert call("POST", f"{LIST}/{code}/unpublish").json["state"] == "draft"
    assert call("PUT", f"{LIST}/{code}", body(title="Another")).json["title"] == "Another"


def test_closing_ends_the_entries_once(call: Caller, bot: Bot):
    code = an_open(bot).code
    assert call("POST", f"{LIST}/{code}/close").json["state"] == "drawing"
    again = call("POST", f"{LIST}/{code}/close")
    assert (again.status_code, again.json["close_reason"]) == (200, "early")


def test_cancelling_needs_a_reason(call: Caller, bot: Bot):
    code = an_open(bot).code
    assert call("POST", f"{LIST}/{code}/cancel", {"reason": "  "}).json["code"] == "bad_reason"
    assert call("POST", f"{LIST}/{code}/cancel", {}).status_code == 422
    cancelled = call("POST", f"{LIST}/{code}/cancel", {"reason": "rain"})
    assert (cancelled.json["state"], cancelled.json["cancel_reason"]) == ("cancelled", "rain")


@pytest.mark.parametrize(
    ("state", "illegal"),
    [
        ("draft", ["close", "unpublish", "entries", "redraw"]),
        ("open", ["publish", "unpublish", "change", "redraw"]),
        ("drawing", ["publish", "unpublish", "change", "cancel", "entries", "redraw"]),
        ("cancelled", ["publish", "unpublish", "change", "cancel", "close", "entries", "redraw"]),
    ],
)
def test_only_legal_moves_are_possible(call: Caller, bot: Bot, state: str, illegal: list[str]):
    lottery = a_draft(bot) if state == "draft" else an_open(bot)
    if state in {"drawing", "cancelled"}:
        with transaction():
            lotteries.close(lottery.id) if state == "drawing" else lotteries.cancel(lottery.id, "rain")
    path = f"{LIST}/{lottery.code}"
    moves = {
        "publish": ("POST", f"{path}/publish", None),
        "unpublish": ("POST", f"{path}/unpublish", None),
        "close": ("POST", f"{path}/close", None),
        "cancel": ("POST", f"{path}/cancel", {"reason": "rain"}),
        "change": ("PUT", path, body()),
        "entries": ("POST", f"{path}/entries", {"telegram_ids": [1]}),
        "redraw": ("POST", f"{path}/winners/1/redraw", {"reason": "gone"}),
    }
    for name in illegal:
        answer = call(*moves[name])
        assert (name, answer.status_code, answer.json["code"]) == (name, 409, "illegal_move")
    assert call("GET", path).json["state"] == state


# --- bad input
@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"title": ""}, 400, "title"),
        ({"prizes": []}, 400, "prizes"),
        ({"prizes": [{"name": "", "quantity": 1}]}, 400, "prizes[0].name"),
        ({"closes_at": "2020-01-01T00:00:00Z"}, 400, "closes_at"),
        ({"closes_at": "soon"}, 400, "closes_at"),
        ({"conditions": [{"type": "invites"}]}, 400, "conditions[0].count"),
        ({"conditions": [{"type": "channel", "chat": "a b"}]}, 400, "conditions[0].chat"),
        ({"title": 5}, 422, "title"),
        ({"prizes": [{"name": "Mug", "quantity": "2"}]}, 422, None),
        ({"max_entries": True}, 422, "max_entries"),
        ({"max_entries": 2**70}, 422, "max_entries"),
        ({"seed": "00"}, 422, "seed"),
        ({"state": "drawn"}, 422, "state"),
    ],
)
def test_bad_fields_are_refused_and_named(
    call: Caller, bot: Bot, fields: Json, status: int, field: str | None
):
    answer = call("POST", LIST, body(**fields))
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    if field:
        assert list(answer.json["fields"]) == [field]


def test_without_a_bot_or_with_several_the_answer_says_so(call: Caller, cast: Cast):
    assert call("POST", LIST, body()).json["code"] == "no_bot"
    _, second = a_bot(cast.tenant), a_bot(cast.tenant, 2)
    assert call("POST", LIST, body()).json["code"] == "choose_bot"
    assert call("POST", LIST, body(), bot=second.public_id).json["bot"] == second.public_id


# --- lists
def test_the_list_is_newest_first_and_has_pages(call: Caller, bot: Bot):
    codes = [a_draft(bot).code for _ in range(21)][::-1]
    with Statements() as sent:
        first = call("GET", LIST).json
    assert sent.count < 20
    assert ([each["code"] for each in first["lotteries"]], first["more"]) == (codes[:20], True)
    assert [each["code"] for each in call("GET", LIST, page=1).json["lotteries"]] == codes[20:]
    assert call("GET", LIST, state="open").json == {"lotteries": [], "more": False}
    assert call("GET", LIST, state="nonsense").status_code == 422


def test_entries_come_in_their_order(call: Caller, cast: Cast, bot: Bot):
    lottery = an_open(bot)
    enter(lottery, 7, 8)
    members(cast.tenant, 9)
    added = call("POST", f"{LIST}/{lottery.code}/entries", {"telegram_ids": [7, 9, 10]})
    assert added.json == {"added": 1, "already": 0, "unknown": 2}
    listed = call("GET", f"{LIST}/{lottery.code}/entries").json
    assert [(each["telegram_id"], each["by_staff"]) for each in listed["entries"]] == [
        (7, False),
        (8, False),
        (9, True),
    ]
    assert listed["next"] is None
    after = listed["entries"][1]["id"]
    assert len(call("GET", f"{LIST}/{lottery.code}/entries", after=after).json["entries"]) == 1


@pytest.mark.parametrize("people", [[], ["7"], [0], [-1], [2**70], list(range(1, 1002)), "7"])
def test_strange_people_are_refused(call: Caller, bot: Bot, people: object):
    assert call("POST", f"{LIST}/{an_open(bot).code}/entries", {"telegram_ids": people}).status_code == 422


# --- winners
def test_winners_are_listed_with_their_prizes(call: Caller, cast: Cast, bot: Bot):
    members(cast.tenant, 7)
    found = call("GET", f"{LIST}/{drawn(bot, 7, 8).code}/winners").json
    assert [(each["slot"], each["prize"]) for each in found["winners"]] == [(1, "Mug"), (2, "Mug")]
    assert {each["name"] for each in found["winners"]} == {"M7", "#8"}
    assert found["more"] is False


def test_a_prize_is_handed_over_once(call: Caller, bot: Bot):
    path = f"{LIST}/{drawn(bot, 7, 8).code}/winners"
    assert call("POST", f"{path}/1/hand-over", {"note": "by post"}).status_code == 204
    assert call("GET", path).json["winners"][0]["state"] == "handed_over"
    assert call("POST", f"{path}/1/hand-over", {}).json["code"] == "not_handed_over"
    assert call("POST", f"{path}/1/redraw", {"reason": "gone"}).json["code"] == "nobody_left"
    assert call("POST", f"{path}/9/hand-over", {}).status_code == 409


def test_an_unclaimed_prize_is_drawn_again(call: Caller, bot: Bot):
    lottery = drawn(bot, 7, 8, 9)
    path = f"{LIST}/{lottery.code}/winners"
    assert call("POST", f"{path}/1/redraw", {"reason": ""}).json["code"] == "bad_reason"
    assert call("POST", f"{path}/1/redraw", {"reason": "no answer"}).status_code == 202
    drawing.draw(lottery)
    found = call("GET", path).json["winners"]
    assert [(each["slot"], each["turn"], each["state"], each["reason"]) for each in found] == [
        (1, 1, "won", None),
        (1, 0, "replaced", "no answer"),
        (2, 0, "won", None),
    ]


# --- who may
def paths(code: str) -> list[tuple[str, str, object]]:
    return [
        ("GET", f"{LIST}/{code}", None),
        ("PUT", f"{LIST}/{code}", body()),
        ("POST", f"{LIST}/{code}/publish", None),
        ("POST", f"{LIST}/{code}/unpublish", None),
        ("POST", f"{LIST}/{code}/close", None),
        ("POST", f"{LIST}/{code}/cancel", {"reason": "rain"}),
        ("GET", f"{LIST}/{code}/entries", None),
        ("POST", f"{LIST}/{code}/entries", {"telegram_ids": [7]}),
        ("GET", f"{LIST}/{code}/winners", None),
        ("POST", f"{LIST}/{code}/winners/1/redraw", {"reason": "gone"}),
        ("POST", f"{LIST}/{code}/winners/1/hand-over", {}),
    ]


def test_a_strangers_lottery_does_not_exist(call: Caller, stranger: Caller, bot: Bot):
    code = an_open(bot).code
    before = call("GET", f"{LIST}/{code}").json
    for method, path, sent in paths(code):
        assert (method, path, stranger(method, path, sent).status_code) == (method, path, 404)
    assert stranger("GET", LIST).json["lotteries"] == []
    assert stranger("POST", LIST, body(), bot=bot.public_id).status_code == 404
    assert call("GET", f"{LIST}/{code}").json == before


def test_unknown_codes_are_not_found(call: Caller):
    for code in ("NOSUCH99", "x", "A" * 30, "%00", "..", "'--"):
        assert call("GET", f"{LIST}/{code}").status_code == 404


def test_readers_look_and_change_nothing(app: Flask, cast: Cast, bot: Bot):
    code, client = an_open(bot).code, sign_in(app, cast.reader)
    for method, path, sent in paths(code):
        wanted = 200 if method == "GET" else 403
        assert (path, client.open(path, method=method, json=sent).status_code) == (path, wanted)
    assert client.post(LIST, json=body()).status_code == 403


def test_nobody_comes_in_without_a_key(app: Flask, bot: Bot):
    code = an_open(bot).code
    for method, path, sent in paths(code):
        assert app.test_client().open(path, method=method, json=sent).status_code == 401


def test_seed_and_salt_never_leave(call: Caller, bot: Bot):
    lottery = an_open(bot)
    texts = [call("GET", path).text for path in (LIST, f"{LIST}/{lottery.code}")]
    assert not [text for text in texts if lottery.seed in text or lottery.salt in text]


def test_the_description_names_every_route(app: Flask):
    described = app.test_client().get("/api/openapi.json").json["paths"]
    assert set(described["/api/lotteries/{code}"]) >= {"get", "put"}
    assert described["/api/lotteries/{code}/winners/{slot}/redraw"]["post"]["summary"]
