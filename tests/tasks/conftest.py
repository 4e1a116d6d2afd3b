"""A partner's server that tenant A sends changes to."""

from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from app.core.safe_url import Origin
from app.core.settings import get_settings
from tests.cast import Cast
from tests.syncing import Partner


@pytest.fixture(scope="session")
def _partner_server() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        yield server


@pytest.fixture
def server(_partner_server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """A server on loopback whose origin the operator allows."""
    _partner_server.clear()
    monkeypatch.setattr(
        get_settings(), "outbound_origins", [Origin("http", "127.0.0.1", _partner_server.port)]
    )
    return _partner_server


@pytest.fixture
def partner(server: HTTPServer, cast: Cast) -> Partner:
    """Takes everything since the beginning."""
    return Partner(server).set_up(cast.tenant)
