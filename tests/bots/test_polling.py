"""Long polling against the sandbox over real HTTP."""

import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select, text

from app.core.bells import Bell, ring_now
from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.domain.bots import BotState, Mode
from app.models import Bot, Update
from app.services import leases, tenants
from bots.telegram import polling
from bots.telegram.polling import reports
from bots.telegram.polling.reports import Reporter
from bots.telegram.polling.updates import Failed
from tests.talking import make_bot
from tests.waiting import wait_for

Slice = Callable[[], threading.Event]


@pytest.fixture
def slice_(app, telegram, monkeypatch) -> Iterator[Slice]:
    """Starts slices in threads, as a Celery worker does; each answers with the event that stops it."""
    settings = get_settings()
    monkeypatch.setattr(settings, "poll_shards", 1)
    monkeypatch.setattr(settings, "lease_seconds", 1.5)
    running: list[tuple[threading.Thread, threading.Event]] = []

    def run(stop: threading.Event) -> None:
        with app.app_context(), system_scope():
            polling.run(stop)

    def start() -> threading.Event:
        stop = threading.Event()
        thread = threading.Thread(target=run, args=(stop,))
        thread.start()
        running.append((thread, stop))
        return stop

    yield start
    for thread, stop in running:
        stop.set()
        thread.join(10)
    polling.close()


def stored(bot_id: int | None = None) -> set[int]:
    db.session.commit()
    ids = select(Update.update_id)
    return set(db.session.scalars(ids if bot_id is None else ids.where(Update.bot_id == bot_id)))


def bot_row(bot_id: int) -> Bot:
    db.session.commit()
    db.session.expire_all()
    return db.session.get_one(Bot, bot_id)


def change(bot_id: int, **values) -> None:
    """A change as the services make it: version and bell."""
    with transaction():
        bot = db.session.get_one(Bot, bot_id)
        for name, value in values.items():
            setattr(bot, name, value)
        bot.version += 1
    ring_now(Bell.BOTS, str(bot_id))


def test_what_was_said_before_and_after_the_start_is_stored(slice_, telegram, cast):
    there, _config = make_bot(telegram, cast.tenant)
    before = telegram.say(there, 5550001, "before")["update_id"]
    slice_()
    wait_for(lambda: stored() == {before})
    after = telegram.say(there, 5550001, "after")["update_id"]
    wait_for(lambda: stored() == {before, after}, seconds=2)


def test_a_new_bot_is_polled_within_two_seconds(slice_, telegram, cast):
    slice_()
    _there, config = make_bot(telegram, cast.tenant, state="starting")
    ring_now(Bell.BOTS, str(config.id))
    wait_for(lambda: bot_row(config.id).state is BotState.RUNNING, seconds=2)


def test_a_new_bot_is_found_without_a_bell(slice_, telegram, cast):
    make_bot(telegram, cast.tenant)
    slice_()
    wait_for(lambda: polls_under_way(telegram) == 1)
    _there, config = make_bot(telegram, cast.tenant, state="starting")
    wait_for(lambda: bot_row(config.id).state is BotState.RUNNING, seconds=8)


def test_a_stopped_bot_is_left_alone_and_goes_on_later(slice_, telegram, cast):
    there, config = make_bot(telegram, cast.tenant)
    slice_()
    first = telegram.say(there, 5550001, "one")["update_id"]
    wait_for(lambda: stored() == {first})
    change(config.id, enabled=False)
    wait_for(lambda: polls_under_way(telegram) == 0, seconds=2)
    second = telegram.say(there, 5550001, "two")["update_id"]
    assert stored() == {first}
    change(config.id, enabled=True)
    wait_for(lambda: stored() == {first, second}, seconds=2)


def test_the_bots_of_a_suspended_tenant_are_left_alone_and_go_on_later(slice_, telegram, cast):
    there, _config = make_bot(telegram, cast.tenant)
    slice_()
    wait_for(lambda: polls_under_way(telegram) == 1)
    with transaction():
        tenants.suspend(cast.tenant.id)
    wait_for(lambda: polls_under_way(telegram) == 0, seconds=4)
    said = telegram.say(there, 5550001, "meanwhile")["update_id"]
    with transaction():
        tenants.resume(cast.tenant.id)
    wait_for(lambda: stored() == {said}, seconds=4)


def test_a_changed_token_takes_over(slice_, telegram, cast):
    there, config = make_bot(telegram, cast.tenant)
    slice_()
    wait_for(lambda: polls_under_way(telegram) == 1)
    there = telegram.revoke(there)
    wait_for(lambda: bot_row(config.id).state is BotState.REVOKED)
    change(config.id, token=there["token"], retry_at=None, state=BotState.STARTING)
    wait_for(lambda: bot_row(config.id).state is BotState.RUNNING, seconds=3)
    said = telegram.say(there, 5550001, "hello")["update_id"]
    wait_for(lambda: stored() == {said}, seconds=2)


def test_another_program_on_the_same_token_is_not_fought(slice_, telegram, cast):
    there, config = make_bot(telegram, cast.tenant)
    assert telegram.api(there, "setWebhook", url="http://127.0.0.1:9/hook")["ok"]
    slice_()
    wait_for(lambda: bot_row(config.id).state is BotState.CONFLICT)
    calls = len(telegram.calls(there, "getUpdates"))
    assert bot_row(config.id).retry_at is not None
    assert calls < 3
    assert telegram.api(there, "getWebhookInfo")["result"]["url"] == "http://127.0.0.1:9/hook"


