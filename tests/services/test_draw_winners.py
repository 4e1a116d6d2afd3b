"""After the draw: winners are told and paid once, claim, hand over, and lose what they do not claim."""

import json
from collections import Counter

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.domain.lotteries import DrawPhase, WinnerState
from app.models import BotMember, CreditPosting, Lottery, LotteryWinner, OutgoingMessage
from app.services import credits  # noqa: A004 - ours, not Python's
from app.services.lotteries import events, lookup, manage, settling, winners
from app.services.lotteries.errors import BadReason, IllegalMove
from app.services.lotteries.winners import ClaimOver, NobodyLeft, NotHandedOver, NothingToClaim, NotRedrawable
from tasks import lotteries as tasks
from tests.cast import Cast
from tests.drawing import FIRST, a_closed, draw, kinds, messages, the_draw
from tests.drawing import winners as now_holding
from tests.lottery_tools import a_bot, an_open, enter, members
from tests.racing import in_threads

MIXED = [{"name": "Car", "quantity": 1}, {"name": "Credits", "quantity": 2, "credits": 50}]


@pytest.fixture
def lottery(cast: Cast) -> Lottery:
    """Drawn among six: a car to be claimed within two days, and twice 50 credits."""
    found = a_closed(a_bot(cast.tenant), 6, prizes=MIXED, claim_hours=48)
    members(cast.tenant, *range(FIRST, FIRST + 6))
    draw(found)
    return lookup.get(found.id)


def holder(lottery: Lottery, slot: int) -> LotteryWinner:
    return next(one for one in reversed(now_holding(lottery)) if one.slot == slot)


def do(act, *args: object) -> object:
    with transaction():
        return act(*args)


def test_credits_are_posted_with_the_draw_as_reference(lottery: Lottery):
    car, *paid = now_holding(lottery)
    assert [one.state for one in (car, *paid)] == [WinnerState.WON, *[WinnerState.HANDED_OVER] * 2]
    assert [credits.balance(lottery.tenant_id, one.telegram_id) for one in (car, *paid)] == [0, 50, 50]
    references = {row.reference for row in db.session.query(CreditPosting)}
    assert references == {f"lottery:{lottery.id}:prize:{slot}:0" for slot in (2, 3)}


def test_settling_again_and_at_once_pays_and_tells_once(app: Flask, cast: Cast):
    lottery = a_closed(a_bot(cast.tenant), 40, prizes=[{"name": "Credits", "quantity": 30, "credits": 5}])
    tasks.draw(lottery.id)
    lottery_id = lottery.id

    def batch() -> bool:
        with transaction():
            return settling.settle(lottery_id, most=4)

    assert {type(end) for end in in_threads([batch] * 40, threads=6)} == {bool}
    tasks.settle(lottery_id)
    assert len(messages(lottery)) == 30
    assert sum(row.amount for row in db.session.query(CreditPosting)) == 150
    db.session.expire_all()
    assert lookup.get(lottery_id).settled_at is not None


