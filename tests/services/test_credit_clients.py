"""Projects and their keys: made, changed over without a pause, ended."""

import threading
import time as time_module
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.queue import transaction
from app.core.tenancy import tenant_scope
from app.domain.credit_clients import MAX_KEYS, Scope, SourceTaken, TooManyKeys
from app.domain.credits import OWN_SOURCES
from app.models import AuditEvent, CreditClient, CreditKey
from app.services.credit_clients import lookup, manage
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.crediting import Project, project
from tests.http.signed_views import ECHO, site
from tests.racing import endings
from tests.waiting import wait_for


@pytest.fixture
def client_row(cast: Cast) -> CreditClient:
    with transaction():
        return manage.create_client(cast.tenant.id, "shop", "The  shop ")


def recorded() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def test_a_project_has_a_name_and_a_source_of_its_own(cast: Cast, client_row: CreditClient):
    assert (client_row.name, client_row.source) == ("The shop", "shop")
    assert manage.find_client(cast.tenant.id, "shop") is client_row
    assert [client.id for client in manage.list_clients(cast.tenant.id)] == [client_row.id]
    with transaction(), pytest.raises(SourceTaken):
        manage.create_client(cast.tenant.id, "shop", "another")
    with transaction():
        manage.create_client(cast.other_tenant.id, "shop", "theirs")


@pytest.mark.parametrize("source", ["", "a:b", "a b", "ü", "s" * 33, "a\n", *OWN_SOURCES, "Lottery"])
def test_some_sources_are_not_to_be_had(cast: Cast, source: str):
    with transaction(), pytest.raises(BadInput):
        manage.create_client(cast.tenant.id, source, "x")


def test_a_key_is_shown_once_and_kept_as_a_fingerprint_and_a_cipher(client_row: CreditClient):
    with transaction():
        made = manage.create_key(client_row.id)
    row = db.session.execute(
        CreditKey.__table__.select().with_only_columns(
            *[column for column in CreditKey.__table__.c if column.name != "secret"]
        )
    ).one()
    raw = db.session.connection().exec_driver_sql("SELECT secret FROM credit_key").scalar_one()
    assert made.secret_key not in raw
    assert made.api_key.partition(".")[2] not in str(row)
    assert (made.key.shown, made.key.fingerprint) == (
        f"{made.key.key_id}.***",
        lookup.fingerprint(made.api_key),
    )
    assert (len(made.secret_key), made.key.scopes, made.key.networks) == (43, ["read", "post"], [])


@pytest.mark.parametrize(
    "options",
    [
        {"scopes": []},
        {"expires_at": clock.now() - timedelta(seconds=1)},
        {"networks": ["nowhere"]},
        {"networks": ["10.0.0.0/33"]},
        {"networks": [f"10.0.{n}.0/24" for n in range(51)]},
    ],
)
def test_a_key_must_make_sense(client_row: CreditClient, options: dict):
    with transaction(), pytest.raises(BadInput):
        manage.create_key(client_row.id, **options)


def test_networks_are_kept_in_their_proper_form(client_row: CreditClient):
    with transaction():
        key = manage.create_key(
            client_row.id, networks=["203.0.113.7", " 203.0.113.9/24", "", "2001:DB8::/32"]
        ).key
    assert key.networks == ["203.0.113.7/32", "203.0.113.0/24", "2001:db8::/32"]


def test_five_keys_work_side_by_side_and_no_sixth(client_row: CreditClient, time: Clockwork):
    with transaction():
        keys = [manage.create_key(client_row.id).key for _ in range(MAX_KEYS)]
    with transaction(), pytest.raises(TooManyKeys):
        manage.create_key(client_row.id)
    with transaction():
        manage.revoke(keys[0].id)
        manage.create_key(client_row.id)
    assert len(manage.list_keys(client_row.id)) == MAX_KEYS + 1


def test_the_last_place_is_taken_once(app: Flask, client_row: CreditClient):
    with transaction():
        for _ in range(MAX_KEYS - 1):
            manage.create_key(client_row.id)
    ends = endings(*[lambda: manage.create_key(client_row.id)] * 6)
    assert ends == {"done": 1, "too_many_keys": 5}


def test_a_changed_key_has_the_rights_and_the_life_of_the_old_one(client_row: CreditClient, cast: Cast):
    with transaction():
        old = manage.create_key(
            client_row.id,
            scopes=[Scope.READ],
            allow_v1=True,
            networks=["203.0.113.7"],
            expires_at=clock.now() + timedelta(days=90),
        ).key
        new = manage.rotate(old.id, timedelta(days=2), cast.owner.id).key
    assert (new.scopes, new.allow_v1, new.networks, new.user_id) == (
        ["read"],
        True,
        ["203.0.113.7/32"],
        cast.owner.id,
    )
    assert abs(new.expires_at - clock.now() - timedelta(days=90)) < timedelta(minutes=1)
    assert abs(old.expires_at - clock.now() - timedelta(days=2)) < timedelta(minutes=1)


