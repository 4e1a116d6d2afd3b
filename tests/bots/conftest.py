"""A bot of tenant A at the sandbox."""

import pytest

from tests.cast import Cast
from tests.sandbox_client import Sandbox
from tests.talking import Talk, make_bot


@pytest.fixture
def talk(telegram: Sandbox, cast: Cast) -> Talk:
    """Tenant A's bot and whoever talks with it."""
    return Talk(telegram, *make_bot(telegram, cast.tenant))
