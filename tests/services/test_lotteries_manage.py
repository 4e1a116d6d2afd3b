"""Making, changing and moving lotteries."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.errors import AppError, NotFound
from app.core.queue import transaction
from app.core.settings import get_settings
from app.domain.beacon import QUICKNET
from app.domain.draw import commitment
from app.domain.lotteries import CloseReason, LotteryState
from app.models import AuditEvent, LotteryDraw, LotteryEntry, LotteryTally
from app.services import bots
from app.services.lotteries import events, lookup, manage
from app.services.lotteries.errors import (
    BadReason,
    BadSpec,
    BotGone,
    IllegalMove,
    LotteryClosed,
    LotteryFull,
    TooLate,
)
from tests.cast import Cast
from tests.lottery_tools import a_bot, a_draft, a_spec, an_open, members


def test_a_draft_has_its_commitment_and_keeps_its_seed_secret(cast: Cast):
    lottery = a_draft(a_bot(cast.tenant))
    assert lottery.state is LotteryState.DRAFT
    assert commitment(bytes.fromhex(lottery.seed)) == lottery.commitment
    assert len(bytes.fromhex(lottery.seed)) == 32
    told = str([row.changes for row in db.session.scalars(select(AuditEvent))])
    assert lottery.seed not in told
    assert lottery.salt not in told


def test_opening_makes_rules_and_commitment_public(cast: Cast):
    lottery = an_open(a_bot(cast.tenant), description="Be there")
    [event] = events.chain(lottery.id)
    assert event.kind == "opened"
    assert lottery.commitment in event.body
    assert "Be there" in event.body
    assert events.verify([event]) is None
    assert len(lookup.prizes(lottery.id)) == 1


def test_a_limit_has_one_counter(cast: Cast):
    lottery = an_open(a_bot(cast.tenant), max_entries=3)
    [tally] = db.session.scalars(select(LotteryTally).where(LotteryTally.lottery_id == lottery.id))
    assert tally.most == 3


def test_one_with_a_later_opening_is_scheduled(cast: Cast):
    lottery = an_open(a_bot(cast.tenant), opens_at=clock.now() + timedelta(hours=1))
    assert lottery.state is LotteryState.SCHEDULED
    assert events.chain(lottery.id) == []


def test_the_announced_round_comes_after_the_closing(cast: Cast):
    lottery = a_draft(a_bot(cast.tenant))
    with transaction():
        manage.publish(lottery.id, QUICKNET)
    assert lottery.announced_round is not None
    assert QUICKNET.time_of(lottery.announced_round) >= int(lottery.closes_at.timestamp()) + 60
    assert lottery.beacon is not None
    assert lottery.beacon["hash"] == QUICKNET.hash


def test_a_beacon_that_is_away_postpones_the_opening(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    lottery = a_draft(a_bot(cast.tenant))
    monkeypatch.setattr(get_settings(), "drand_urls", ["https://relay.example"])
    with transaction():
        manage.publish(lottery.id, None)
    assert lottery.state is LotteryState.SCHEDULED


def test_what_was_published_too_late_stays_a_draft(cast: Cast, time):
    lottery = a_draft(a_bot(cast.tenant))
    time.forward(days=2)
    with pytest.raises(TooLate), transaction():
        manage.publish(lottery.id)
    assert lookup.get(lottery.id).state is LotteryState.DRAFT


def test_changing_a_draft_changes_its_prizes_and_not_its_commitment(cast: Cast):
    lottery = a_draft(a_bot(cast.tenant))
    before = lottery.commitment
    with transaction():
        manage.update(lottery.id, a_spec(prizes=[{"name": "Car"}, {"name": "Bike", "quantity": 3}]))
    assert [prize.name for prize in lookup.prizes(lottery.id)] == ["Car", "Bike"]
    assert lottery.commitment == before


def test_an_open_lottery_is_not_changed(cast: Cast):
    lottery = an_open(a_bot(cast.tenant))
    with pytest.raises(IllegalMove), transaction():
        manage.update(lottery.id, a_spec(title="Other"))


def test_a_scheduled_one_goes_back_to_draft(cast: Cast):
    lottery = an_open(a_bot(cast.tenant), opens_at=clock.now() + timedelta(hours=1))
    with transaction():
        manage.back_to_draft(lottery.id)
    assert lottery.state is LotteryState.DRAFT


def test_closing_hands_over_to_the_draw(cast: Cast):
    lottery = an_open(a_bot(cast.tenant))
    with transaction():
        assert manage.close(lottery.id, CloseReason.TIME)
    assert lottery.state is LotteryState.DRAWING
    assert db.session.get_one(LotteryDraw, lottery.id).slots == 2
    assert [event.kind for event in events.chain(lottery.id)] == ["opened", "closed"]
    with transaction():
        assert not manage.close(lottery.id)


def test_a_cancelled_one_says_why_in_public(cast: Cast):
    lottery = an_open(a_bot(cast.tenant))
    with transaction():
        manage.cancel(lottery.id, " The prize broke ")
    last = events.chain(lottery.id)[-1]
    assert (last.kind, last.body) == ("cancelled", '{"reason":"The prize broke"}')
    assert lottery.settled_at is None


def test_a_cancelled_draft_needs_nothing_more(cast: Cast):
    lottery = a_draft(a_bot(cast.tenant))
    with transaction():
        manage.cancel(lottery.id, "No more")
    assert lottery.settled_at is not None


def test_a_public_reason_is_one_plain_line(cast: Cast):
    lottery = an_open(a_bot(cast.tenant))
    with transaction():
        found = manage.cancel(lottery.id, "  No\n\x07tea \u202eleft\u2066 ")
    assert found.cancel_reason == "No tea left"


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201, "\u202e", "\u200b\u200b"])
def test_cancelling_needs_a_reason(cast: Cast, reason: str):
    lottery = an_open(a_bot(cast.tenant))
    with pytest.raises(BadReason), transaction():
        manage.cancel(lottery.id, reason)


def test_there_is_no_cancel_once_the_draw_began(cast: Cast):
    lottery = an_open(a_bot(cast.tenant))
    with transaction():
        manage.close(lottery.id)
    with pytest.raises(IllegalMove) as caught, transaction():
        manage.cancel(lottery.id, "I do not like it")
    assert caught.value.status == 409


def test_a_bot_of_another_tenant_is_not_found(cast: Cast):
    bot = a_bot(cast.other_tenant)
    with pytest.raises(NotFound), transaction():
        manage.create(cast.tenant.id, bot.id, a_spec())


def test_a_removed_bot_publishes_nothing(cast: Cast):
    bot = a_bot(cast.tenant)
    lottery = a_draft(bot)
    with transaction():
        bots.remove(bot.id)
    with pytest.raises(BotGone), transaction():
        manage.publish(lottery.id)


def test_a_picture_must_be_there(cast: Cast):
    bot = a_bot(cast.tenant)
    with pytest.raises(BadSpec) as caught, transaction():
        manage.create(cast.tenant.id, bot.id, a_spec(picture_id=5))
    assert caught.value.field == "picture_id"


def test_people_added_by_staff_are_flagged_and_counted_in_public(cast: Cast):
    lottery = an_open(a_bot(cast.tenant))
    members(cast.tenant, 1, 2)
    with transaction():
        first = manage.add_by_staff(lottery.id, [1])
        second = manage.add_by_staff(lottery.id, [1, 2, 3])
    assert (first.added, second) == (1, manage.AddedByStaff(added=1, already=1, unknown=1))
    assert set(db.session.scalars(select(LotteryEntry.conditions))) == {"staff"}
    assert [event.body for event in events.chain(lottery.id)[1:]] == ['{"count":1}', '{"count":1}']
    assert lookup.entry_count(lottery.id) == 2


def test_staff_add_all_or_none(cast: Cast):
    lottery = an_open(a_bot(cast.tenant), max_entries=1)
    members(cast.tenant, 1, 2)
    with pytest.raises(LotteryFull), transaction():
        manage.add_by_staff(lottery.id, [1, 2])
    assert lookup.entry_count(lottery.id) == 0
    assert db.session.scalar(select(LotteryEntry.id)) is None


def test_staff_add_nobody_after_the_closing_time(cast: Cast, time):
    lottery = an_open(a_bot(cast.tenant))
    members(cast.tenant, 1)
    time.forward(days=1)
    with pytest.raises(LotteryClosed), transaction():
        manage.add_by_staff(lottery.id, [1])


def test_every_error_has_a_text_in_both_languages(cast: Cast):
    errors: list[AppError] = [IllegalMove(state) for state in LotteryState]
    assert len({error.text("en") for error in errors}) == len(LotteryState)
