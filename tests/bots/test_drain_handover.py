"""A reader that ends, dies or loses its leases: somebody else goes on, and nothing is handled out of turn."""

import threading
import time

from sqlalchemy import text

from app.core.db import db
from app.core.settings import get_settings
from app.services import leases
from app.services.inbox.claims import Store, Wanted
from tests.bots.draining import all_in_state
from tests.inbox_tools import end_leases, lease_all, put, row, states
from tests.waiting import wait_for


def test_at_the_end_of_its_slice_it_hands_over(bot, script, readers):
    readers.start(slice_seconds=0.2)
    put(bot, [(1, 1)])
    wait_for(lambda: not readers.running[0][0].is_alive())
    assert leases.held(leases.CHAT, 32) == (0, 0)
    assert readers.sent == ["telegram.drain"]
    assert states() == {1: "done"}


def test_asked_to_stop_it_ends_what_runs_and_puts_back_the_rest(bot, script, readers):
    gate = threading.Event()
    script.act = lambda _: gate.wait(10)
    put(bot, [(1, 1), (2, 1), (3, 1)])
    drain = readers.start()
    wait_for(drain._crew.running_shards)
    _, stop, _ = readers.running[0]
    stop.set()
    drain._wake.set()
    wait_for(all_in_state("new", 2))
    gate.set()
    readers.stop()
    assert states() == {1: "done", 2: "new", 3: "new"}
    assert [row(number).attempts for number in (1, 2, 3)] == [1, 0, 0]
    assert leases.held(leases.CHAT, 32) == (0, 0)


def test_a_handler_that_hangs_keeps_only_its_own_shard(bot, script, readers, monkeypatch):
    monkeypatch.setattr("bots.drain.reader.STOP_SECONDS", 0.3)
    gate = threading.Event()
    script.act = lambda _: gate.wait(10)
    put(bot, [(1, 1)])
    drain = readers.start()
    wait_for(drain._crew.running_shards)
    readers.stop()
    db.session.rollback()
    assert leases.held(leases.CHAT, 32) == (1, 1)
    gate.set()


def test_what_a_dead_reader_held_is_handled_again(bot, script, readers):
    put(bot, [(number, number % 5) for number in range(40)])
    lease_all("gone")
    store = Store(get_settings(), "gone")
    held = store.claim(range(32), Wanted(room=20, each=20))[0]
    store.close()
    end_leases()
    readers.start()
    wait_for(all_in_state("done", 40))
    assert sorted(script.all) == list(range(40))
    assert all(ids == sorted(ids) for ids in script.handled.values())
    assert sum(row(number).deaths for number in range(40)) == len(held) == 20


def test_a_claim_that_postgresql_forgot_does_not_handle_twice(bot, script, readers):
    gate = threading.Event()
    script.act = lambda _: gate.wait(10)
    put(bot, [(1, 1), (2, 1)])
    drain = readers.start()
    wait_for(drain._crew.running_shards)
    db.session.execute(text("UPDATE inbox SET state = 'new', attempts = 0, lease_token = 0"))
    db.session.commit()
    wait_for(all_in_state("leased", 2))
    gate.set()
    wait_for(all_in_state("done", 2))
    assert script.all == [1, 2]


def test_what_waits_after_a_failure_is_no_victim_of_a_death(bot, script, readers):
    def act(update_id: int) -> None:
        raise ValueError("always")

    script.act = act
    put(bot, [(1, 1), (2, 1)])
    readers.start()
    wait_for(lambda: row(1).error)
    assert states() == {1: "new", 2: "new"}
    assert [row(number).attempts for number in (1, 2)] == [1, 0]


def test_a_suspect_that_fails_is_tried_again_before_the_rest_of_its_chat(bot, script, readers, monkeypatch):
    monkeypatch.setattr("bots.drain.crew.WAITS", (0.05,) * 5)
    fails = iter([True, True])

    def act(update_id: int) -> None:
        if update_id == 1 and next(fails, False):
            raise ValueError("twice")

    script.act = act
    put(bot, [(1, 1), (2, 1), (3, 2)])
    lease_all("gone")
    store = Store(get_settings(), "gone")
    store.claim(range(32), Wanted(room=20, each=20))
    store.close()
    end_leases()
    readers.start()
    wait_for(all_in_state("done", 3))
    assert script.handled[bot.id, 1] == [1, 2]
    assert script.at[3] < script.at[1]


def test_suspects_are_handled_one_at_a_time(bot, script, readers):
    under_way: list[int] = []
    most: list[int] = []

    def act(update_id: int) -> None:
        under_way.append(update_id)
        most.append(len(under_way))
        time.sleep(0.005)
        under_way.remove(update_id)

    script.act = act
    put(bot, [(number, number) for number in range(10)])
    lease_all("gone")
    store = Store(get_settings(), "gone")
    store.claim(range(32), Wanted(room=20, each=20))
    store.close()
    end_leases()
    readers.start()
    wait_for(all_in_state("done", 10))
    assert max(most) == 1


def test_a_reader_that_lost_its_shards_starts_nothing_more(bot, script, readers):
    gate = threading.Event()
    script.act = lambda _: gate.wait(10)
    put(bot, [(1, 1), (2, 1)])
    drain = readers.start(lease_seconds=1)
    wait_for(drain._crew.running_shards)
    db.session.execute(
        text("UPDATE shard_lease SET owner = 'other', token = token + 1, lease_until = now() + '1 hour'")
    )
    db.session.commit()
    wait_for(lambda: not drain._shards)
    gate.set()
    wait_for(lambda: script.all == [1])
    wait_for(lambda: not readers.running[0][0].is_alive())
    assert script.all == [1]
    assert states() == {1: "done", 2: "leased"}


def test_orphaned_shards_are_taken_beyond_the_share(bot, script, readers, monkeypatch):
    monkeypatch.setattr("bots.drain.reader.ORPHAN_SECONDS", 0.1)
    drain = readers.start(drain_slices=2, lease_seconds=1)
    wait_for(lambda: len(drain._shards) == 32)


def test_the_share_is_half_with_two_slices(bot, script, readers):
    first = readers.start(drain_slices=2)
    wait_for(lambda: len(first._shards) == 16)
    second = readers.start(drain_slices=2)
    wait_for(lambda: len(second._shards) == 16)
    assert first._shards.isdisjoint(second._shards)
    third = readers.start(drain_slices=2)
    wait_for(lambda: not readers.running[2][0].is_alive())
    assert not third._shards
