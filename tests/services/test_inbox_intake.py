"""Taking updates in: reading the head, the one INSERT, group commit, caps."""

import asyncio
import threading
from collections.abc import Callable, Coroutine

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from app.core.async_bells import Ringer
from app.core.bells import Bell, Listener
from app.core.db import db
from app.core.queue import transaction
from app.core.settings import Settings, get_settings
from app.core.tenancy import system_scope
from app.domain.bots import BotConfig
from app.domain.inbox import read_head, shard_of
from app.models import Junk, Update
from app.services import directory
from app.services.inbox import intake
from app.services.inbox.writer import GroupWriter, InboxUnavailable
from tests.inbox_tools import make_bot, raw

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["chat", "from", "user", "message", "id", "callback_query", "update_id"])
PAYLOADS = st.recursive(JSON, lambda inner: st.dictionaries(NAMES, inner, max_size=4), max_leaves=12)


@given(st.binary())
def test_reading_never_raises(body):
    read_head(body)


@given(st.dictionaries(NAMES | st.text(max_size=5), PAYLOADS, max_size=4))
def test_reading_never_raises_on_any_object(update):
    head = read_head(orjson_or_nothing(update))
    if head is not None:
        assert all(-(2**63) <= number < 2**63 for number in head)
        shard_of(1, head[1], 32)


