"""Messages that were set aside: seen by the tenant's staff, tried again or let go, never another tenant's."""

import pytest
from sqlalchemy import select

from app.core.db import db
from app.domain.dead_letters import Summary, summarise
from app.domain.inbox import UpdateState
from app.domain.people import Role
from app.models import AuditEvent, Update
from tests.cast import sign_in

PAGE = "/admin/dead_letters/"
RAW = '{"update_id": 5, "message": {"from": {"first_name": "小 <b>王"}, "text": "你好"}}'.encode()


@pytest.fixture
def letters(cast, bots):
    """A dead update of tenant A and one of tenant B."""
    made = [
        Update(
            tenant_id=bot.tenant_id, bot_id=bot.id, update_id=5, chat_key=1, shard=3, raw=RAW,
            state=UpdateState.DEAD, attempts=5, deaths=1, suspect=True, error="ValueError",
        )
        for bot in bots
    ]  # fmt: skip
    db.session.add_all(made)
    db.session.commit()
    return made


def state(letter):
    db.session.refresh(letter)
    return letter.state


def key(letter):
    return f"{letter.bot_id}-{letter.update_id}"


@pytest.mark.parametrize(("who", "led"), [("owner", True), ("staff", True), ("reader", False)])
def test_home_and_the_bots_page_lead_to_them(app, cast, letters, who, led):
    client = sign_in(app, getattr(cast, who))
    for path in ("/admin/", f"/admin/bots/details/?id={letters[0].bot_id}"):
        assert (PAGE in client.get(path).text) is led, path


def test_a_day_without_them_names_them_nowhere(app, cast, bots):
    client = sign_in(app, cast.owner)
    for path in ("/admin/", f"/admin/bots/details/?id={bots[0].id}"):
        assert PAGE not in client.get(path).text, path


def test_the_page_tells_who_wrote_what_and_why(browser, letters):
    page = browser(Role.SUPPORT).get(PAGE).text
    assert "小 &lt;b&gt;王" in page
    assert "你好" in page
    assert "ValueError" in page
    assert "Bot a" in page
    assert "Bot b" not in page


def test_the_home_page_leads_there(browser, letters):
    assert PAGE in browser().get("/admin/").text


def test_trying_again_gives_a_fresh_start(browser, letters):
    browser().post(f"{PAGE}act/", {"action": "replay", "rowid": key(letters[0])})
    assert state(letters[0]) == UpdateState.NEW
    assert (letters[0].attempts, letters[0].deaths, letters[0].suspect, letters[0].error) == (
        0,
        0,
        False,
        None,
    )
    event = db.session.scalar(select(AuditEvent))
    assert (event.action, event.changes) == ("dead_letters.replayed", {"count": 1})


@pytest.mark.parametrize("action", ["replay", "discard"])
def test_all_means_all_of_the_tenant(browser, letters, action):
    browser().post(f"{PAGE}act/", {"action": action})
    assert state(letters[0]) != UpdateState.DEAD
    assert state(letters[1]) == UpdateState.DEAD


@pytest.mark.parametrize("action", ["replay", "discard"])
def test_a_strangers_letter_stays(browser, letters, action):
    browser().post(f"{PAGE}act/", {"action": action, "rowid": key(letters[1])})
    assert state(letters[1]) == UpdateState.DEAD


def test_what_is_not_dead_is_not_touched(browser, letters):
    letters[0].state = UpdateState.LEASED
    db.session.commit()
    browser().post(f"{PAGE}act/", {"action": "replay", "rowid": key(letters[0])})
    assert state(letters[0]) == UpdateState.LEASED


def test_readers_may_not_even_look(browser, letters):
    assert browser(Role.READ_ONLY).get(PAGE).status_code == 403
    assert browser(Role.READ_ONLY).post(f"{PAGE}act/", {"action": "replay"}).status_code == 403


@pytest.mark.parametrize(
    "data",
    [{"action": "nope"}, {"action": "replay", "rowid": "1"}, {"action": "replay", "rowid": "a-b"}, {"action": "replay", "rowid": "1-" + "9" * 20},
     {"action": "replay", "tenant_id": 2}, {"action": "replay", "rowid": [f"1-{n}" for n in range(201)]}],
)  # fmt: skip
def test_nonsense_is_refused(browser, letters, data):
    assert browser().post(f"{PAGE}act/", data).status_code == 400


@pytest.mark.parametrize("before", ["-1", "abc", str(2**63), "0"])
def test_strange_pages_show_the_latest(browser, letters, before):
    assert "Bot a" in browser().get(f"{PAGE}?before={before}").text


@pytest.mark.parametrize(
    ("raw", "summary"),
    [
        (b"", Summary("unknown", "", "")),
        (b"[1]", Summary("unknown", "", "")),
        (b'{"update_id": 1, "poll": {}}', Summary("unknown", "", "")),
        (b'{"message": {"chat": {"title": "Group"}, "caption": "pic"}}', Summary("message", "Group", "pic")),
        (
            b'{"callback_query": {"from": {"username": "u"}, "data": "x:1"}}',
            Summary("callback_query", "u", "x:1"),
        ),
        (
            b'{"message": {"from": {"first_name": "A\\u202eB"}, "text": "a\\u2066\\n b"}}',
            Summary("message", "AB", "a b"),
        ),
        (b'{"message": {"from": 7, "text": ["no"]}}', Summary("message", "", "")),
    ],
)
def test_any_bytes_are_summarised(raw, summary):
    assert summarise(raw) == summary
