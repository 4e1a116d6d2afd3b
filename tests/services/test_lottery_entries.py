"""Joining a lottery: once each, only while it is open, never more than it takes, paid for once."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import text

from app.core.clock import now
from app.core.db import db
from app.core.i18n import EN
from app.core.queue import transaction
from app.domain.lotteries import TicketRules, weight
from app.models import CreditAccount, CreditPosting, Lottery, LotteryEntry
from app.services.credits import InsufficientCredits
from app.services.lotteries import conditions, entries, invites, manage, standing, tickets
from app.services.lotteries.conditions import Missing
from app.services.lotteries.errors import AlreadyJoined, LotteryClosed, LotteryFull
from tests.clockwork import Clockwork
from tests.joining import FIRST, counted, join, make_lottery, meet
from tests.lottery_tools import a_bot
from tests.racing import in_threads
from tests.statements import Statements

LIN, WANG = FIRST, FIRST + 1
PAID = [{"type": "credits", "amount": 10}]
TICKETS = {"per_invite": 1, "price": 5, "max": 4}


@pytest.fixture
def bot(cast):
    return a_bot(cast.tenant)


@pytest.fixture
def opened(bot):
    """Makes an open lottery of tenant A."""
    return partial(make_lottery, bot.tenant_id, bot.id)


@pytest.fixture
def lin(bot):
    """Lin has talked with the bot and has 25 credits."""
    meet(bot.tenant_id, bot.id, LIN, credit=25)
    return LIN


def balance() -> int:
    db.session.rollback()
    return db.session.query(CreditAccount).populate_existing().one().balance


def test_somebody_joins_once(opened, lin):
    lottery = opened()
    assert join(lottery, lin).entry_id
    with pytest.raises(AlreadyJoined):
        join(lottery, lin)
    assert counted(lottery) == (1, 1)


@pytest.mark.parametrize("more", [{"state": "drawing"}, {"state": "cancelled"}, {"closes_at": now()}])
def test_nobody_joins_one_that_is_not_open(opened, lin, more):
    with pytest.raises(LotteryClosed):
        join(opened(**more), lin)


def test_its_price_is_paid_with_the_entry(opened, lin):
    lottery = opened(conditions=PAID)
    assert join(lottery, lin).paid == 10
    posting = db.session.query(CreditPosting).one()
    assert (posting.amount, posting.reference) == (-10, f"lottery:{lottery.id}:join:{lin}")
    assert posting.reason == "Anniversary"
    assert balance() == 15


def test_who_cannot_pay_is_told_what_is_missing(opened, bot):
    meet(bot.tenant_id, bot.id, LIN)
    with pytest.raises(Missing) as missing:
        join(opened(conditions=PAID), LIN)
    assert missing.value.text(EN) == "Joining costs 10 credits, you have 0."


def test_a_full_lottery_takes_nobody_and_no_credits(opened, bot, lin):
    lottery = opened(conditions=PAID, max_entries=1)
    meet(bot.tenant_id, bot.id, WANG, credit=10)
    join(lottery, WANG)
    with pytest.raises(LotteryFull):
        join(lottery, lin)
    assert counted(lottery) == (1, 1)
    assert db.session.query(CreditPosting).count() == 1


def test_a_channel_that_was_not_asked_counts_as_missing(opened, lin):
    lottery = opened(conditions=[{"type": "channel", "chat": "@news_of_a"}])
    with pytest.raises(Missing):
        join(lottery, lin)
    with pytest.raises(Missing) as missing:
        join(lottery, lin, {0: (False, 1)})
    assert "@news_of_a" in missing.value.text(EN)
    join(lottery, lin, {0: (True, 1_795_000_000)})
    assert db.session.query(LotteryEntry).one().conditions == "0:1:1795000000"


def test_an_account_must_be_known_long_enough(opened, lin, time: Clockwork):
    lottery = opened(conditions=[{"type": "account_age", "days": 7}], closes_at=now() + timedelta(days=30))
    time.forward(days=6)
    with pytest.raises(Missing) as missing:
        join(lottery, lin)
    assert missing.value.checked[0].have == 6
    time.forward(days=1, minutes=1)
    assert join(lottery, lin)


def invite(lottery: Lottery, bot, friend: int, inviter: int = LIN) -> bool:
    meet(bot.tenant_id, bot.id, friend)
    with transaction():
        found = standing.find_by_code(lottery.code, inviter)
        return invites.record(lottery.id, friend, invites.make_ref(found.member_id))


def test_friends_count_once_and_only_while_they_do_not_block_the_bot(opened, bot, lin):
    lottery = opened(conditions=[{"type": "invites", "count": 2}])
    assert invite(lottery, bot, WANG)
    assert not invite(lottery, bot, WANG)
    assert not invite(lottery, bot, LIN)
    with pytest.raises(Missing) as missing:
        join(lottery, lin)
    assert missing.value.text(EN) == "Please invite friends first: 1 of 2 so far."
    invite(lottery, bot, WANG + 1)
    db.session.execute(text("UPDATE bot_member SET blocked_at = now() WHERE telegram_id = :id"), {"id": WANG})
    db.session.commit()
    assert invites.count(lottery.id, lin) == 1
    invite(lottery, bot, WANG)
    assert invites.count(lottery.id, lin) == 2
    assert join(lottery, lin)


def test_who_has_joined_already_is_nobodys_friend(opened, bot, lin):
    lottery = opened()
    meet(bot.tenant_id, bot.id, WANG)
    join(lottery, WANG)
    assert not invite(lottery, bot, WANG)


def test_the_first_inviter_keeps_a_friend_of_two(opened, bot, lin):
    lottery = opened()
    meet(bot.tenant_id, bot.id, WANG)
    assert invite(lottery, bot, WANG + 5, inviter=LIN)
    assert not invite(lottery, bot, WANG + 5, inviter=WANG)
    assert (invites.count(lottery.id, LIN), invites.count(lottery.id, WANG)) == (1, 0)


@pytest.mark.parametrize(
    "ref", ["", "-1", "0", "zzzzzzzzzzzzz", "zzzzzzzzzzzz9", "'; drop", "\uff11\uff12", "a_b", "1\0"]
)
def test_links_that_nobody_made_count_for_nobody(opened, lin, ref):
    lottery = opened()
    with transaction():
        assert not invites.record(lottery.id, WANG, ref)


def test_a_friend_of_another_tenant_counts_for_nobody(opened, bot, cast, lin):
    foreign = a_bot(cast.other_tenant, 2)
    meet(foreign.tenant_id, foreign.id, WANG)
    theirs = make_lottery(foreign.tenant_id, foreign.id, code="THEIRS23")
    ours = standing.find_by_code(opened().code, LIN)
    with transaction():
        assert not invites.record(theirs.id, WANG, invites.make_ref(ours.member_id))


def buy(lottery: Lottery, had: int, count: int = 1) -> tickets.Bought:
    with transaction():
        return tickets.buy(lottery.id, LIN, had=had, count=count)


def test_tickets_are_bought_once_however_often_the_button_is_pressed(opened, lin):
    lottery = opened(tickets=TICKETS)
    join(lottery, lin)
    assert buy(lottery, 0) == tickets.Bought(bought=1, weight=2, balance=20)
    assert buy(lottery, 0) == tickets.Bought(bought=1, weight=2, balance=20, again=True)
    assert buy(lottery, 1, count=2).weight == 4
    assert balance() == 10
    assert db.session.query(LotteryEntry).one().paid == 15


def test_nobody_buys_more_tickets_than_anybody_may_hold(opened, bot, lin):
    lottery = opened(tickets=TICKETS)
    with pytest.raises(tickets.NoTickets):
        buy(lottery, 0)
    join(lottery, lin)
    invite(lottery, bot, WANG)
    with pytest.raises(tickets.NoTickets):
        buy(lottery, 0, count=3)
    assert buy(lottery, 0, count=2).weight == 4


def test_tickets_that_cannot_be_paid_are_not_bought(opened, bot):
    lottery = opened(tickets=TICKETS)
    meet(bot.tenant_id, bot.id, LIN, credit=4)
    join(lottery, LIN)
    with pytest.raises(InsufficientCredits):
        buy(lottery, 0)
    assert standing.find_by_code(lottery.code, LIN).entry.bought == 0


def test_boosts_are_kept_while_it_is_open(opened, lin):
    lottery = opened(tickets={"per_boost": 2, "boost_chat": "@news_of_a", "max": 10})
    join(lottery, lin, boosts=1)
    with transaction():
        assert entries.set_boosts(lottery.id, lin, 3)
        assert standing.find_by_code(lottery.code.lower(), lin).weight == 7


def test_results_are_read_back_as_they_were_written():
    results = [(True, 5), (False, 6), (None, 7)]
    assert conditions.read(conditions.render(results)) == results
    assert conditions.render(results) == "0:1:5;1:0:6;2:-:7"
    assert conditions.read("") == []
    assert conditions.read("staff") is None


@pytest.mark.parametrize("most", [1, 2, 7, 100])
def test_nobody_holds_less_than_one_ticket_nor_more_than_the_most(most):
    rules = TicketRules(per_invite=2, per_boost=3, price=1, most=most)
    for friends in range(12):
        for boosts in range(6):
            held = [weight(rules, friends=friends, boosts=boosts, bought=bought) for bought in range(6)]
            assert held == sorted(held)
            assert all(1 <= one <= most for one in held)
            assert held[0] == min(most, 1 + 2 * friends + 3 * boosts)


def statements(lottery: Lottery, telegram_id: int) -> int:
    with Statements() as said:
        join(lottery, telegram_id)
    return len([each for each in said.texts if "set_config" not in each])


def test_joining_takes_as_many_statements_however_many_have_joined(opened, bot, lin):
    free, priced = opened(), opened(code="PAID2345", conditions=PAID)
    assert statements(free, LIN) == 3
    assert statements(priced, LIN) == 4
    for number in range(1, 40):
        meet(bot.tenant_id, bot.id, LIN + number, credit=10)
        join(priced, LIN + number)
    meet(bot.tenant_id, bot.id, LIN + 40, credit=10)
    assert statements(priced, LIN + 40) == 4


def close(lottery: Lottery) -> int:
    """Closes it; how many were in at that moment, or -1 where somebody else had closed it."""
    with transaction():
        closed = manage.close(lottery.id)
        return db.session.query(LotteryEntry).filter_by(lottery_id=lottery.id).count() if closed else -1


def test_nobody_slips_in_while_three_close_it(opened, bot):
    lottery, people = opened(), range(FIRST, FIRST + 150)
    for person in people:
        meet(bot.tenant_id, bot.id, person)
    jobs: list[Callable[[], object]] = [partial(join, lottery, person) for _ in range(2) for person in people]
    jobs[120:120] = [partial(close, lottery)] * 3
    results = in_threads(jobs)
    frozen = sorted(result for result in results if isinstance(result, int))
    kinds = Counter(map(type, results))
    assert frozen[:2] == [-1, -1]
    assert 0 < frozen[2] < 150
    assert counted(lottery) == (frozen[2], frozen[2])
    assert kinds == {int: 3, entries.Joined: frozen[2], LotteryClosed: 300 - frozen[2]}


def test_sixty_four_at_once_fill_twenty_places_exactly(opened, bot):
    lottery = opened(max_entries=20, closes_when_full=True, conditions=PAID)
    for number in range(64):
        meet(bot.tenant_id, bot.id, FIRST + number, credit=10)
    results = in_threads([partial(join, lottery, FIRST + number) for number in range(64)])
    kinds = Counter(map(type, results))
    assert kinds == {entries.Joined: 20, LotteryFull: 44}
    assert counted(lottery) == (20, 20)
    assert db.session.query(CreditPosting).count() == 20


def test_one_person_who_presses_in_many_places_joins_and_pays_once(opened, lin):
    lottery = opened(conditions=PAID)
    results = in_threads([partial(join, lottery, lin)] * 16)
    assert Counter(map(type, results)) == {entries.Joined: 1, AlreadyJoined: 15}
    assert counted(lottery) == (1, 1)
    assert balance() == 15


def test_a_friend_who_comes_by_many_presses_counts_once(opened, bot, lin):
    lottery = opened()
    meet(bot.tenant_id, bot.id, WANG)
    assert Counter(in_threads([partial(invite, lottery, bot, WANG)] * 8, threads=8)) == {True: 1, False: 7}
    assert invites.count(lottery.id, lin) == 1
