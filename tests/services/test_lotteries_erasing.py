"""Erasing somebody from lotteries: nothing of him is left, and what was published still proves itself."""

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.domain.lotteries import CloseReason, WinnerState
from app.models import Bot, CreditAccount, Lottery, LotteryEntry, LotteryInvite
from app.services import credits, tenant_data  # noqa: A004 - ours, not Python's
from app.services.credits import NewPosting
from app.services.lotteries import entries, exports, manage, results, tickets, winners
from app.services.lotteries.receipts import receipt
from tasks import lotteries as tasks
from tests.cast import Cast, sign_in
from tests.drawing import FIRST, a_closed, candidates, close, draw, kinds, messages, verdict
from tests.drawing import winners as read_winners
from tests.joining import counted
from tests.lottery_tools import a_bot, an_open, enter, members
from tests.racing import at_once
from tests.services.test_tenant_data import traces_of

CHANNEL = [{"type": "channel", "chat": "@teahouse"}]


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return a_bot(cast.tenant)


@pytest.fixture(autouse=True)
def known(cast: Cast) -> None:
    members(cast.tenant, *range(FIRST, FIRST + 4))


def erase(bot: Bot, telegram_id: int) -> None:
    with transaction():
        tenant_data.erase_member(bot.tenant_id, telegram_id)
    db.session.expire_all()
    assert traces_of(bot.tenant_id, str(telegram_id)) == []


def the_entries(lottery: Lottery) -> list[int]:
    query = select(LotteryEntry.telegram_id).where(LotteryEntry.lottery_id == lottery.id)
    return list(db.session.scalars(query.order_by(LotteryEntry.id)))


@pytest.mark.parametrize("limit", [{}, {"max_entries": 5}])
def test_his_entry_in_an_open_lottery_goes_and_its_place_is_free(bot: Bot, limit: dict[str, object]):
    lottery = an_open(bot, **limit)
    enter(lottery, FIRST, FIRST + 1)
    erase(bot, FIRST)
    assert counted(lottery) == (1, 1)
    close(lottery)
    draw(lottery)
    assert verdict(lottery).ok


def test_also_where_the_list_waits_to_be_sealed_or_the_lottery_was_cancelled(bot: Bot):
    waiting, cancelled = a_closed(bot, 3), an_open(bot)
    enter(cancelled, FIRST)
    with transaction():
        manage.cancel(cancelled.id, "sold out")
    erase(bot, FIRST)
    assert (the_entries(waiting), the_entries(cancelled)) == ([FIRST + 1, FIRST + 2], [])


def test_a_lottery_that_closed_because_it_was_full_stays_full(bot: Bot):
    lottery = a_closed(bot, 3, CloseReason.FULL, max_entries=3, closes_when_full=True)
    erase(bot, FIRST)
    draw(lottery)
    assert verdict(lottery).ok
    assert counted(lottery) == (3, 3)


def test_the_line_of_a_sealed_list_stays_and_others_keep_their_receipts(bot: Bot):
    lottery = a_closed(bot, 3)
    tasks.draw(lottery.id)
    before = [receipt(lottery.id, FIRST + number) for number in (1, 2)]
    erase(bot, FIRST)
    assert [receipt(lottery.id, FIRST + number) for number in (1, 2)] == before
    assert verdict(lottery).ok
    assert counted(lottery) == (3, 3)


def test_a_drawn_lottery_is_still_proved_when_its_winner_is_erased(bot: Bot):
    lottery = a_closed(bot, 3)
    won = draw(lottery)
    with transaction():
        winners.hand_over(lottery.id, 1, "to Wang, Lake Road 7")
    erase(bot, won[0].telegram_id)
    now = read_winners(lottery)
    assert (now[0].telegram_id < 0, now[0].note, now[0].state) == (True, "", WinnerState.HANDED_OVER)
    assert verdict(lottery).ok
    rows = list(exports._winners(lottery.id))
    assert [row[4] for row in rows] == [None, now[1].telegram_id]


def test_whoever_was_erased_before_the_order_may_win_and_is_neither_told_nor_paid(bot: Bot):
    lottery = a_closed(bot, 1, prizes=[{"name": "Credits", "credits": 50}])
    advance(lottery)
    erase(bot, FIRST)
    found = draw(lottery)
    assert [(one.state, one.telegram_id < 0) for one in found] == [(WinnerState.WON, True)]
    assert (messages(lottery), db.session.scalars(select(CreditAccount)).all()) == ([], [])
    assert verdict(lottery).ok


def advance(lottery: Lottery) -> None:
    with transaction():
        results.advance(lottery.id)


