"""What a process knows of bots, and how soon it hears of a change."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta

import pytest

from app.core.bells import Bell, ring_now
from app.core.clock import now
from app.core.db import db
from app.core.settings import get_settings
from app.domain.bots import BotConfig, Mode
from app.models import Bot
from app.services import bots, directory
from app.services.directory import UNKNOWN, AsyncDirectory, DirectoryUnavailable, Snapshots
from tests.inbox_tools import make_bot
from tests.waiting import wait_for


@pytest.fixture
def bot(cast) -> Bot:
    return make_bot(cast.tenant)


def test_a_bot_is_found_by_both_its_names(bot, cast):
    config = directory.find(bot.id)
    assert config == directory.find_by_public_id(bot.public_id)
    assert config is not None
    assert (config.token, config.secret) == (bot.token, bots.webhook_secret(bot))
    assert (config.tenant_id, config.locale, config.mode) == (
        cast.tenant.id,
        cast.tenant.locale,
        Mode.POLLING,
    )
    assert "token" not in repr(config)
    assert config.secret not in repr(config)


def test_a_bell_makes_a_change_known_at_once(bot):
    directory.find(bot.id)
    # The thread that listens may only be starting.
    wait_for(lambda: changed(bot) and directory.find(bot.id).enabled is False, seconds=2)


def changed(bot: Bot) -> bool:
    bot.enabled = False
    db.session.commit()
    ring_now(Bell.BOTS, str(bot.id))
    return True


def test_nobody_and_removed_bots_are_not_found(bot):
    assert directory.find_by_public_id("nobody") is None
    assert directory.find_by_public_id("no\0body") is None
    bot.removed_at = now()
    db.session.commit()
    assert directory.find(bot.id) is None


def test_the_secret_before_is_known_within_its_grace(bot):
    bot.secret_generation, bot.secret_rotated_at = 2, now()
    db.session.commit()
    config = directory.find(bot.id)
    assert config is not None
    assert config.former_secret == bots.former_secret(bot) != config.secret


def test_it_is_forgotten_after_its_grace(bot):
    bot.secret_generation, bot.secret_rotated_at = 2, now() - timedelta(minutes=11)
    db.session.commit()
    config = directory.find(bot.id)
    assert config is not None
    assert config.former_secret == ""


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def rows_of(bot: Bot, **changes) -> list[tuple]:
    """A row as the query gives it."""
    values = {"id": bot.id, "public_id": bot.public_id, "token": "not encrypted", "enabled": True} | changes
    names = (values["id"], values["public_id"], 1, 5, "", values["token"], 1, False)
    return [(*names, "polling", values["enabled"], "running", 1, "en", "UTC", False)]


def test_entries_are_at_most_ten_seconds_old(bot):
    clock = Clock()
    snapshots = Snapshots(clock)
    snapshots.put(snapshots.asking(), [bot.id, "nobody"], rows_of(bot), last=False)
    clock.now = 9.9
    assert isinstance(snapshots.get(bot.public_id), BotConfig)
    assert snapshots.get("nobody") is None
    clock.now = 10.1
    assert {snapshots.get(key) for key in (bot.id, bot.public_id, "nobody")} == {UNKNOWN}


def test_an_answer_older_than_a_bell_is_not_kept(bot):
    snapshots = Snapshots()
    asked = snapshots.asking()
    snapshots.drop(bot.id)
    assert not snapshots.put(asked, [bot.id], rows_of(bot), last=False)
    assert snapshots.get(bot.id) is UNKNOWN


def test_bells_without_a_pause_do_not_keep_anybody_waiting(bot):
    snapshots = Snapshots()
    asked = snapshots.asking()
    snapshots.drop(bot.id)
    assert snapshots.put(asked, [bot.id], rows_of(bot), last=True)


def test_a_new_bot_is_not_remembered_as_missing(bot):
    snapshots = Snapshots()
    snapshots.put(snapshots.asking(), [bot.public_id], [], last=False)
    assert snapshots.get(bot.public_id) is None
    snapshots.drop(bot.id)
    assert snapshots.get(bot.public_id) is UNKNOWN


def test_memory_is_bounded(bot):
    snapshots = Snapshots(size=10)
    snapshots.put(snapshots.asking(), [f"nobody{number}" for number in range(100)], [], last=False)
    assert [snapshots.get(f"nobody{number}") for number in (0, 99)] == [UNKNOWN, None]


def test_a_token_that_no_key_opens_fails_its_own_bot_only(bot):
    snapshots = Snapshots()
    snapshots.put(snapshots.asking(), [bot.id], rows_of(bot), last=False)
    config = snapshots.get(bot.id)
    assert isinstance(config, BotConfig)
    assert config.token == ""


def run(work: Callable[[AsyncDirectory], Coroutine[None, None, None]], **changes) -> None:
    async def main() -> None:
        found = AsyncDirectory(get_settings().model_copy(update=changes))
        found.start()
        try:
            await work(found)
        finally:
            await found.close()

    asyncio.run(main())


def test_those_who_wait_share_one_query(cast, monkeypatch):
    made = [make_bot(cast.tenant, number) for number in range(5)]
    asked = []
    fetch = AsyncDirectory.fetch

    async def counted(self, sql, values):
        asked.append(values)
        return await fetch(self, sql, values)

    monkeypatch.setattr(AsyncDirectory, "fetch", counted)

    async def work(found: AsyncDirectory) -> None:
        configs = await asyncio.gather(*(found.find(bot.public_id) for bot in made for _ in range(10)))
        assert {config.id for config in configs if config} == {bot.id for bot in made}

    run(work)
    # The second one where the ears opened in between: what was asked before may be older than a missed bell.
    assert len(asked) <= 2


def test_a_loop_hears_bells_too(bot):
    async def work(found: AsyncDirectory) -> None:
        assert (await found.find(bot.id)).enabled
        async with asyncio.timeout(3):
            while (await found.find(bot.id)).enabled:
                changed(bot)
                await asyncio.sleep(0.05)

    run(work)


def test_without_a_database_only_what_is_remembered_is_known(bot):
    async def work(found: AsyncDirectory) -> None:
        with pytest.raises(DirectoryUnavailable):
            await found.find(bot.id)

    run(work, database_url="postgresql+psycopg://nobody@127.0.0.1:9/none")


def test_many_bots_are_loaded_in_groups(cast):
    made = [make_bot(cast.tenant, number).id for number in range(7)]

    async def work(found: AsyncDirectory) -> None:
        assert sorted(await found.load([*made, 10**9])) == made

    run(work)


def test_the_bots_of_a_suspended_tenant_count_as_stopped(bot, cast):
    cast.tenant.suspended_at = now()
    db.session.commit()
    config = directory.find(bot.id)
    assert config is not None
    assert not config.enabled