@given(st.integers(0, 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_ids_of_all_sizes_are_read(update_id, chat):
    body = {"update_id": update_id, "message": {"chat": {"id": chat}}}
    assert read_head(orjson.dumps(body)) == (update_id, chat)


@pytest.mark.parametrize(
    ("payload", "key"),
    [
        ({"message": {"chat": {"id": -100}, "from": {"id": 5}}}, -100),
        ({"edited_message": {"chat": {"id": 7}}}, 7),
        ({"callback_query": {"from": {"id": 5}, "message": {"chat": {"id": -100}}}}, -100),
        ({"callback_query": {"from": {"id": 5}, "inline_message_id": "x"}}, 5),
        ({"inline_query": {"from": {"id": 5}, "query": ""}}, 5),
        ({"my_chat_member": {"chat": {"id": 9}, "from": {"id": 5}}}, 9),
        ({"message_reaction": {"user": {"id": 5}, "chat": {"id": 9}}}, 9),
        ({"poll": {"id": "1"}}, 0),
        ({"brand_new": {"chat": {"id": "text"}, "from": {"id": True}}}, 0),
    ],
)
def test_messages_and_buttons_of_one_chat_share_a_queue(payload, key):
    assert read_head(orjson.dumps({"update_id": 1} | payload)) == (1, key)


@pytest.fixture
def config(cast) -> BotConfig:
    found = directory.find(make_bot(cast.tenant).id)
    assert found is not None
    return found


def row(config: BotConfig, update_id: int, chat: int = 1) -> intake.Row:
    return intake.row_of(config, (update_id, chat), raw(update_id, chat), 32)


def write(work: Callable[[GroupWriter], Coroutine[None, None, None]], **changes) -> None:
    """Runs work with a writer in a loop of its own."""

    async def main() -> None:
        writer = GroupWriter(settings(**changes), "webhook")
        try:
            await work(writer)
        finally:
            await writer.close()

    asyncio.run(main())


def settings(**changes) -> Settings:
    return get_settings().model_copy(update=changes)


def stored() -> set[int]:
    db.session.commit()
    return set(db.session.scalars(select(Update.update_id)))


def test_requests_that_come_together_share_commits(config):
    async def work(writer: GroupWriter) -> None:
        await asyncio.gather(*(writer.write(row(config, number)) for number in range(600)))

    write(work)
    assert stored() == set(range(600))
    assert db.session.execute(text("SELECT count(DISTINCT xmin::text) FROM inbox")).scalar_one() <= 4


def test_repeats_are_dropped_whoever_brings_them(app, config):
    def deliver() -> None:
        with app.app_context(), system_scope():
            for number in range(20):
                with transaction():
                    intake.accept(config, (number, 1), raw(number, 1))

    threads = [threading.Thread(target=deliver) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored() == set(range(20))


def test_writers_do_not_lock_each_other_out(config):
    rows = [row(config, number) for number in range(200)]

    async def both(writer: GroupWriter) -> None:
        other = GroupWriter(get_settings(), "polling")
        for _ in range(5):
            await asyncio.gather(writer.write(*rows), other.write(*reversed(rows)))
        await other.close()

    write(both)
    assert len(stored()) == 200


def test_an_update_that_comes_again_with_another_content_is_logged(config, caplog):
    async def work(writer: GroupWriter) -> None:
        await writer.write(row(config, 1))
        await writer.write(intake.row_of(config, (1, 1), raw(1, 1, "something else"), 32))
        await writer.write(intake.row_of(config, (1, 1), raw(1, 1).replace(b'":', b'": '), 32))

    write(work)
    assert [record.message for record in caplog.records] == ["update came twice with different content"]


def test_a_connection_that_died_unused_is_replaced(config):
    async def work(writer: GroupWriter) -> None:
        await writer.write(row(config, 1))
        db.session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query LIKE '%INSERT INTO inbox%' AND pid <> pg_backend_pid()"
            )
        )
        await writer.write(row(config, 2))

    write(work)
    assert stored() == {1, 2}


def test_without_a_database_every_request_hears_of_it_and_soon(config):
    async def work(writer: GroupWriter) -> None:
        answers = await asyncio.gather(
            *(writer.write(row(config, number)) for number in range(50)), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {InboxUnavailable}
        with pytest.raises(InboxUnavailable):
            await writer.keep_junk(config, b"junk")

    write(work, database_url="postgresql+psycopg://nobody@127.0.0.1:9/none")


def test_without_redis_updates_are_stored_all_the_same(config):
    async def work(writer: GroupWriter) -> None:
        async with asyncio.timeout(1):
            for number in range(10):
                await writer.write(row(config, number))

    write(work, redis_url="redis://127.0.0.1:9/0")
    assert len(stored()) == 10


def test_a_pooler_gets_no_prepared_statements(config):
    async def work(writer: GroupWriter) -> None:
        for number in range(10):
            await writer.write(row(config, number))

    write(work, database_pooler=True)
    assert len(stored()) == 10


def test_a_client_that_leaves_takes_nobody_along(config):
    async def work(writer: GroupWriter) -> None:
        tasks = [asyncio.ensure_future(writer.write(row(config, number))) for number in range(3)]
        tasks[1].cancel()
        await asyncio.gather(tasks[0], tasks[2])

    write(work)
    assert stored() == {0, 1, 2}


def test_the_bell_names_the_shards_after_the_commit(config):
    listener = Listener(Bell.INBOX)
    listener.wait(0.05)

    async def work(writer: GroupWriter) -> None:
        await asyncio.gather(*(writer.write(row(config, number, chat=number)) for number in range(40)))

    write(work)
    heard = {shard for _, message in listener.wait(2) for shard in message.split(",")}
    heard |= {shard for _, message in listener.wait(0.2) for shard in message.split(",")}
    listener.close()
    assert heard == {str(shard_of(config.id, number, 32)) for number in range(40)}


def test_one_ring_speaks_for_many(app):
    listener = Listener(Bell.OUTBOX)
    listener.wait(0.05)

    async def ring() -> None:
        ringer = Ringer(get_settings().redis_url, Bell.OUTBOX)
        for number in range(100):
            ringer.ring([number])
        await ringer.close()

    asyncio.run(ring())
    assert listener.wait(2) == [(Bell.OUTBOX, ",".join(str(number) for number in range(100)))]
    listener.close()


def test_junk_of_one_bot_leaves_room_for_the_other_bots_of_the_tenant(cast):
    first, second = (directory.find(make_bot(cast.tenant, number).id) for number in (1, 2))
    assert first is not None
    assert second is not None

    async def work(writer: GroupWriter) -> None:
        for config in (first, second):
            await asyncio.gather(*(writer.keep_junk(config, b"x" * 9000) for _ in range(60)))

    write(work)
    kept = db.session.execute(select(Junk.bot_id, Junk.raw)).all()
    assert sorted({bot_id for bot_id, _ in kept}) == [first.id, second.id]
    assert (len(kept), {len(body) for _, body in kept}) == (100, {8192})


def orjson_or_nothing(update: object) -> bytes:
    try:
        return orjson.dumps(update)
    except TypeError:
        return b""
