"""Every route says who may come in, and holds to it: each route x stranger, anonymous, lower role, and no token.

The routes come from the application's own map, so a new one is tested by being there.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.datastructures import MultiDict
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from admin.guard import Guarded
from app.core.db import db
from app.domain.people import Role, may
from app.http.access import How
from app.http.guard import access_of
from app.models import Membership
from tests.architecture.filled import MARK
from tests.architecture.test_isolation import OWNED
from tests.cast import Cast, sign_in
from wsgi import app as the_app

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
NOTHING_LOOKED_UP = {
    "admin.static",
    "assets.file",
    "draw_files.offline_verifier",
    "draw_files.python_verifier",
    "draws.page",
    "draws.the_record",
    "health.health",
    "health.healthz",
    "health.readyz",
    "openapi.sdk",
    "pages.favicon",
    "security.static",
    "static",
}
SIGNED = {
    "credit_drifts_api.compare",
    "credit_holds_api.capture",
    "credit_holds_api.reserve",
    "credit_holds_api.show",
    "credit_holds_api.void",
    "credit_reading_api.balance",
    "credit_reading_api.balances",
    "credit_reading_api.changes",
    "credit_reading_api.history",
    "credits_api.batch",
    "credits_api.sync",
}
OWN_SECRET = {"health.prometheus", "payments.pingpong", "telegram.webhook"} | SIGNED
FOR_EVERYBODY = {
    "auth.join",
    "openapi.docs",
    "openapi.spec",
    "pages.landing",
    "pages.language",
    "security.confirm_email",
    "security.forgot_password",
    "security.login",
    "security.logout",
    "security.mf_recovery",
    "security.register",
    "security.reset_password",
    "security.send_confirmation",
    "security.tf_select",
    "security.two_factor_rescue",
    "security.two_factor_token_validation",
}
OPEN = NOTHING_LOOKED_UP | OWN_SECRET | FOR_EVERYBODY
ENDS_THE_VISIT = {"security.logout"}


@dataclass(frozen=True)
class Call:
    """One method of one route, with ids of tenant A where the path has any."""

    rule: Rule
    method: str
    path: str

    @property
    def endpoint(self) -> str:
        return self.rule.endpoint

    def __str__(self) -> str:
        return f"{self.method} {self.rule.rule}"

    def send(self, client: FlaskClient, **kwargs: object) -> TestResponse:
        return client.open(self.path, method=self.method, **kwargs)


def calls(ids: dict[str, object]) -> Iterator[Call]:
    with the_app.app_context():
        for rule in the_app.url_map.iter_rules():
            values = {name: ids.get(name, ids["id"]) for name in rule.arguments}
            path = the_app.url_map.bind("localhost").build(rule.endpoint, values)
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
                yield Call(rule, method, path.partition("?")[0])


def state_of(tenant_id: int) -> dict[str, str]:
    """A checksum of each table's rows of a tenant."""
    found = {}
    db.session.rollback()
    for table in OWNED:
        rows = db.session.execute(
            text(f"SELECT t::text FROM {table.name} t WHERE tenant_id = :id ORDER BY 1"), {"id": tenant_id}
        )
        found[table.name] = hashlib.sha256("\n".join(rows.scalars()).encode()).hexdigest()
    return found


# --- what routes say
def test_every_route_says_how_it_is_authenticated(app: Flask):
    assert [rule.rule for rule in app.url_map.iter_rules() if access_of(rule.endpoint) is None] == []


def test_the_open_routes_are_these_and_no_others(app: Flask):
    ways = {rule.endpoint: access_of(rule.endpoint).how for rule in app.url_map.iter_rules()}
    assert {e for e, how in ways.items() if how == How.BARE} == NOTHING_LOOKED_UP
    assert {e for e, how in ways.items() if how == How.OWN} == OWN_SECRET
    assert {e for e, how in ways.items() if how == How.PUBLIC} == FOR_EVERYBODY