def test_a_broken_server_is_asked_again_and_nothing_is_lost(slice_, telegram, cast):
    there, config = make_bot(telegram, cast.tenant)
    telegram.order_error(502, "Bad Gateway", method="getUpdates", count=2)
    slice_()
    said = telegram.say(there, 5550001, "hello")["update_id"]
    wait_for(lambda: stored() == {said}, seconds=20)
    wait_for(lambda: bot_row(config.id).failures == 0)


def test_too_many_requests_are_answered_with_patience(slice_, telegram, cast):
    there, config = make_bot(telegram, cast.tenant)
    telegram.order_error(429, "Too Many Requests", method="getUpdates", count=1, retry_after=1)
    slice_()
    said = telegram.say(there, 5550001, "hello")["update_id"]
    wait_for(lambda: stored() == {said}, seconds=20)
    assert bot_row(config.id).state is BotState.RUNNING


def test_a_cut_line_is_taken_up_again(slice_, telegram, cast):
    there, _config = make_bot(telegram, cast.tenant)
    telegram.order_error(0, method="getUpdates", count=1)
    slice_()
    said = telegram.say(there, 5550001, "hello")["update_id"]
    wait_for(lambda: stored() == {said}, seconds=10)


def test_a_slice_hands_over_without_losing_the_connection(slice_, telegram, cast, monkeypatch):
    monkeypatch.setattr(get_settings(), "slice_seconds", 1.0)
    there, _config = make_bot(telegram, cast.tenant)
    slice_()
    wait_for(lambda: polls_under_way(telegram) == 1)
    polls = len(telegram.calls(there, "getUpdates"))
    db.session.commit()
    owner = db.session.execute(text("SELECT owner FROM shard_lease WHERE kind = 'poll'")).scalar()
    wait_for(lambda: threading.active_count() and not slice_running(), seconds=5)
    slice_()
    said = telegram.say(there, 5550001, "hello")["update_id"]
    wait_for(lambda: stored() == {said}, seconds=2)
    db.session.commit()
    assert db.session.execute(text("SELECT owner FROM shard_lease WHERE kind = 'poll'")).scalar() == owner
    assert len(telegram.calls(there, "getUpdates")) <= polls + 1


def test_a_stopped_slice_lets_go_within_two_seconds(slice_, telegram, cast):
    make_bot(telegram, cast.tenant)
    stop = slice_()
    wait_for(lambda: polls_under_way(telegram) == 1)
    stop.set()
    wait_for(lambda: held() == 0 and polls_under_way(telegram) == 0, seconds=2)


def test_two_slices_never_poll_one_bot(slice_, telegram, cast):
    there, config = make_bot(telegram, cast.tenant)
    slice_()
    slice_()
    said = telegram.say(there, 5550001, "hello")["update_id"]
    wait_for(lambda: stored() == {said})
    wait_for(lambda: polls_under_way(telegram) == 1)
    assert bot_row(config.id).state is BotState.RUNNING


def test_a_lost_lease_ends_polling_at_once(slice_, telegram, cast):
    make_bot(telegram, cast.tenant)
    slice_()
    wait_for(lambda: polls_under_way(telegram) == 1)
    with transaction():
        db.session.execute(
            text(
                "UPDATE shard_lease SET owner = 'thief', token = token + 1, lease_until = now() + interval '1 h'"
            )
        )
    wait_for(lambda: polls_under_way(telegram) == 0, seconds=3)


def test_free_shards_are_taken_where_there_are_fewer_slices_than_shards(slice_, telegram, cast, monkeypatch):
    monkeypatch.setattr(get_settings(), "poll_shards", 3)
    pairs = [make_bot(telegram, cast.tenant) for _ in range(3)]
    slice_()
    wait_for(lambda: held() == 3, seconds=30)
    said = {telegram.say(there, 5550001, "hello")["update_id"] for there, _ in pairs}
    wait_for(lambda: stored() == said, seconds=5)


def test_a_bot_that_moves_to_a_webhook_is_not_polled(slice_, telegram, cast):
    _there, config = make_bot(telegram, cast.tenant)
    slice_()
    wait_for(lambda: polls_under_way(telegram) == 1)
    change(config.id, mode=Mode.WEBHOOK)
    wait_for(lambda: polls_under_way(telegram) == 0, seconds=2)


def test_a_full_bot_waits_at_telegram(slice_, telegram, cast, monkeypatch):
    monkeypatch.setattr(get_settings(), "inbox_cap", 10)
    there, _config = make_bot(telegram, cast.tenant)
    slice_()
    for number in range(15):
        telegram.say(there, 5550001, str(number))
        if number == 9:
            wait_for(lambda: len(stored()) == 10)
    assert len(stored()) == 10
    db.session.execute(text("UPDATE inbox SET state = 'done'"))
    db.session.commit()
    wait_for(lambda: len(stored()) == 15, seconds=10)


def test_nobody_to_poll_costs_no_call(slice_, telegram, cast):
    slice_()
    wait_for(lambda: held() == 1)
    assert telegram.calls() == []


def held() -> int:
    with transaction():
        return leases.held(leases.POLL, get_settings().poll_shards)[0]


def polls_under_way(telegram) -> int:
    return telegram.counters()["polled"]


def slice_running() -> bool:
    return any(thread.name.startswith("Thread-") and "run" in thread.name for thread in threading.enumerate())


def test_one_odd_report_does_not_silence_the_others(app, cast, telegram, monkeypatch):
    config, written = make_bot(telegram, cast.tenant)[1], []

    def write(_config, failure) -> None:
        written.append(failure)
        if len(written) == 1:
            raise ValueError("odd")

    monkeypatch.setattr(reports, "_write", write)
    reporter = Reporter(app)
    for number in (1, 2):
        reporter.failed(config, Failed(500, "broken"))
        wait_for(lambda number=number: len(written) == number)
    reporter.close()
