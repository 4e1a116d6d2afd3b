"""Projects and their keys: made by owners and managers with a fresh password, shown once and never again."""

import logging
import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.domain.credit_clients import MAX_KEYS
from app.models import AuditEvent, CreditClient, CreditKey
from app.services.credit_clients import manage
from tests.cast import Cast, sign_in
from tests.order_pages import actions

CLIENTS = "/admin/credit-clients/"
KEYS = "/admin/credit-keys/"


@pytest.fixture
def boss(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


@pytest.fixture
def shop(cast: Cast) -> CreditClient:
    with transaction():
        return manage.create_client(cast.tenant.id, "shop", "Web shop")


@pytest.fixture
def key(shop: CreditClient) -> manage.NewKey:
    with transaction():
        return manage.create_key(shop.id, networks=["203.0.113.0/24"], allow_v1=True)


def working(client: CreditClient) -> list[CreditKey]:
    db.session.rollback()
    db.session.expire_all()
    now = clock.now()
    return [
        one
        for one in manage.list_keys(client.id)
        if one.revoked_at is None and (one.expires_at is None or one.expires_at > now)
    ]


def shown(page: str, id_: str) -> str:
    """What a field to copy holds."""
    return re.search(rf'<output id="{id_}"[^>]*>([^<]*)<', page)[1]


# --- projects
def test_without_projects_the_page_says_what_they_are_for(boss: FlaskClient):
    page = boss.get(CLIENTS).text
    assert f"{CLIENTS}new/" in page
    assert "/api/docs" in page


def test_a_project_is_made_and_its_first_key_comes_next(boss: FlaskClient, cast: Cast):
    answer = boss.post(f"{CLIENTS}new/", data={"name": "小程序商城", "source": "mall"})
    made = manage.find_client(cast.tenant.id, "mall")
    assert answer.location == f"{KEYS}new/?client={made.id}"
    assert "小程序商城" in boss.get(CLIENTS).text
    assert actions()[-1] == "credit_client.created"


@pytest.mark.parametrize("source", ["admin", "Lottery", "transfer", "two words", "商城", "a" * 33, ""])
def test_a_source_that_cannot_be_is_told_at_its_field(boss: FlaskClient, source: str):
    page = boss.post(f"{CLIENTS}new/", data={"name": "Mall", "source": source})
    assert page.status_code == 200
    assert 'id="source-error"' in page.text
    assert db.session.scalar(select(CreditClient.id)) is None


def test_a_source_that_is_taken_is_told(boss: FlaskClient, shop: CreditClient):
    page = boss.post(f"{CLIENTS}new/", data={"name": "Again", "source": "shop"})
    assert 'id="source-error"' in page.text


def test_name_and_limits_change(boss: FlaskClient, shop: CreditClient):
    typed = {"id": shop.id, "name": "Mall", "rate": "50", "burst": "100"}
    assert boss.post(f"{CLIENTS}edit/", data=typed).status_code == 303
    db.session.refresh(shop)
    assert (shop.name, shop.rate, shop.burst) == ("Mall", 50, 100)
    assert 'id="rate-error"' in boss.post(f"{CLIENTS}edit/", data=typed | {"rate": "0"}).text


def test_a_project_is_switched_off_and_on(boss: FlaskClient, shop: CreditClient):
    for deed, off in (("switch-off", True), ("switch-on", False)):
        assert boss.post(f"{CLIENTS}{deed}/", data={"id": shop.id}).status_code == 303
        db.session.refresh(shop)
        assert (shop.disabled_at is not None) is off


def test_its_page_shows_keys_and_how_to_begin(boss: FlaskClient, shop: CreditClient, key: manage.NewKey):
    with transaction():
        key.key.last_used_at, key.key.last_ip = clock.now(), "203.0.113.9"
    page = boss.get(f"{CLIENTS}details/?id={shop.id}").text
    for text in (key.key.key_id, "203.0.113.0/24", "203.0.113.9", "badge-warn", "CreditSyncClient"):
        assert text in page
    assert "203.0.113.9" in boss.get(CLIENTS).text


# --- keys
def test_a_new_key_is_shown_once_with_an_example(boss: FlaskClient, shop: CreditClient):
    answer = boss.post(f"{KEYS}new/", data={"client": shop.id, "may_post": "y", "may_read": "y"})
    api_key, secret = shown(answer.text, "api-key"), shown(answer.text, "secret-key")
    (kept,) = working(shop)
    assert (kept.secret, api_key.startswith(kept.key_id + ".")) == (secret, True)
    assert answer.headers["Cache-Control"] == "no-store"
    example = answer.text.split('id="sdk-example">')[1].split("</code>")[0]
    assert api_key in example
    assert secret in example
    assert len(example.splitlines()) == 5
    assert "/api/sdk/credit_sync_client.py" in answer.text


def test_what_was_shown_is_nowhere_afterwards(
    boss: FlaskClient, shop: CreditClient, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    page = boss.post(f"{KEYS}new/", data={"client": shop.id, "may_post": "y"}).text
    secrets = (shown(page, "secret-key"), shown(page, "api-key"))
    pages = [boss.get(path).text for path in (CLIENTS, f"{CLIENTS}details/?id={shop.id}", "/admin/audit/")]
    events = [str(one) for one in db.session.scalars(select(AuditEvent.changes))]
    assert not [secret for secret in secrets for text in (*pages, *events, caplog.text) if secret in text]


def test_the_example_is_a_program(boss: FlaskClient, shop: CreditClient):
    page = boss.post(f"{KEYS}new/", data={"client": shop.id, "may_post": "y"}).text
    example = page.split('id="sdk-example">')[1].split("</code>")[0]
    compile(example.replace("&#34;", '"').replace("&quot;", '"'), "example", "exec")


def test_rights_networks_and_the_end_are_kept(boss: FlaskClient, shop: CreditClient):
    typed = {
        "client": shop.id,
        "may_read": "y",
        "networks": "203.0.113.7\n\n2001:db8::/32\r\n203.0.113.7",
        "expires_at": "2099-01-01T08:00",
        "allow_v1": "y",
    }
    boss.post(f"{KEYS}new/", data=typed)
    (made,) = working(shop)
    assert (made.scopes, made.networks) == (["read"], ["203.0.113.7/32", "2001:db8::/32"])
    assert made.allow_v1
    assert made.expires_at.isoformat() == "2099-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({}, "may_read"),
        ({"may_read": "y", "networks": "office"}, "networks"),
        ({"may_read": "y", "networks": "203.0.113.7/24"}, "networks"),
        ({"may_read": "y", "networks": "\n".join(f"203.0.113.{n}" for n in range(60))}, "networks"),
        ({"may_read": "y", "expires_at": "2020-01-01T08:00"}, "expires_at"),
        ({"may_read": "y", "expires_at": "soon"}, "expires_at"),
    ],
)
def test_what_is_wrong_with_a_key_is_told_at_its_field(
    boss: FlaskClient, shop: CreditClient, typed: dict[str, str], field: str
):
    page = boss.post(f"{KEYS}new/", data={"client": shop.id, **typed}).text
    assert f'id="{field}-error"' in page
    assert working(shop) == []


