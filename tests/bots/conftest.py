"""A bot of tenant A at the sandbox."""

from collections.abc import Iterator

import pytest

from app.models import Bot
from tests import inbox_tools
from tests.bots.draining import Readers, Script
from tests.cast import Cast
from tests.sandbox_client import Sandbox
from tests.talking import Talk, make_bot


@pytest.fixture
def talk(telegram: Sandbox, cast: Cast) -> Talk:
    """Tenant A's bot and whoever talks with it."""
    return Talk(telegram, *make_bot(telegram, cast.tenant))


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
