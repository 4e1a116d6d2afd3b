"""A client and a server that is told what to answer; time passes only in the client's notes."""

from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from sdk import credit_sync_client
from sdk.credit_sync_client import CreditSyncClient

API_KEY = "ck_abcdefgh.0123456789abcdef0123"
SECRET = "k7nVjJb0Yp4m2tq1XxwZc9eRr8sLaUd3FhGiKoPvT5E"


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client would have slept, nap by nap."""
    found: list[float] = []
    monkeypatch.setattr(credit_sync_client, "sleep", found.append)
    return found


@pytest.fixture
def ledger(httpserver: HTTPServer, naps: list[float]) -> Iterator[CreditSyncClient]:
    with CreditSyncClient(httpserver.url_for(""), API_KEY, SECRET, "shop", timeout=2) as client:
        yield client
