"""The resident reader: order, fairness, failures, postponement, hand-over, recovery."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator

import orjson
import psycopg
import pytest
from sqlalchemy import text

from app.core.bells import Bell, ring_now
from app.core.db import db
from app.core.settings import Settings, get_settings
from app.domain.bots import BotConfig
from app.models import Bot
from app.services import directory, leases
from app.services.inbox import claims
from app.services.inbox.claims import Store, Wanted
from bots.drain.reader import Drain
from bots.telegram.errors import Postpone
from tests.cast import Cast
from tests.inbox_tools import end_leases, lease_all, make_bot, put, row, states
from tests.waiting import wait_for


class Script:
    """A handler that notes what it was given, and does what a test wants at one update."""

    def __init__(self) -> None:
        self.handled: dict[tuple[int, int], list[int]] = defaultdict(list)
        self.at: dict[int, float] = {}
        self.act: Callable[[int], None] = lambda _: None
        self.lock = threading.Lock()

    def __call__(self, config: BotConfig, raw: bytes) -> bool:
        update = orjson.loads(raw)
        update_id, chat = update["update_id"], update["message"]["chat"]["id"]
        self.act(update_id)
        with self.lock:
            self.handled[config.id, chat].append(update_id)
            self.at[update_id] = time.monotonic()
        return True

    @property
    def all(self) -> list[int]:
        with self.lock:
            return [update_id for ids in self.handled.values() for update_id in ids]


class Readers:
    """Drains on threads of the test's process."""

    def __init__(self, app, script: Script) -> None:
        self.app = app
        self.script = script
        self.running: list[tuple[threading.Thread, threading.Event, Drain]] = []
        self.sent: list[object] = []

    def start(self, **changes: object) -> Drain:
        settings = get_settings().model_copy(update={"drain_slices": 1, "drain_chats": 20, **changes})
        drain = Drain(settings, self.app, self.script, directory.find)
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(drain, stop))
        thread.start()
        self.running.append((thread, stop, drain))
        return drain

    def _run(self, drain: Drain, stop: threading.Event) -> None:
        with self.app.app_context():
            drain.run(stop)

    def stop(self) -> None:
        for _, stop, drain in self.running:
            stop.set()
            drain._wake.set()
        for thread, _, _ in self.running:
            thread.join(10)
            assert not thread.is_alive()
        self.running.clear()


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def readers(app, script, monkeypatch) -> Iterator[Readers]:
    readers = Readers(app, script)
    monkeypatch.setattr("bots.drain.reader.send", lambda name, *args: readers.sent.append(name))
    yield readers
    readers.stop()


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return make_bot(cast.tenant)


def all_in_state(state: str, number: int) -> Callable[[], bool]:
    return lambda: list(states().values()).count(state) == number


def ring() -> None:
    ring_now(Bell.INBOX, ",".join(map(str, range(32))))


def settings_with(**changes: object) -> Settings:
    return get_settings().model_copy(update=changes)


def test_everything_is_handled_once_and_in_order_of_its_chat(bot, script, readers):
    put(bot, [(number, number % 20) for number in range(400)])
    readers.start()
    wait_for(all_in_state("done", 400))
    assert sorted(script.all) == list(range(400))
    assert all(ids == sorted(ids) for ids in script.handled.values())


def test_two_readers_share_the_work_and_keep_the_order(bot, script, readers):
    readers.start(drain_slices=2)
    readers.start(drain_slices=2)
    put(bot, [(number, number % 20) for number in range(400)])
    wait_for(all_in_state("done", 400))
    assert sorted(script.all) == list(range(400))
    assert all(ids == sorted(ids) for ids in script.handled.values())


def test_a_bell_is_answered_at_once(bot, script, readers):
    readers.start()
    wait_for(lambda: leases.held(leases.CHAT, 32)[0] == 32 or db.session.rollback())
    put(bot, [(0, 1)])
    wait_for(lambda: script.all)
    put(bot, [(1, 1)])
    rung = time.monotonic()
    ring()
    wait_for(lambda: 1 in script.at)
    assert script.at[1] - rung < 0.3


def test_without_a_bell_it_looks_every_second(bot, script, readers):
    readers.start()
    wait_for(lambda: leases.held(leases.CHAT, 32)[0] == 32 or db.session.rollback())
    put(bot, [(1, 1)])
    wait_for(lambda: script.all, seconds=3)


def test_a_slow_chat_does_not_hold_up_another(bot, script, readers):
    gate = threading.Event()
    script.act = lambda update_id: gate.wait(10) if update_id == 1 else None
    put(bot, [(1, 1), (2, 1), (3, 2)])
    readers.start()
    wait_for(lambda: 3 in script.all)
    assert script.all == [3]
    gate.set()
    wait_for(all_in_state("done", 3))
    assert script.handled[bot.id, 1] == [1, 2]


