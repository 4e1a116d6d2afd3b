"""A bot at Telegram, a platform with a public address, and a payment at PingPong."""

import pytest

from app.core.settings import get_settings
from app.models import Payment
from tests.cast import Cast
from tests.managing import PUBLIC
from tests.paying import ask_for, fresh, make, set_up_pingpong, waiting_order
from tests.sandbox_client import Json, Sandbox


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform has a public address."""
    monkeypatch.setattr(get_settings(), "public_url", PUBLIC)


@pytest.fixture
def shop(telegram: Sandbox) -> Json:
    """A bot at Telegram that nobody uses yet."""
    return telegram.create_bot("shop_bot", "Shop")


@pytest.fixture
def vendor(telegram: Sandbox, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """PingPong, where tenant A has an account. It does not reach us: nobody calls back."""
    monkeypatch.setattr(get_settings(), "pingpong_api_url", telegram.pingpong_url)
    set_up_pingpong(cast.tenant)
    return telegram


@pytest.fixture
def payment(vendor: Sandbox, cast: Cast) -> Payment:
    """Made at PingPong, waits for its money."""
    payment = ask_for(waiting_order(cast.tenant))
    make(payment)
    return fresh(payment)
