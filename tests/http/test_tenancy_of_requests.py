"""The tenant of a request: from exactly one place, and two that disagree are refused."""

import pytest
from flask import Flask, g, jsonify
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.clock import now
from app.core.db import db
from app.core.queue import transaction
from app.core.tenancy import current_scope, tenant_scope
from app.domain.people import Role
from app.http.access import Access, How, declare
from app.models import ApiKey, AuditEvent, Domain, Member, Membership
from app.services import api_keys
from app.services.audit import acting
from tests.cast import PASSWORD, Cast, sign_in
from tests.waiting import wait_for


def who() -> object:
    """A page that tells what it knows; added to the application for these tests."""
    actor = acting()
    members = db.session.scalars(select(Member.telegram_id)).all()
    return jsonify(
        tenant=g.tenant.name if g.tenant else None,
        role=g.role,
        scope=current_scope(),
        members=list(members),
        actor=[actor.kind, actor.name],
    )


@pytest.fixture(autouse=True)
def pages(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shows `who` at an address that exists anyway, openly and for staff by session or key."""
    for endpoint, access in (
        ("pages.landing", Access(How.PUBLIC)),
        ("openapi.spec", Access(How.ROLE, role=Role.SUPPORT, api_key=True)),
    ):
        view = declare(lambda: who(), access)  # noqa: PLW0108 - each needs marks of its own
        monkeypatch.setitem(app.view_functions, endpoint, view)
    monkeypatch.setattr(app.extensions["settings"], "tenant_domain", "bots.example")
    app.extensions["laoban-tenants"].forget()


OPEN, STAFF = "/", "/api/openapi.json"


@pytest.fixture
def members(cast: Cast) -> Cast:
    """Member 1 in tenant A, member 2 in tenant B, a key of A."""
    db.session.add(Member(tenant_id=cast.tenant.id, telegram_id=1))
    db.session.add(Member(tenant_id=cast.other_tenant.id, telegram_id=2))
    db.session.commit()
    return cast


@pytest.fixture
def key(members: Cast) -> str:
    with tenant_scope(members.tenant.id), transaction():
        return api_keys.create(members.tenant.id, "test").key


def test_without_any_sign_there_is_no_tenant_and_no_row(client: FlaskClient, members: Cast):
    seen = client.get(OPEN).json
    assert (seen["tenant"], seen["role"], seen["scope"], seen["members"]) == (None, None, None, [])


def test_by_session(app: Flask, members: Cast):
    seen = sign_in(app, members.staff).get(STAFF).json
    assert (seen["tenant"], seen["role"], seen["members"]) == ("Tenant A", "support", [1])
    assert seen["actor"] == ["user", members.staff.email]


def test_by_api_key(client: FlaskClient, members: Cast, key: str):
    seen = client.get(STAFF, headers={"X-Api-Key": key}).json
    assert (seen["tenant"], seen["role"], seen["members"]) == ("Tenant A", "manager", [1])
    assert seen["actor"] == ["api_key", "test"]


def test_by_subdomain(client: FlaskClient, members: Cast):
    seen = client.get(OPEN, base_url="http://a.bots.example").json
    assert (seen["tenant"], seen["role"], seen["members"]) == ("Tenant A", None, [1])


def test_by_proven_domain(client: FlaskClient, members: Cast):
    domain = Domain(tenant_id=members.tenant.id, host="tea.example", check_token="x")
    db.session.add(domain)
    db.session.commit()
    assert client.get(OPEN, base_url="http://tea.example").json["tenant"] is None
    domain.verified_at = now()
    db.session.commit()
    client.application.extensions["laoban-tenants"].forget()
    assert client.get(OPEN, base_url="http://TEA.example:8000").json["tenant"] == "Tenant A"


def test_by_path_and_links_keep_it(app: Flask, members: Cast):
    prefix = f"/tenant/{members.tenant.uuid}"
    client = sign_in(app, members.owner)
    assert client.get(f"{prefix}/").json["tenant"] == "Tenant A"
    assert f'href="{prefix}/admin/' in client.get(f"{prefix}/admin/").text


@pytest.mark.parametrize(
    "path", ["/tenant/00000000-0000-4000-8000-000000000000/", "/tenant/nonsense/", "/tenant/1/", "/tenant//"]
)
@pytest.mark.usefixtures("members")
def test_a_path_of_no_tenant_is_not_found(client: FlaskClient, path: str):
    assert client.get(path).status_code == 404


@pytest.mark.usefixtures("members")
@pytest.mark.parametrize("slug", ["nobody", "a.b", "-"])
def test_a_subdomain_of_no_tenant_is_not_found(client: FlaskClient, slug: str):
    assert client.get(OPEN, base_url=f"http://{slug}.bots.example").status_code == 404


def test_two_that_agree_are_fine(client: FlaskClient, members: Cast, key: str):
    path = f"/tenant/{members.tenant.uuid}{STAFF}"
    seen = client.get(path, base_url="http://a.bots.example", headers={"X-Api-Key": key})
    assert seen.json["tenant"] == "Tenant A"


def test_two_that_disagree_are_refused(app: Flask, members: Cast, key: str):
    signed_in = sign_in(app, members.stranger)
    path = f"/tenant/{members.tenant.uuid}{STAFF}"
    answers = [
        signed_in.get(path),
        signed_in.get(STAFF, headers={"X-Api-Key": key}),
        app.test_client().get(STAFF, headers={"X-Api-Key": key}, base_url="http://b.bots.example"),
        app.test_client().get(path, base_url="http://b.bots.example"),
    ]
    assert [answer.status_code for answer in answers] == [400] * 4
    assert {answer.json["code"] for answer in answers} == {"tenants_disagree"}


@pytest.mark.parametrize("text", ["", "tk_", "tk_" + "0" * 64, "x" * 5000, "tk_" + "é" * 64])
@pytest.mark.usefixtures("members")
def test_a_key_that_is_none_is_refused(client: FlaskClient, text: str):
    assert client.get(STAFF, headers={"X-Api-Key": text}).status_code == 401


def test_a_revoked_key_ends(client: FlaskClient, members: Cast, key: str):
    assert client.get(STAFF, headers={"X-Api-Key": key}).status_code == 200
    row = db.session.scalars(select(ApiKey)).one()
    with tenant_scope(members.tenant.id), transaction():
        api_keys.revoke(members.tenant.id, row.id)
    client.application.extensions["laoban-tenants"].forget()
    assert client.get(STAFF, headers={"X-Api-Key": key}).status_code == 401


def test_the_bell_ends_a_revoked_key_in_every_process(client: FlaskClient, members: Cast, key: str):

    assert client.get(STAFF, headers={"X-Api-Key": key}).status_code == 200
    row = db.session.scalars(select(ApiKey)).one()
    with tenant_scope(members.tenant.id), transaction():
        api_keys.revoke(members.tenant.id, row.id)
    wait_for(lambda: client.get(STAFF, headers={"X-Api-Key": key}).status_code == 401, seconds=2)


def test_a_key_is_kept_as_a_fingerprint_only(members: Cast, key: str):
    row = db.session.scalars(select(ApiKey)).one()
    assert row.shown == key[:10] + "***"
    assert key not in str(row.__dict__)


def test_a_key_opens_no_admin_page(client: FlaskClient, key: str):
    assert client.get("/admin/", headers={"X-Api-Key": key}).status_code in {302, 401}


def test_somebody_with_two_tenants_switches_between_them(app: Flask, members: Cast):
    db.session.add(Membership(tenant_id=members.other_tenant.id, user_id=members.staff.id, role=Role.MANAGER))
    db.session.commit()
    client = sign_in(app, members.staff)
    assert client.get(STAFF).json["tenant"] == "Tenant A"
    client.post("/switch", data={"tenant_id": members.other_tenant.id})
    seen = client.get(STAFF).json
    assert (seen["tenant"], seen["role"], seen["members"]) == ("Tenant B", "manager", [2])


def test_nobody_switches_to_a_tenant_that_is_not_his(app: Flask, members: Cast):
    client = sign_in(app, members.staff)
    for wanted in (members.other_tenant.id, 0, "x", 10**30):
        assert client.post("/switch", data={"tenant_id": wanted}).status_code == 404
    assert client.get(STAFF).json["tenant"] == "Tenant A"


def test_signing_in_on_a_subdomain_opens_that_tenant(app: Flask, members: Cast):
    db.session.add(Membership(tenant_id=members.other_tenant.id, user_id=members.staff.id, role=Role.MANAGER))
    db.session.commit()
    client, home = app.test_client(), "http://b.bots.example"
    client.post("/login", data={"email": members.staff.email, "password": PASSWORD}, base_url=home)
    assert client.get(STAFF, base_url=home).json["tenant"] == "Tenant B"


def test_an_operator_opens_a_tenant_as_its_owner_and_leaves_a_record(app: Flask, members: Cast):
    client = sign_in(app, members.operator)
    assert client.get(STAFF).status_code == 403
    client.post(f"/operator/open/{members.tenant.id}")
    seen = client.get(STAFF).json
    assert (seen["tenant"], seen["role"], seen["actor"][0]) == ("Tenant A", "owner", "operator")
    assert "banner operator" in client.get("/admin/").text
    client.post("/operator/leave")
    assert client.get(STAFF).status_code == 403
    events = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    assert [(e.tenant_id, e.action, e.actor_name, e.as_operator) for e in events] == [
        (members.tenant.id, "operator.opened", members.operator.email, True),
        (members.tenant.id, "operator.left", members.operator.email, True),
    ]


def test_nobody_else_opens_a_tenant(app: Flask, members: Cast):
    client = sign_in(app, members.owner)
    assert client.post(f"/operator/open/{members.other_tenant.id}").status_code == 404
    assert client.get(STAFF).json["tenant"] == "Tenant A"


def test_an_operator_who_is_one_no_more_is_out_at_once(app: Flask, members: Cast):
    client = sign_in(app, members.operator)
    client.post(f"/operator/open/{members.tenant.id}")
    members.operator.roles = []
    db.session.commit()
    assert client.get(STAFF).status_code == 403


def test_the_scope_is_gone_after_the_request(app: Flask, members: Cast):
    before = current_scope()
    sign_in(app, members.staff).get(STAFF)
    assert current_scope() == before
