"""A bot at Telegram, and a platform with a public address."""

import pytest

from app.core.settings import get_settings
from tests.managing import PUBLIC
from tests.sandbox_client import Json, Sandbox


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform has a public address."""
    monkeypatch.setattr(get_settings(), "public_url", PUBLIC)


@pytest.fixture
def shop(telegram: Sandbox) -> Json:
    """A bot at Telegram that nobody uses yet."""
    return telegram.create_bot("shop_bot", "Shop")
