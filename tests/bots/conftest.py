"""A bot of tenant A at the sandbox."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from app.core.settings import get_settings
from app.models import Bot, Lottery, Order
from bots.telegram import gate, membership
from tests import inbox_tools
from tests.bots.draining import Readers, Script
from tests.bots.lottery_talk import NEWS
from tests.bots.points_talk import allow, credited
from tests.cast import Cast
from tests.fulfilling import a_report, paid
from tests.joining import make_lottery
from tests.sandbox_client import LIN, WANG, Json, Sandbox
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


@pytest.fixture
def shop(talk: Talk) -> Talk:
    """Tenant A's bot; Lin has started it."""
    talk.telegram.say(talk.bot, LIN, "hi")
    return talk


@pytest.fixture
def may_give(talk: Talk) -> None:
    """Lin has 100 credits and may give some to Wang, who talks with the bot too."""
    talk.telegram.post("users", id=WANG, first_name="Wang", username="wang_da", language_code="en")
    talk.say("hello", WANG)
    credited(talk)
    allow(talk)


@pytest.fixture
def keys(telegram: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The operator has keys of both services, which the sandbox stands for."""
    settings = get_settings()
    for service in ("yuanfenju", "deepseek"):
        monkeypatch.setattr(settings, f"{service}_api_url", getattr(telegram, f"{service}_url"))
        monkeypatch.setattr(settings, f"{service}_api_key", type(settings.secret_key)("sk-test"))
        getattr(telegram, f"{service}_key")("sk-test")
    return telegram


@pytest.fixture
def report(shop: Talk, cast: Cast) -> Order:
    """A paid order of Lin's."""
    return paid(a_report(cast.tenant), LIN)