def test_a_route_that_says_nothing_is_refused(app: Flask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(app.view_functions, "pages.landing", lambda: "open")
    assert app.test_client().get("/").status_code == 403


# --- anonymous
def test_nobody_comes_in_without_signing_in(app: Flask, filled: dict[str, object]):
    client, before, let_in = app.test_client(), state_of(filled["tenant_id"]), []
    for call in calls(filled):
        if call.endpoint in OPEN:
            continue
        answer = call.send(client)
        to_login = answer.status_code == 302 and answer.location.startswith("/login")
        if not (to_login or answer.status_code in {401, 403, 404}) or MARK in answer.text:
            let_in.append(f"{call}: {answer.status_code} {answer.location}")
    assert let_in == []
    assert state_of(filled["tenant_id"]) == before


# --- a stranger with his own tenant
def attacks(call: Call, ids: dict[str, object]) -> Iterator[dict[str, object]]:
    """Requests that name rows of tenant A in every way that might be listened to."""
    one, tenant = ids["id"], ids["tenant_id"]
    everything = {"id": one, "rowid": one, "tenant_id": tenant, "role": "owner", "typed": f"{MARK} shop"}
    queries = ({"id": one}, {"id": [one, 1]}, {"id[]": one}, {"id": ids["public_id"]}, {"tenant_id": tenant})
    for query in queries:
        yield {"query_string": MultiDict(query)}
    if call.method in CHANGING:
        for data in ({"id": one}, {"rowid": one, "action": "delete"}, everything, {"tenant_id": tenant}):
            yield {"data": data, "query_string": {"id": one}}
        yield {"json": everything}


@pytest.mark.timeout(600)
def test_a_stranger_sees_and_changes_nothing_of_another_tenant(
    app: Flask, cast: Cast, filled: dict[str, object]
):
    client, before, seen = sign_in(app, cast.stranger), state_of(filled["tenant_id"]), []
    # All routes take longer than PostgreSQL lets a transaction idle.
    db.session.rollback()
    for call in calls(filled):
        if call.endpoint in OPEN - {"pages.landing", "auth.join"} or call.endpoint in ENDS_THE_VISIT:
            continue
        for attack in attacks(call, filled):
            answer = call.send(client, **attack)
            if MARK.encode() in answer.data or answer.status_code >= 500:
                seen.append(f"{call} {attack}: {answer.status_code}")
            answer.close()
    assert seen == []
    assert state_of(filled["tenant_id"]) == before


def test_no_form_takes_columns_that_it_does_not_show(app: Flask, cast: Cast, filled: dict[str, object]):
    """Every column of every table, sent to every form by the owner himself: the value arrives nowhere."""
    value = "987654321"
    columns = {column.name: value for table in db.metadata.sorted_tables for column in table.c}
    client, broken = sign_in(app, cast.owner), []
    for call in calls(filled):
        if call.method in CHANGING and call.endpoint not in OPEN:
            answer = call.send(client, data=columns)
            broken += [f"{call}: {answer.status_code}"] if answer.status_code >= 500 else []
    assert broken == []
    db.session.rollback()
    for table in db.metadata.sorted_tables:
        taken = text(f'SELECT count(*) FROM "{table.name}" t WHERE t::text LIKE :value')
        assert db.session.scalar(taken, {"value": f"%{value}%"}) == 0, table.name


# --- roles
def needed(endpoint: str) -> tuple[bool, Role | None]:
    """(whether a role decides, the least role; None = nobody of the tenant) as the route itself says."""
    access = access_of(endpoint)
    if access.how == How.ROLE:
        return True, access.role
    view = getattr(the_app.view_functions[endpoint], "__self__", None)
    if access.how == How.VIEW and isinstance(view, Guarded):
        own = type(view).is_accessible is not Guarded.is_accessible
        return not own, view.role_for(the_app.view_functions[endpoint].__name__)
    return False, None


@pytest.mark.parametrize("who", ["reader", "staff"])
def test_a_lower_role_is_refused(app: Flask, cast: Cast, filled: dict[str, object], who: str):
    role = {"reader": Role.READ_ONLY, "staff": Role.SUPPORT}[who]
    client, before, let_in = sign_in(app, getattr(cast, who)), state_of(filled["tenant_id"]), []
    for call in calls(filled):
        with app.app_context():
            decides, least = needed(call.endpoint)
        if not decides or (least is not None and may(role, least)):
            continue
        data = {"data": {"id": filled["id"]}} if call.method in CHANGING else {}
        answer = call.send(client, query_string={"id": filled["id"]}, **data)
        if answer.status_code not in {403, 404}:
            let_in.append(f"{call}: {answer.status_code}")
    assert let_in == []
    assert state_of(filled["tenant_id"]) == before


def test_operators_pages_are_for_operators(app: Flask, cast: Cast, filled: dict[str, object]):
    client, let_in = sign_in(app, cast.owner), []
    for call in calls(filled):
        with app.app_context():
            access = access_of(call.endpoint)
        platform = call.endpoint.partition(".")[0] in {"tenants", "system", "platform_audit"}
        if platform or access.how == How.OPERATOR:
            answer = call.send(client)
            if answer.status_code not in {403, 404}:
                let_in.append(f"{call}: {answer.status_code}")
    assert let_in == []


def test_a_role_that_was_lowered_counts_at_once(app: Flask, cast: Cast):
    client = sign_in(app, cast.owner)
    assert client.get("/admin/settings/").status_code == 200
    place = db.session.query(Membership).filter_by(user_id=cast.owner.id).one()
    place.role = Role.READ_ONLY
    db.session.commit()
    assert client.get("/admin/settings/").status_code == 403


# --- the person's own wish
@pytest.mark.parametrize(
    "how",
    [
        {"csrf": False},
        {"csrf": False, "data": {"csrf_token": "made up"}},
        {"headers": {"Origin": "https://evil.example"}},
        {"headers": {"Sec-Fetch-Site": "cross-site"}},
    ],
    ids=["no token", "wrong token", "foreign origin", "cross-site"],
)
def test_nothing_is_changed_by_another_site(
    app: Flask, cast: Cast, filled: dict[str, object], how: dict[str, object]
):
    client, before, done = sign_in(app, cast.owner), state_of(filled["tenant_id"]), []
    for call in calls(filled):
        if call.method in CHANGING and call.endpoint not in OWN_SECRET:
            answer = call.send(client, **how)
            if answer.status_code not in {403, 404}:
                done.append(f"{call}: {answer.status_code}")
    assert done == []
    assert state_of(filled["tenant_id"]) == before