def test_the_prize_of_somebody_erased_is_drawn_again_and_paid_once(bot: Bot):
    lottery = a_closed(bot, 2, prizes=[{"name": "Credits", "credits": 50}])
    advance(lottery)
    advance(lottery)
    numbers = [FIRST + one.number - 1 for one in candidates(lottery)]
    erase(bot, numbers[0])
    draw(lottery)
    with transaction():
        winners.redraw(lottery.id, 1, "He asked to be erased.")
    second = draw(lottery)[1]
    assert (second.telegram_id, second.state) == (numbers[1], WinnerState.HANDED_OVER)
    assert credits.balance(bot.tenant_id, numbers[1]) == 50
    assert verdict(lottery).ok


def test_he_no_longer_meets_a_condition_about_a_channel(bot: Bot):
    lottery = an_open(bot, conditions=CHANNEL)
    with transaction():
        entries.join(lottery.id, FIRST, bot.id, {0: (True, int(clock.now().timestamp()))})
    close(lottery)
    advance(lottery)
    erase(bot, FIRST)
    assert draw(lottery) == []
    assert [one.state for one in candidates(lottery)] == ["failed"]
    assert verdict(lottery).ok


def test_whom_staff_added_stays_counted_since_their_number_is_public(bot: Bot):
    lottery = an_open(bot)
    with transaction():
        manage.add_by_staff(lottery.id, [FIRST, FIRST + 1])
    erase(bot, FIRST)
    close(lottery)
    draw(lottery)
    assert counted(lottery) == (2, 2)
    assert verdict(lottery).ok


def test_what_he_paid_is_lost_and_the_ledger_still_adds_up(bot: Bot):
    lottery = an_open(bot, conditions=[{"type": "credits", "amount": 10}], tickets={"price": 5, "max": 3})
    with transaction():
        credits.post_many(
            bot.tenant_id, [NewPosting(FIRST + n, 40, "admin", f"gift-{FIRST + n}", "gift") for n in (0, 1)]
        )
        entries.join(lottery.id, FIRST, bot.id, {})
        tickets.buy(lottery.id, FIRST, had=0)
    erase(bot, FIRST)
    found = credits.check(bot.tenant_id)
    assert (found.accounts, found.postings, found.mismatches) == (1, 1, [])
    log = db.session.execute(text("SELECT changes FROM audit_event WHERE action = 'member.erased'")).scalar()
    assert log == {"balance": [25, 0], "postings": [3, 0]}


def test_who_comes_back_may_join_and_pay_again(bot: Bot, cast: Cast):
    lottery = an_open(bot, conditions=[{"type": "credits", "amount": 10}])
    for _ in range(2):
        with transaction():
            credits.post(bot.tenant_id, FIRST, 10, source="admin", reference="gift", reason="gift")
            entries.join(lottery.id, FIRST, bot.id, {})
        erase(bot, FIRST)
        members(cast.tenant, FIRST)
    assert counted(lottery) == (0, 0)


def test_invitations_by_him_and_of_him_go(bot: Bot):
    lottery = an_open(bot)
    for friend, inviter in ((FIRST, FIRST + 1), (FIRST + 1, FIRST), (FIRST + 2, FIRST + 3)):
        row = LotteryInvite(
            tenant_id=bot.tenant_id, lottery_id=lottery.id, telegram_id=friend, inviter=inviter
        )
        db.session.add(row)
    db.session.commit()
    erase(bot, FIRST)
    assert [row.telegram_id for row in db.session.scalars(select(LotteryInvite))] == [FIRST + 2]


def test_erasing_while_it_closes_and_is_sealed_never_breaks_the_proof(app: Flask, bot: Bot):
    lottery = an_open(bot)
    enter(lottery, *range(FIRST, FIRST + 4))
    tenant_id, lottery_id = bot.tenant_id, lottery.id
    ends = at_once(
        lambda: manage.close(lottery_id),
        lambda: bool(results.advance(lottery_id)),
        lambda: tenant_data.erase_member(tenant_id, FIRST),
        lambda: tenant_data.erase_member(tenant_id, FIRST + 1),
    )
    assert len(ends) == 4
    draw(lottery)
    assert kinds(lottery)[-1] == "drawn"
    assert verdict(lottery).ok
    assert traces_of(tenant_id, str(FIRST)) == []


def test_pages_and_the_api_do_not_show_what_stands_for_him(app: Flask, cast: Cast, bot: Bot):
    lottery = a_closed(bot, 2, prizes=[{"name": "Mug"}])
    erase(bot, draw(lottery)[0].telegram_id)
    client = sign_in(app, cast.owner)
    page = client.get(f"/admin/lotteries/details/?id={lottery.id}", headers={"Accept-Language": "en"}).text
    assert ("Erased person" in page, "#-" in page) == (True, False)
    found = client.get(f"/api/lotteries/{lottery.code}/winners").json["winners"][0]
    assert (found["telegram_id"], found["name"]) == (None, "")
    assert client.get(f"/l/{lottery.code}").status_code == 200