def test_changing_over_never_makes_a_life_longer(client_row: CreditClient):
    with transaction():
        old = manage.create_key(client_row.id, expires_at=clock.now() + timedelta(hours=1)).key
        before = old.expires_at
        manage.rotate(old.id, timedelta(days=7))
    assert old.expires_at == before
    with transaction(), pytest.raises(BadInput):
        manage.rotate(old.id, timedelta(days=7, seconds=1))


def test_what_is_over_stays_over(client_row: CreditClient):
    with transaction():
        key = manage.create_key(client_row.id).key
        manage.revoke(key.id)
    for act in (lambda: manage.revoke(key.id), lambda: manage.rotate(key.id, timedelta(0))):
        with transaction(), pytest.raises(NotFound):
            act()


def test_another_tenant_finds_nothing(cast: Cast, client_row: CreditClient):
    with transaction():
        client_id, key_id = client_row.id, manage.create_key(client_row.id).key.id
    acts = (
        lambda: manage.get_client(client_id),
        lambda: manage.change_client(client_id, disabled=True),
        lambda: manage.create_key(client_id),
        lambda: manage.rotate(key_id, timedelta(0)),
        lambda: manage.revoke(key_id),
    )
    for act in acts:
        with tenant_scope(cast.other_tenant.id), pytest.raises(NotFound), transaction():
            act()


def test_everything_is_recorded_and_nothing_secret(cast: Cast, client_row: CreditClient):
    with transaction():
        made = manage.create_key(client_row.id)
        new = manage.rotate(made.key.id, timedelta(days=1))
        manage.revoke(new.key.id)
        manage.change_client(client_row.id, name="Store", rate=50, disabled=True)
        manage.change_client(client_row.id, name="Store", disabled=True)
    assert recorded() == [
        "credit_client.created",
        "credit_key.created",
        "credit_key.rotated",
        "credit_key.revoked",
        "credit_client.changed",
    ]
    said = str([event.changes for event in db.session.scalars(select(AuditEvent))])
    assert "'rate': [10, 50]" in said
    for secret in (made.secret_key, new.secret_key, made.api_key.partition(".")[2]):
        assert secret not in said


@pytest.mark.parametrize("number", [0, -1, 1_001])
def test_a_pace_has_bounds(client_row: CreditClient, number: int):
    with transaction(), pytest.raises(BadInput):
        manage.change_client(client_row.id, rate=number)


def test_the_bell_is_heard_before_the_memory_runs_out(cast: Cast):
    shop = project(cast.tenant.id)
    assert not lookup.facts(shop.key_id, "").disabled
    heard_before = lookup._memory._fresh_since
    with transaction():
        manage.change_client(shop.client_id, disabled=True)
    wait_for(lambda: lookup._memory._fresh_since > heard_before, seconds=3, what="the bell")
    assert lookup.facts(shop.key_id, "").disabled


def test_without_the_bell_a_change_is_noticed_in_five_seconds(cast: Cast, monkeypatch):
    memory = lookup.Memory()
    memory._ear._open = True
    shop = project(cast.tenant.id)
    assert not memory.facts(shop.key_id, "").disabled
    with transaction():
        manage.change_client(shop.client_id, disabled=True)
    assert not memory.facts(shop.key_id, "").disabled
    real = time_module.monotonic
    monkeypatch.setattr(lookup.time, "monotonic", lambda: real() + lookup.SECONDS)
    assert memory.facts(shop.key_id, "").disabled


def test_a_key_changes_over_under_a_stream_of_calls_without_a_refusal(app: Flask, cast: Cast):
    shop = project(cast.tenant.id)
    with transaction():
        manage.change_client(shop.client_id, rate=1_000, burst=1_000)
    lookup.forget()
    # Made before the threads, which would each make one with a pool of its own.
    views, stop, statuses = site(), threading.Event(), []
    using = [shop]

    def stream() -> None:
        while not stop.is_set():
            statuses.append(using[-1].call(views.test_client(), "POST", ECHO, {}).status_code)

    threads = [threading.Thread(target=stream) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(statuses) > 20)
    with transaction():
        made = manage.rotate(shop.key_row_id, timedelta(days=1))
    new = Project(shop.tenant_id, shop.client_id, made.key.id, made.api_key, made.secret_key, "shop")
    seen = len(statuses)
    wait_for(lambda: len(statuses) > seen + 20)
    using.append(new)
    seen = len(statuses)
    wait_for(lambda: len(statuses) > seen + 20)
    stop.set()
    for thread in threads:
        thread.join(20)
    assert set(statuses) == {200}
    with transaction():
        manage.revoke(shop.key_row_id)
    assert shop.call(views.test_client(), "POST", ECHO, {}).status_code == 401
    assert new.call(views.test_client(), "POST", ECHO, {}).status_code == 200
