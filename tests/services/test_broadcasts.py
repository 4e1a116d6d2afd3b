"""What a boss does with broadcasts: drafts, audiences, the moves, the test message."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.queue import transaction
from app.core.tenancy import tenant_scope
from app.domain.broadcasts import (
    MOVES,
    Audience,
    AudienceKind,
    BroadcastState,
    Button,
    Content,
    check_content,
)
from app.models import AuditEvent, Broadcast, Lottery, LotteryEntry, OutgoingMessage, Tenant
from app.services import broadcasts, members, people, tenant_data, tenants
from tests.broadcasting import Shop, add_members, fresh, states
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.sandbox_client import LIN, Sandbox
from tests.shopping import a_product, an_order

EVERYBODY = Audience()


@pytest.fixture
def shop(app: Flask, cast: Cast, telegram: Sandbox) -> Shop:
    return Shop.open(app, telegram, cast.tenant, 10)


def size(shop: Shop, kind: AudienceKind, value: object = "") -> int:
    return broadcasts.size(shop.config.tenant_id, shop.config.id, Audience(kind, str(value)))


def do(act, *arguments):
    with transaction():
        return act(*arguments)


# --- content
@pytest.mark.parametrize(
    ("content", "field"),
    [
        (Content(" "), "body"),
        (Content("x" * 4097), "body"),
        (Content("😀" * 2049), "body"),
        (Content("x" * 1025, picture_id=1), "body"),
        (Content("x", (Button("a", "https://a.example"),) * 9), "buttons"),
        (Content("x", (Button("", "https://a.example"),)), "buttons"),
        (Content("x", (Button("a", "javascript:alert(1)"),)), "buttons"),
        (Content("x", (Button("a", "https://"),)), "buttons"),
        (Content("x", (Button("a", "https://a b.example"),)), "buttons"),
        (Content("x", (Button("a", "https://[::1"),)), "buttons"),
    ],
)
def test_what_telegram_would_refuse_is_refused(content: Content, field: str):
    with pytest.raises(BadInput) as refused:
        check_content(content)
    assert refused.value.params["field"] == field


def test_what_fits_is_taken():
    buttons = tuple(Button(f"{n}", "https://shop.example/?a=1") for n in range(7))
    check_content(Content("😀" * 2048, (*buttons, Button("bot", "tg://resolve?domain=shop"))))
    check_content(Content("x" * 1024, picture_id=1))


def test_a_draft_without_a_name_is_called_by_its_beginning(shop: Shop):
    assert shop.broadcast("Hello\n  everybody " + "x" * 90).name.startswith("Hello everybody xx")


def test_another_tenants_bot_or_picture_is_refused(shop: Shop, cast: Cast):
    draft = broadcasts.Draft("", Content("x"), EVERYBODY)
    with tenant_scope(cast.other_tenant.id), pytest.raises(NotFound):
        do(broadcasts.create, cast.other_tenant.id, shop.config.id, draft)
    with pytest.raises(BadInput):
        do(broadcasts.create, cast.other_tenant.id, shop.config.id, draft)
    foreign = broadcasts.Draft("", Content("x", picture_id=1), EVERYBODY)
    with pytest.raises(BadInput):
        do(broadcasts.create, cast.tenant.id, shop.config.id, foreign)


# --- audiences
def test_only_those_who_wrote_in_private_and_do_not_block_are_reached(shop: Shop):
    do(members.mark_blocked, shop.config.tenant_id, shop.config.id, LIN)
    with transaction():
        db.session.execute(text("DELETE FROM bot_member WHERE telegram_id = :id"), {"id": LIN + 1})
    assert size(shop, AudienceKind.ALL) == 8


def test_an_audience_by_language(shop: Shop):
    add_members(shop.config, range(1, 4), language_code="zh-hans")
    add_members(shop.config, range(4, 6), language_code="zh", locale="en")
    assert size(shop, AudienceKind.LANGUAGE, "zh") == 3
    assert size(shop, AudienceKind.LANGUAGE, "en") == 2


def test_an_audience_by_activity(shop: Shop):
    add_members(shop.config, range(1, 4), last_seen_at=clock.now() - timedelta(days=40))
    assert size(shop, AudienceKind.ACTIVE, 30) == 10
    assert size(shop, AudienceKind.INACTIVE, 30) == 3


def test_an_audience_of_a_lotterys_entrants(shop: Shop):
    owned = {"tenant_id": shop.config.tenant_id, "bot_id": shop.config.id}
    with transaction():
        lottery = Lottery(
            **owned, code="ABC", title="Spring", closes_at=clock.now(), seed="s", salt="s", commitment="c"
        )
        db.session.add(lottery)
        db.session.flush()
        db.session.add_all(
            LotteryEntry(**owned, lottery_id=lottery.id, telegram_id=number) for number in (LIN, LIN + 1, 5)
        )
    assert size(shop, AudienceKind.ENTRANTS, lottery.id) == 2
    assert size(shop, AudienceKind.ENTRANTS, lottery.id + 1) == 0


def test_an_audience_of_buyers(shop: Shop):
    tenant = db.session.get_one(Tenant, shop.config.tenant_id)
    tea, mug = a_product(tenant, name="Tea"), a_product(tenant, name="Mug")
    for product, buyer in ((tea, LIN), (tea, LIN), (mug, LIN + 1), (mug, 5)):
        an_order(product, buyer, paid_at=clock.now())
    an_order(mug, LIN + 2)
    assert size(shop, AudienceKind.BUYERS) == 2
    assert size(shop, AudienceKind.BUYERS, tea.id) == 1
    assert size(shop, AudienceKind.BUYERS, mug.id + 1) == 0


@pytest.mark.parametrize(
    ("kind", "value"),
    [("language", "xx"), ("active", "0"), ("inactive", "many"), ("entrants", ""), ("buyers", "all")],
)
def test_an_audience_that_makes_no_sense_is_refused(shop: Shop, kind: str, value: str):
    with pytest.raises(BadInput):
        size(shop, AudienceKind(kind), value)


# --- moves
ACTS = {
    "schedule": lambda id_: broadcasts.schedule(id_, clock.now() + timedelta(hours=1)),
    "back_to_draft": broadcasts.back_to_draft,
    "start": broadcasts.start,
    "pause": broadcasts.pause,
    "resume": broadcasts.resume,
    "cancel": broadcasts.cancel,
}
ALLOWED = {
    "draft": {"schedule": "scheduled", "start": "running", "cancel": "cancelled"},
    "scheduled": {
        "schedule": "scheduled",
        "back_to_draft": "draft",
        "start": "running",
        "cancel": "cancelled",
    },
    "running": {"pause": "paused", "cancel": "cancelled"},
    "paused": {"resume": "running", "cancel": "cancelled"},
    "done": {},
    "cancelled": {},
}


@pytest.mark.parametrize("before", list(BroadcastState))
def test_only_these_moves_are_made(shop: Shop, before: BroadcastState):
    for name, act in ACTS.items():
        made = shop.broadcast()
        with transaction():
            db.session.execute(
                text("UPDATE broadcast SET state = :state WHERE id = :id"), {"state": before, "id": made.id}
            )
        after = ALLOWED[before].get(name)
        if after is None:
            with pytest.raises(broadcasts.IllegalMove):
                do(act, made.id)
        else:
            assert do(act, made.id).state == after
            assert after == before or BroadcastState(after) in MOVES[before]


def test_every_act_is_in_the_log(shop: Shop):
    made = shop.broadcast()
    for name in ("schedule", "back_to_draft", "start", "pause", "resume", "cancel"):
        do(ACTS[name], made.id)
    deeds = [event.action for event in db.session.query(AuditEvent).order_by(AuditEvent.id)]
    verbs = ["created", "scheduled", "unscheduled", "started", "paused", "resumed", "cancelled"]
    assert deeds == [f"broadcast.{verb}" for verb in verbs]


def test_what_has_begun_is_not_rewritten(shop: Shop):
    made = shop.broadcast()
    do(broadcasts.change, made.id, broadcasts.Draft("Spring", Content("Better"), EVERYBODY))
    assert fresh(made).body == "Better"
    do(broadcasts.start, made.id)
    with pytest.raises(broadcasts.IllegalMove):
        do(broadcasts.change, made.id, broadcasts.Draft("", Content("Other"), EVERYBODY))


def test_nobody_to_send_to_and_a_silent_bot_are_said_before(shop: Shop):
    made = shop.broadcast("x", Audience(AudienceKind.LANGUAGE, "zh"))
    with pytest.raises(broadcasts.NobodyToSendTo):
        do(broadcasts.start, made.id)
    with transaction():
        db.session.execute(text("UPDATE bot SET enabled = false"))
    with pytest.raises(broadcasts.BotSilent):
        do(broadcasts.start, made.id)


# --- time
def test_one_that_is_due_starts_by_itself_and_once(shop: Shop, time: Clockwork):
    made = shop.broadcast()
    with pytest.raises(broadcasts.TooEarly):
        do(broadcasts.schedule, made.id, clock.now())
    do(broadcasts.schedule, made.id, clock.now() + timedelta(hours=1))
    do(broadcasts.sweep)
    assert fresh(made).state is BroadcastState.SCHEDULED
    time.forward(minutes=61)
    do(broadcasts.sweep)
    started = fresh(made)
    assert started.state is BroadcastState.RUNNING
    do(broadcasts.sweep)
    assert fresh(made).started_at == started.started_at


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("UPDATE bot SET enabled = false", "bot_stopped"),
        ("UPDATE bot SET state = 'revoked'", "revoked"),
        ("UPDATE bot SET removed_at = now(), enabled = false", "bot_removed"),
    ],
)
def test_one_whose_bot_is_silent_pauses_and_says_why(shop: Shop, statement: str, error: str):
    made = shop.start()
    with transaction():
        db.session.execute(text(statement))
    do(broadcasts.sweep)
    assert (fresh(made).state, fresh(made).error) == (BroadcastState.PAUSED, error)


def test_a_suspended_tenants_broadcasts_pause(shop: Shop):
    made = shop.start()
    do(tenants.suspend, shop.config.tenant_id)
    do(broadcasts.sweep)
    assert (fresh(made).state, fresh(made).error) == (BroadcastState.PAUSED, "suspended")


# --- the test message
def test_a_test_goes_to_the_bosss_own_account(shop: Shop, cast: Cast):
    made = shop.broadcast("Look", None, Button("Shop", "https://shop.example"))
    with pytest.raises(broadcasts.NobodyLinked):
        do(broadcasts.send_test, made.id)
    with transaction():
        for user in (cast.owner, cast.staff):
            membership = people.memberships_of(user.id)[0][0]
            code = people.create_link_code(membership)
            # The staff's account never wrote to this bot, which may not write to it then.
            chat = LIN if user is cast.owner else 999
            people.use_link_code(cast.tenant.id, code, chat, "Lin")
    assert do(broadcasts.send_test, made.id) == 1
    sent = db.session.query(OutgoingMessage).one()
    assert (sent.chat_id, sent.payload["text"]) == (LIN, "Look")
    assert fresh(made).state is BroadcastState.DRAFT


# --- results
def test_results_are_listed_with_names_and_pages(shop: Shop):
    made = shop.start()
    shop.send()
    page = broadcasts.list_recipients(fresh(made), limit=4)
    assert [row.telegram_id for row in page] == [LIN, LIN + 1, LIN + 2, LIN + 3]
    assert page[0].name == "Lin"
    rest = broadcasts.list_recipients(fresh(made), after=page[-1].telegram_id)
    assert len(rest) == 6
    assert len(list(broadcasts.all_recipients(fresh(made)))) == 10
    assert states(made) == {"sent": 10}


def test_who_is_erased_is_no_recipient_any_more(shop: Shop):
    made = shop.start()
    shop.send()
    do(tenant_data.erase_member, shop.config.tenant_id, LIN)
    assert states(made) == {"sent": 9}
    assert (fresh(made).total, fresh(made).sent) == (9, 9)


def test_a_stranger_finds_nothing(shop: Shop, cast: Cast):
    made = shop.broadcast()
    with tenant_scope(cast.other_tenant.id):
        with pytest.raises(NotFound):
            broadcasts.get(made.id)
        assert broadcasts.list_broadcasts(cast.tenant.id) == []
    assert isinstance(broadcasts.get(made.id), Broadcast)
