"""Claiming, finishing and recovering updates by shard lease."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from app.core.db import db
from app.core.settings import get_settings
from app.models import Bot, BotHour
from app.services import leases
from app.services.inbox import claims
from app.services.inbox.claims import Claimed, Store, Wanted
from tests.cast import Cast
from tests.inbox_tools import end_leases, forget_claims, lease_all, make_bot, put, row, states

ALL = range(32)
PLENTY = Wanted(room=200, each=100)


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return make_bot(cast.tenant)


@pytest.fixture
def store(app) -> Iterator[Store]:
    store = Store(get_settings(), "me")
    yield store
    store.close()


@pytest.fixture
def other(app) -> Iterator[Store]:
    store = Store(get_settings(), "other")
    yield store
    store.close()


def ids(updates: list[Claimed]) -> list[int]:
    return [update.update_id for update in updates]


def test_a_claim_takes_what_waits_in_order_of_arrival(bot, store):
    put(bot, [(30, 1), (10, 1), (20, 2)])
    lease_all("me")
    updates, more = store.claim(ALL, PLENTY)
    assert ids(updates) == [30, 10, 20]
    assert not more
    assert {update.attempts for update in updates} == {1}


def test_without_a_lease_nothing_is_claimed(bot, store):
    put(bot, [(1, 1)])
    lease_all("other")
    assert store.claim(ALL, PLENTY)[0] == []


def test_with_a_lease_that_ran_out_nothing_is_claimed(bot, store):
    put(bot, [(1, 1)])
    lease_all("me")
    end_leases()
    assert store.claim(ALL, PLENTY)[0] == []


def test_shards_that_we_did_not_ask_for_are_left_alone(bot, store):
    put(bot, [(number, number) for number in range(400)])
    lease_all("me")
    updates, _ = store.claim([3, 4], PLENTY)
    assert {update.shard for update in updates} == {3, 4}


def test_of_one_chat_at_most_four_are_taken(bot, store):
    put(bot, [(number, 7) for number in range(10)])
    lease_all("me")
    assert ids(store.claim(ALL, PLENTY)[0]) == [0, 1, 2, 3]


def test_full_chats_and_full_tenants_are_passed_over(bot, cast, store):
    theirs = make_bot(cast.other_tenant, 2)
    put(bot, [(1, 7), (2, 8)])
    put(theirs, [(3, 7)])
    lease_all("me")
    full = Wanted(room=10, each=10, full_chats={(bot.id, 7)}, full_tenants={theirs.tenant_id})
    assert ids(store.claim(ALL, full)[0]) == [2]


def test_a_flood_leaves_room_for_the_other_tenant(bot, cast, store):
    theirs = make_bot(cast.other_tenant, 2)
    put(bot, [(number, number) for number in range(500)])
    put(theirs, [(1000, 1)])
    lease_all("me")
    updates, more = store.claim(ALL, Wanted(room=10, each=10))
    assert 1000 in ids(updates)
    assert more


def test_repeated_claims_reach_every_chat_of_a_flood(bot, store):
    put(bot, [(number, number) for number in range(60)])
    lease_all("me")
    seen: list[int] = []
    while True:
        updates, more = store.claim(ALL, Wanted(room=9, each=7))
        seen += ids(updates)
        if not more:
            break
    assert sorted(seen) == list(range(60))


def test_chats_that_keep_writing_do_not_hold_up_the_others(bot, store):
    put(bot, [(number, number) for number in range(20)])
    lease_all("me")
    first = ids(store.claim(ALL, Wanted(room=10, each=8))[0])
    put(bot, [(100 + number, number) for number in range(8)])
    assert ids(store.claim(ALL, Wanted(room=10, each=8))[0]) == [8, 9, 10, 11, 12, 13, 14, 15]
    assert first == list(range(8))


def test_every_tenant_gets_a_turn_when_there_are_more_than_places(cast, store):
    bots = [make_bot(tenant, number) for number, tenant in enumerate([cast.tenant, cast.other_tenant])]
    for bot in bots:
        put(bot, [(bot.id * 100 + number, number) for number in range(5)])
    lease_all("me")
    claimed = [store.claim(ALL, Wanted(room=1, each=1))[0] for _ in range(6)]
    got = [updates[0].bot_id for updates in claimed if updates]
    assert got[0] != got[1]
    assert set(got) == {bot.id for bot in bots}


def test_finishing_is_written_and_counted(bot, store):
    put(bot, [(1, 1), (2, 2)])
    lease_all("me")
    first, second = store.claim(ALL, PLENTY)[0]
    assert store.finish([claims.done(first), claims.dead(second, "ValueError: bad")]) == 2
    assert states() == {1: "done", 2: "dead"}
    assert row(2).error == "ValueError: bad"
    hour = db.session.scalars(db.select(BotHour)).one()
    assert (hour.handled, hour.failed) == (1, 1)
    db.session.refresh(bot)
    assert bot.last_update_at is not None


def test_finishing_twice_counts_once(bot, store):
    put(bot, [(1, 1)])
    lease_all("me")
    (update,) = store.claim(ALL, PLENTY)[0]
    assert store.finish([claims.done(update)]) == 1
    assert store.finish([claims.done(update)]) == 0
    assert db.session.scalars(db.select(BotHour)).one().handled == 1


def test_an_update_of_a_bot_that_is_gone_can_be_finished(bot, store):
    put(bot, [(1, 1)])
    lease_all("me")
    (update,) = store.claim(ALL, PLENTY)[0]
    db.session.delete(bot)
    db.session.commit()
    assert store.finish([claims.done(update)]) == 1


def test_a_failed_attempt_counts_and_one_put_back_does_not(bot, store):
    put(bot, [(1, 1), (2, 2)])
    lease_all("me")
    first, second = store.claim(ALL, PLENTY)[0]
    store.finish([claims.again(first, "x"), claims.put_back(second)])
    assert (row(1).state, row(1).attempts, row(1).error) == ("new", 1, "x")
    assert (row(2).state, row(2).attempts) == ("new", 0)


def test_what_a_dead_reader_held_becomes_suspect(bot, store, other):
    put(bot, [(1, 1), (2, 2)])
    lease_all("me")
    store.claim(ALL, Wanted(room=1, each=1))
    end_leases()
    lease_all("other")
    assert other.recover(ALL) == 1
    assert [suspect.update_id for suspect in other.suspects(ALL)] == [1]
    assert ids(other.claim(ALL, PLENTY)[0]) == [2]
    assert row(1).deaths == 1


def test_a_zombie_changes_nothing(bot, store, other):
    put(bot, [(1, 1)])
    lease_all("me")
    (update,) = store.claim(ALL, PLENTY)[0]
    end_leases()
    lease_all("other")
    other.recover(ALL)
    assert store.finish([claims.done(update)]) == 0
    assert store.claim(ALL, PLENTY)[0] == []
    assert store.recover(ALL) == 0
    assert row(1).state == "new"


def test_a_zombie_does_not_end_what_another_holds(bot, store, other):
    put(bot, [(1, 1)])
    lease_all("me")
    (update,) = store.claim(ALL, PLENTY)[0]
    end_leases()
    lease_all("other")
    other.recover(ALL)
    assert other.claim_suspect(other.suspects(ALL)[0]) is not None
    assert store.finish([claims.done(update)]) == 0
    assert row(1).state == "leased"


def test_the_lease_number_only_grows(bot, store, other):
    put(bot, [(1, 1)])
    lease_all("me")
    old = store.claim(ALL, PLENTY)[0][0].token
    end_leases()
    lease_all("other")
    other.recover(ALL)
    (suspect,) = other.suspects(ALL)
    again = other.claim_suspect(suspect)
    assert again is not None
    assert again.token > old


def test_the_third_death_sets_an_update_aside(bot):
    put(bot, [(1, 1)])
    for number in range(3):
        owner = f"reader {number}"
        lease_all(owner)
        store = Store(get_settings(), owner)
        assert store.recover(ALL) == (1 if number else 0)
        suspects = store.suspects(ALL)
        held = [store.claim_suspect(suspect) for suspect in suspects] or store.claim(ALL, PLENTY)[0]
        assert len(held) == 1
        store.close()
        end_leases()
    lease_all("last")
    store = Store(get_settings(), "last")
    store.recover(ALL)
    assert store.suspects(ALL) == []
    store.close()
    assert (row(1).state, row(1).deaths) == ("dead", 3)


def test_a_claim_that_postgresql_forgot_can_be_finished(bot, store):
    put(bot, [(1, 1)])
    lease_all("me")
    (update,) = store.claim(ALL, PLENTY)[0]
    forget_claims()
    assert store.finish([claims.done(update)]) == 1
    assert states() == {1: "done"}


def test_a_claim_that_postgresql_forgot_is_void_once_the_lease_is_lost(bot, store):
    put(bot, [(1, 1)])
    lease_all("me")
    (update,) = store.claim(ALL, PLENTY)[0]
    forget_claims()
    end_leases()
    lease_all("other")
    assert store.finish([claims.done(update)]) == 0
    assert states() == {1: "new"}


def test_a_suspect_that_is_no_longer_there_is_not_claimed(bot, store, other):
    put(bot, [(1, 1)])
    lease_all("me")
    store.claim(ALL, PLENTY)
    end_leases()
    lease_all("other")
    other.recover(ALL)
    (suspect,) = other.suspects(ALL)
    assert other.claim_suspect(suspect) is not None
    assert other.claim_suspect(suspect) is None


def test_a_lease_that_ran_out_is_still_its_owners_while_nobody_took_it(bot, store):
    put(bot, [(1, 1)])
    lease_all("me")
    (update,) = store.claim(ALL, PLENTY)[0]
    end_leases()
    assert leases.renew(leases.CHAT, "me", 60) == set(ALL)
    db.session.commit()
    assert store.recover(ALL) == 0
    assert store.finish([claims.done(update)]) == 1


def test_fewer_shards_than_before_leave_no_update_behind(bot, store):
    put(bot, [(number, number) for number in range(40)])
    db.session.execute(text("UPDATE inbox SET shard = shard + 64"))
    db.session.commit()
    lease_all("me")
    assert len(store.claim(ALL, PLENTY)[0]) == 40


def test_ten_thousand_waiting_updates_of_one_chat_cost_the_others_nothing(bot, cast, store):
    theirs = make_bot(cast.other_tenant, 2)
    put(bot, [(number, 7) for number in range(10_000)])
    put(theirs, [(1, 1)])
    lease_all("me")
    asked = Wanted(room=100, each=50, full_chats={(bot.id, 7)})
    assert ids(store.claim(ALL, asked)[0]) == [1]