def test_a_slow_tenant_leaves_threads_to_the_others(bot, cast, script, readers):
    gate = threading.Event()
    script.act = lambda update_id: gate.wait(20) if update_id < 1000 else None
    theirs = make_bot(cast.other_tenant, 2)
    put(bot, [(number, number) for number in range(200)])
    readers.start()
    wait_for(lambda: list(states().values()).count("leased") >= 20)
    put(theirs, [(1000, 1)])
    ring()
    wait_for(lambda: 1000 in script.all, seconds=3)
    gate.set()
    wait_for(all_in_state("done", 201))


def test_ten_thousand_waiting_updates_do_not_delay_the_other_tenant(bot, cast, script, readers):
    theirs = make_bot(cast.other_tenant, 2)
    script.act = lambda update_id: time.sleep(0.01) if update_id < 100_000 else None
    put(bot, [(number, number % 500) for number in range(10_000)])
    readers.start()
    wait_for(lambda: len(script.all) > 100)
    for number in range(10):
        put(theirs, [(100_000 + number, number)])
        put_at = time.monotonic()
        ring()
        wait_for(lambda number=number: 100_000 + number in script.at, seconds=3)
        assert script.at[100_000 + number] - put_at < 1
    assert len(script.all) < 10_000


def test_an_update_that_fails_is_tried_again_and_its_chat_waits(bot, script, readers):
    fails = iter([True])

    def act(update_id: int) -> None:
        if update_id == 1 and next(fails, False):
            raise ValueError("once")

    script.act = act
    put(bot, [(1, 1), (2, 1), (3, 2)])
    readers.start()
    wait_for(all_in_state("done", 3))
    assert script.handled[bot.id, 1] == [1, 2]
    assert row(1).attempts == 2
    assert row(2).attempts == 1
    assert script.at[1] - script.at[3] > 0.9


def test_after_five_failures_it_is_set_aside_and_the_chat_goes_on(bot, script, readers, monkeypatch):
    monkeypatch.setattr("bots.drain.crew.WAITS", (0.01,) * 5)
    tries: list[int] = []

    def act(update_id: int) -> None:
        if update_id == 1:
            tries.append(1)
            raise ValueError(f"the token {bot.token} shows")

    script.act = act
    put(bot, [(1, 1), (2, 1)])
    readers.start()
    wait_for(lambda: set(states().values()) == {"dead", "done"})
    assert len(tries) == 5
    dead = row(1)
    assert dead.attempts == 5
    assert dead.error.startswith("ValueError: the token 1000001:***")
    assert script.all == [2]


def test_one_poisoned_update_in_a_thousand_stops_nobody(bot, script, readers, monkeypatch):
    monkeypatch.setattr("bots.drain.crew.WAITS", (0.01,) * 5)

    def act(update_id: int) -> None:
        if update_id == 500:
            raise ValueError("poison")

    script.act = act
    put(bot, [(number, number % 10) for number in range(1000)])
    readers.start()
    wait_for(lambda: sorted(set(states().values())) == ["dead", "done"], seconds=20)
    assert sorted(script.all) == [number for number in range(1000) if number != 500]
    assert all(ids == sorted(ids) for ids in script.handled.values())


def test_a_postponed_update_waits_without_being_counted(bot, script, readers):
    waits = iter([0.05] * 8)

    def act(update_id: int) -> None:
        for seconds in waits:
            raise Postpone(seconds, "limit")

    script.act = act
    put(bot, [(1, 1), (2, 1)])
    readers.start()
    wait_for(all_in_state("done", 2))
    assert row(1).attempts == 1
    assert script.all == [1, 2]


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("server closed the connection"),
        psycopg.errors.AdminShutdown("terminating connection"),
        psycopg.errors.CannotConnectNow("starting up"),
    ],
)
def test_no_update_is_blamed_for_an_absent_database(bot, script, readers, monkeypatch, error):
    monkeypatch.setattr("bots.drain.attempt.AWAY_SECONDS", 0.01)
    away = iter([True] * 7)

    def act(_: int) -> None:
        if next(away, False):
            raise error

    script.act = act
    put(bot, [(1, 1)])
    readers.start()
    wait_for(all_in_state("done", 1))
    assert row(1).attempts == 1


@pytest.mark.parametrize("change", ["removed_at = now()", "enabled = false"])
def test_a_bot_that_is_removed_or_disabled_is_silent(bot, script, readers, change):
    db.session.execute(text(f"UPDATE bot SET {change}"))
    put(bot, [(1, 1)])
    readers.start()
    wait_for(all_in_state("done", 1))
    assert script.all == []


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


def test_put_back_is_not_counted_when_it_failed_before(bot, script, readers):
    put(bot, [(1, 1)])
    lease_all("me")
    store = Store(get_settings(), "me")
    (update,) = store.claim(range(32), Wanted(room=1, each=1))[0]
    store.finish([claims.again(update, "x")])
    store.finish([claims.put_back(update)])
    store.close()
    assert (row(1).state, row(1).attempts) == ("new", 1)
