"""Finding lotteries: by code, the open ones, somebody's own."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.queue import transaction
from app.core.tenancy import tenant_scope
from app.models import LotteryEntry, LotteryWinner
from app.services.lotteries import lookup, manage
from tests.cast import Cast
from tests.lottery_tools import a_bot, a_draft, an_open, enter


def test_a_code_is_found_in_small_letters_too(cast: Cast):
    lottery = a_draft(a_bot(cast.tenant))
    assert lookup.get_by_code(f" {lottery.code.lower()} ") is lottery


@pytest.mark.parametrize("code", ["", "NOBODYHAS1", "a b", "\u017f" * 4, "x" * 50, "'; --"])
def test_what_is_no_code_finds_nothing(cast: Cast, code: str):
    assert lookup.find_by_code(code) is None
    with pytest.raises(NotFound):
        lookup.get_by_code(code)


def test_open_lotteries_come_in_pages_and_the_next_to_close_first(cast: Cast):
    bot = a_bot(cast.tenant)
    made = [an_open(bot, closes_at=clock.now() + timedelta(hours=20 - n)).id for n in range(7)]
    first, second = lookup.list_open(cast.tenant.id, 0), lookup.list_open(cast.tenant.id, 1)
    assert [one.id for one in first.lotteries + second.lotteries] == made[::-1]
    assert (first.more, second.more) == (True, False)


def test_only_what_takes_entries_now_is_listed(cast: Cast, time):
    bot = a_bot(cast.tenant)
    a_draft(bot)
    an_open(bot, opens_at=clock.now() + timedelta(hours=1))
    an_open(a_bot(cast.other_tenant, 2))
    closed, over = an_open(bot), an_open(bot, closes_at=clock.now() + timedelta(minutes=1))
    with transaction():
        manage.close(closed.id)
    assert [one.id for one in lookup.list_open(cast.tenant.id).lotteries] == [over.id]
    time.forward(minutes=2)
    assert lookup.list_open(cast.tenant.id).lotteries == []


@pytest.mark.parametrize("page", [-3, 5, 10**12])
def test_a_page_that_is_not_there_is_empty(cast: Cast, page: int):
    assert lookup.list_open(cast.tenant.id, page).lotteries == []


def test_entries_are_counted_over_all_counters(cast: Cast):
    lottery = an_open(a_bot(cast.tenant))
    enter(lottery, 1, 2, 3)
    assert lookup.entry_count(lottery.id) == 3


def test_ones_latest_entries_come_with_what_was_won(cast: Cast):
    bot = a_bot(cast.tenant)
    lotteries = [an_open(bot, title=f"Draw {number}") for number in range(12)]
    for lottery in lotteries:
        enter(lottery, 7, 8)
    last = lotteries[-1]
    entry = db.session.scalars(select(LotteryEntry).filter_by(lottery_id=last.id, telegram_id=7)).one()
    [prize] = lookup.prizes(last.id)
    db.session.add(
        LotteryWinner(
            tenant_id=last.tenant_id,
            lottery_id=last.id,
            slot=1,
            prize_id=prize.id,
            entry_id=entry.id,
            telegram_id=7,
            rank=1,
            won_at=clock.now(),
        )
    )
    db.session.commit()
    mine = lookup.latest_entries(cast.tenant.id, 7)
    assert [one.lottery.title for one in mine] == [f"Draw {number}" for number in range(11, 1, -1)]
    assert mine[0].prize is prize
    assert mine[1].winner is None
    assert lookup.latest_entries(cast.tenant.id, 8)[0].winner is None


def test_a_stranger_finds_nothing(cast: Cast):
    lottery = an_open(a_bot(cast.tenant))
    db.session.expunge_all()
    with tenant_scope(cast.other_tenant.id):
        assert lookup.find_by_code(lottery.code) is None
        assert lookup.list_open(cast.tenant.id).lotteries == []
        with pytest.raises(NotFound):
            manage.close(lottery.id)
    db.session.rollback()
