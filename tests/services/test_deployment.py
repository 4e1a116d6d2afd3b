"""The operator's figures of the whole deployment."""

import pytest
from flask import Flask

from app.core.db import db
from app.core.tenancy import system_scope
from app.models import Bot
from app.services import deployment, gauges
from tests.cast import Cast, sign_in


@pytest.fixture
def bots(cast: Cast) -> None:
    for number in (1, 2, 3):
        own = {"token": f"{number}:x", "token_fingerprint": str(number), "telegram_id": number}
        db.session.add(Bot(tenant_id=cast.tenant.id, state="running", **own))
    db.session.commit()


def test_nothing_is_counted_without_an_end(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gauges, "COUNT_UP_TO", 1)
    assert deployment.facts().tenants == 1


@pytest.mark.usefixtures("bots")
def test_states_of_bots_are_said_in_words(app: Flask, cast: Cast):
    with system_scope():
        assert deployment.facts().bots == {"running": 3}
    page = sign_in(app, cast.operator).get("/admin/system/", headers={"Accept-Language": "zh-CN"}).text
    assert "<dt>运行中</dt><dd>3</dd>" in page.replace("\n", "")
