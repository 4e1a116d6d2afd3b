"""The demo boss's other project: its key and partner reach the sandbox and nobody else, at every start."""

import json

import pytest
from flask import Flask

from app.core.queue import transaction
from app.core.safe_url import read_origin
from app.core.settings import get_settings
from app.core.tenancy import enter_scope
from app.services.credit_clients import manage
from app.services.credit_sync import partners
from tests.sandbox_client import Json, Sandbox


@pytest.fixture(autouse=True)
def _allowed(telegram: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "outbound_origins", [read_origin(telegram.url)])


def demo(app: Flask, telegram: Sandbox) -> Json:
    enter_scope(None)
    ran = app.test_cli_runner().invoke(args=["demo", "create", "--sandbox", telegram.url, "--json"])
    enter_scope("*")
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.stdout)


def keys(app: Flask, made: Json) -> list[bool]:
    """Of each key of the project whether it works, the newest first."""
    client = manage.find_client(made["tenant_id"], "mall")
    assert client is not None
    return [key.revoked_at is None for key in manage.list_keys(client.id)]


def test_the_sandbox_hears_the_keys(app: Flask, telegram: Sandbox):
    made = demo(app, telegram)
    assert made["project"] == f"{telegram.url}/partner/mall"
    (partner,) = partners.list_(made["tenant_id"])
    seen = telegram.partner("mall")
    assert (seen["key_id"], seen["has_api_key"]) == (partner.key_id, True)
    assert partner.url == telegram.partner_url("mall")
    assert partner.secret not in json.dumps(made)


def test_again_changes_nothing(app: Flask, telegram: Sandbox):
    first = demo(app, telegram)
    assert demo(app, telegram) == first
    assert (len(partners.list_(first["tenant_id"])), keys(app, first)) == (1, [True])


def test_a_sandbox_that_lost_its_data_gets_another_key(app: Flask, telegram: Sandbox):
    made = demo(app, telegram)
    telegram.reset()
    demo(app, telegram)
    assert keys(app, made) == [True, False]
    assert telegram.partner("mall")["has_api_key"]


def test_a_sandbox_at_another_port_is_found_again(app: Flask, telegram: Sandbox):
    made = demo(app, telegram)
    (partner,) = partners.list_(made["tenant_id"])
    with transaction():
        partner.url = "http://127.0.0.1:1/partner/mall/credits"
    demo(app, telegram)
    assert [one.url for one in partners.list_(made["tenant_id"])] == [telegram.partner_url("mall")]


def test_a_partner_that_the_boss_removed_stays_away(app: Flask, telegram: Sandbox):
    made = demo(app, telegram)
    with transaction():
        partners.remove(partners.list_(made["tenant_id"])[0].id)
    demo(app, telegram)
    assert partners.list_(made["tenant_id"]) == []