def test_a_winner_reads_it_in_his_language_with_a_button_to_claim(cast: Cast):
    lottery = a_closed(a_bot(cast.tenant), 1, title="A <b> & B", claim_hours=5)
    db.session.execute(text("INSERT INTO member (tenant_id, telegram_id, locale) VALUES (:t, :p, 'en')"), {"t": cast.tenant.id, "p": FIRST})  # fmt: skip
    db.session.commit()
    draw(lottery)
    [(chat, payload)] = messages(lottery)
    assert chat == FIRST
    assert "Congratulations" in payload["text"]
    assert "A &lt;b&gt; &amp; B" in payload["text"]
    assert payload["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == f"1:lc:{lottery.code}"


def test_a_winner_is_told_by_a_bot_that_he_talks_with(cast: Cast):
    bot, other = a_bot(cast.tenant), a_bot(cast.tenant, 2)
    lottery = a_closed(bot, 4, prizes=[{"name": "Mug", "quantity": 4}])
    members(cast.tenant, *range(FIRST, FIRST + 4))
    blocked = clock.now()
    db.session.add_all(
        BotMember(tenant_id=cast.tenant.id, bot_id=one.id, telegram_id=FIRST + number, blocked_at=at)
        for one, number, at in ((bot, 0, None), (other, 0, None), (other, 1, None), (other, 2, blocked))
    )
    db.session.commit()
    draw(lottery)
    told = {row.chat_id: row.bot_id for row in db.session.scalars(select(OutgoingMessage))}
    assert told == {FIRST: bot.id, FIRST + 1: other.id, FIRST + 2: bot.id, FIRST + 3: bot.id}


def test_a_claim_is_made_once_in_time_and_by_the_winner(lottery: Lottery, time):
    car = holder(lottery, 1)
    assert do(winners.claim, lottery.id, car.telegram_id).state is WinnerState.CLAIMED
    assert do(winners.claim, lottery.id, car.telegram_id).state is WinnerState.CLAIMED
    others = set(range(FIRST, FIRST + 6)) - {one.telegram_id for one in now_holding(lottery)}
    with pytest.raises(NothingToClaim):
        do(winners.claim, lottery.id, others.pop())


def test_claims_run_out(lottery: Lottery, time):
    car = holder(lottery, 1)
    assert do(winners.expire) == 0
    time.forward(hours=49)
    with pytest.raises(ClaimOver):
        do(winners.claim, lottery.id, car.telegram_id)
    assert (do(winners.expire), do(winners.expire)) == (1, 0)
    assert holder(lottery, 1).state is WinnerState.EXPIRED
    assert holder(lottery, 2).state is WinnerState.HANDED_OVER


def test_handing_over_and_taking_that_back_is_public(lottery: Lottery):
    do(winners.hand_over, lottery.id, 1, "sent by post, no. 17")
    assert (holder(lottery, 1).state, holder(lottery, 1).note) == (
        WinnerState.HANDED_OVER,
        "sent by post, no. 17",
    )
    with pytest.raises(NotHandedOver):
        do(winners.hand_over, lottery.id, 1)
    do(winners.undo_hand_over, lottery.id, 1)
    assert holder(lottery, 1).state is WinnerState.WON
    assert kinds(lottery)[-2:] == ["handed_over", "hand_over_undone"]
    assert "post" not in "".join(event.body for event in events.chain(lottery.id)[-2:])


def test_credits_that_were_posted_are_not_taken_back(lottery: Lottery):
    with pytest.raises(NotHandedOver):
        do(winners.undo_hand_over, lottery.id, 2)


def test_a_prize_is_drawn_again_among_those_who_never_won(lottery: Lottery):
    before = {one.telegram_id for one in now_holding(lottery)}
    do(winners.redraw, lottery.id, 1, "Did not answer")
    draw(lottery)
    old, new = [one for one in now_holding(lottery) if one.slot == 1]
    assert (old.state, old.reason) == (WinnerState.REPLACED, "Did not answer")
    assert (new.turn, new.rank, new.state) == (1, 4, WinnerState.WON)
    assert new.telegram_id not in before
    told = json.loads(events.chain(lottery.id)[-1].body)
    assert (told["slot"], told["turn"], told["rank"], told["reason"]) == (1, 1, 4, "Did not answer")
    assert [chat for chat, _ in messages(lottery, "won:1:1")] == [new.telegram_id]
    assert lookup.get(lottery.id).settled_at is not None


def test_a_redraw_goes_on_after_a_lost_message(lottery: Lottery):
    do(winners.redraw, lottery.id, 1, "Did not answer")
    db.session.expire_all()
    assert lookup.get(lottery.id).settled_at is None
    tasks.settle(lottery.id)
    assert len(now_holding(lottery)) == 3
    tasks.draw(lottery.id)
    assert the_draw(lottery).phase is DrawPhase.DONE
    assert len(now_holding(lottery)) == 4


def test_what_was_claimed_or_handed_over_is_not_drawn_again(lottery: Lottery):
    do(winners.claim, lottery.id, holder(lottery, 1).telegram_id)
    for slot in (1, 2):
        with pytest.raises(NotRedrawable):
            do(winners.redraw, lottery.id, slot, "I want another")
    with pytest.raises(BadReason):
        do(winners.redraw, lottery.id, 1, "  ")


def test_a_redraw_ends_when_nobody_is_left(lottery: Lottery):
    for _ in range(3):
        do(winners.redraw, lottery.id, 1, "Did not answer")
        draw(lottery)
    with pytest.raises(NobodyLeft):
        do(winners.redraw, lottery.id, 1, "Did not answer")
    assert [one.rank for one in now_holding(lottery) if one.slot == 1] == [1, 4, 5, 6]


def test_a_redraw_that_finds_nobody_says_so(cast: Cast):
    bot = a_bot(cast.tenant)
    lottery = a_closed(bot, 3, prizes=[{"name": "Mug", "quantity": 2}])
    draw(lottery)
    with transaction():
        db.session.execute(text('UPDATE lottery SET conditions = \'[{"type": "invites", "count": 9}]\''))
    do(winners.redraw, lottery.id, 2, "Did not answer")
    draw(lottery)
    told = json.loads(events.chain(lottery.id)[-1].body)
    assert (told["number"], told["rank"], [one["rank"] for one in told["passed_over"]]) == (None, None, [3])
    assert [one.state for one in now_holding(lottery)] == [WinnerState.WON, WinnerState.REPLACED]
    with pytest.raises(NobodyLeft):
        do(winners.redraw, lottery.id, 1, "Did not answer")


def test_of_claiming_and_drawing_again_one_wins(app: Flask, lottery: Lottery):
    lottery_id, person = lottery.id, holder(lottery, 1).telegram_id

    def claim() -> object:
        with transaction():
            return winners.claim(lottery_id, person).state

    def again() -> object:
        with transaction():
            return winners.redraw(lottery_id, 1, "Did not answer")

    ends = in_threads([claim, again, again, claim], threads=4)
    codes = Counter(getattr(end, "code", str(end)) for end in ends)
    assert codes in (
        {"claimed": 2, "not_redrawable": 2},
        {"None": 1, "not_redrawable": 1, "nothing_to_claim": 2},
    )


def test_nothing_is_drawn_again_before_the_draw(cast: Cast):
    lottery = a_closed(a_bot(cast.tenant), 3)
    with pytest.raises(IllegalMove):
        do(winners.redraw, lottery.id, 1, "Too early")


def test_a_cancelled_lottery_gives_back_what_was_paid(app: Flask, cast: Cast):
    lottery = an_open(a_bot(cast.tenant))
    enter(lottery, *range(FIRST, FIRST + 30))
    with transaction():
        db.session.execute(
            text("UPDATE lottery_entry SET paid = 7 WHERE telegram_id >= :p"), {"p": FIRST + 10}
        )
        manage.cancel(lottery.id, "Sold out")
    lottery_id = lottery.id

    def batch() -> bool:
        with transaction():
            return settling.settle(lottery_id, most=3)

    in_threads([batch] * 20, threads=4)
    tasks.settle(lottery_id)
    tasks.settle(lottery_id)
    assert credits.balance(cast.tenant.id, FIRST + 29) == 7
    assert Counter(row.amount for row in db.session.query(CreditPosting)) == {7: 20}
    db.session.expire_all()
    assert lookup.get(lottery_id).settled_at is not None