def test_a_wrong_network_is_told_with_its_line_and_what_was_meant(boss: FlaskClient, shop: CreditClient):
    typed = {"client": shop.id, "may_read": "y", "networks": "203.0.113.9\n198.51.100.9/24"}
    page = boss.post(f"{KEYS}new/", data=typed).text
    assert "198.51.100.0/24" in page


def test_a_replaced_key_works_as_long_as_chosen(boss: FlaskClient, shop: CreditClient, key: manage.NewKey):
    page = boss.post(f"{KEYS}rotate/", data={"id": key.key.id, "overlap": "24"}).text
    new, old = working(shop)
    assert shown(page, "secret-key") == new.secret
    assert key.api_key not in page
    assert (new.networks, new.allow_v1, new.expires_at) == (["203.0.113.0/24"], True, None)
    assert timedelta(hours=23) < old.expires_at - clock.now() <= timedelta(hours=24)


def test_it_may_end_at_once_and_not_later_than_in_a_week(
    boss: FlaskClient, shop: CreditClient, key: manage.NewKey
):
    assert 'id="overlap-error"' in boss.post(f"{KEYS}rotate/", data={"id": key.key.id, "overlap": "999"}).text
    boss.post(f"{KEYS}rotate/", data={"id": key.key.id, "overlap": "0"})
    assert len(working(shop)) == 1
    assert boss.get(f"{KEYS}rotate/?id={key.key.id}").status_code == 404


def test_a_key_is_revoked(boss: FlaskClient, shop: CreditClient, key: manage.NewKey):
    assert boss.post(f"{KEYS}revoke/", data={"id": key.key.id}).status_code == 303
    assert working(shop) == []
    assert actions()[-1] == "credit_key.revoked"


def test_a_sixth_key_is_refused(boss: FlaskClient, shop: CreditClient):
    with transaction():
        for _ in range(MAX_KEYS):
            manage.create_key(shop.id)
    page = boss.post(f"{KEYS}new/", data={"client": shop.id, "may_post": "y"}).text
    assert "note-bad" in page
    assert f"{KEYS}new/" not in boss.get(f"{CLIENTS}details/?id={shop.id}").text


# --- who may
@pytest.mark.parametrize("path", [f"{CLIENTS}new/", f"{KEYS}new/?client=%s", f"{KEYS}rotate/?id=%s"])
def test_an_old_password_is_asked_for_again(
    boss: FlaskClient, shop: CreditClient, key: manage.NewKey, time, path: str
):
    time.forward(minutes=16)
    row = key.key.id if "rotate" in path else shop.id
    answer = boss.get(path % row if "%s" in path else path)
    assert "/verify" in answer.location


def test_nothing_is_made_or_ended_with_an_old_password(
    boss: FlaskClient, shop: CreditClient, key: manage.NewKey, time
):
    time.forward(minutes=16)
    boss.post(f"{KEYS}new/", data={"client": shop.id, "may_post": "y"})
    boss.post(f"{KEYS}rotate/", data={"id": key.key.id, "overlap": "0"})
    boss.post(f"{KEYS}revoke/", data={"id": key.key.id})
    assert [one.id for one in working(shop)] == [key.key.id]


@pytest.mark.parametrize("who", ["staff", "reader"])
def test_support_and_readers_see_none_of_it(app: Flask, cast: Cast, shop: CreditClient, who: str):
    client = sign_in(app, getattr(cast, who))
    for path in (CLIENTS, f"{CLIENTS}details/?id={shop.id}", f"{KEYS}new/?client={shop.id}"):
        assert client.get(path).status_code == 403


def test_a_stranger_finds_nothing(app: Flask, cast: Cast, shop: CreditClient, key: manage.NewKey):
    client = sign_in(app, cast.stranger)
    gets = ("credit-clients/details/?id=%s", "credit-clients/edit/?id=%s", "credit-keys/new/?client=%s")
    assert {client.get(f"/admin/{path % shop.id}").status_code for path in gets} == {404}
    for path in ("rotate", "revoke"):
        assert client.post(f"{KEYS}{path}/", data={"id": key.key.id}).status_code == 404
    assert "Web shop" not in client.get(CLIENTS).text
