"""A bot of tenant A at the sandbox."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from app.models import Bot, Lottery
from bots.telegram import gate, membership
from tests import inbox_tools
from tests.bots.draining import Readers, Script
from tests.bots.lottery_talk import NEWS
from tests.cast import Cast
from tests.joining import make_lottery
from tests.sandbox_client import Json, Sandbox
from tests.talking import Talk, make_bot


@pytest.fixture
def talk(telegram: Sandbox, cast: Cast) -> Talk:
    """Tenant A's bot and whoever talks with it."""
    return Talk(telegram, *make_bot(telegram, cast.tenant))


@pytest.fixture
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """One chat may get many messages a second, for long talks."""
    monkeypatch.setattr(gate, "_chat_rate", lambda _chat: gate.BOT_RATE)


@pytest.fixture
def opened(talk: Talk) -> Callable[..., Lottery]:
    """Makes an open lottery of tenant A."""
    membership.forget()
    return partial(make_lottery, talk.config.tenant_id, talk.config.id)


@pytest.fixture
def channel(telegram: Sandbox, talk: Talk) -> Json:
    """A channel whose administrator the bot is."""
    members = {talk.bot["username"]: "administrator"}
    return telegram.create_chat("channel", "News", username=NEWS[1:], members=members)


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
    return inbox_tools.make_bot(cast.tenant)
