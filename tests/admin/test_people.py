"""Staff, settings, account and the operator's pages."""

import re
from io import BytesIO
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from admin import settings as settings_page
from app.core.db import db
from app.core.outbound import Fetched
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import tenant_scope
from app.domain.people import Role
from app.models import ApiKey, AuditEvent, Bot, Domain, Invitation, LinkCode, Mail, Membership, Tenant, User
from app.services import people
from tests.cast import Cast, sign_in
from tests.clockwork import Clockwork


@pytest.fixture
def owner(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


def place(user: User) -> Membership:
    return db.session.scalars(
        select(Membership).where(Membership.user_id == user.id).execution_options(populate_existing=True)
    ).one()


# --- staff
def test_the_owner_invites_by_a_link_that_is_shown_once(owner: FlaskClient, cast: Cast):
    page = owner.post("/admin/people/invite/", data={"email": "li@new.example", "role": "manager"}).text
    link = re.search(r"http://localhost(/invite/[\w-]+)", page)
    assert link
    assert "li@new.example" in owner.get(link[1]).text
    assert "localhost/invite/" not in owner.get("/admin/people/").text


def test_with_mail_the_link_goes_by_mail_only(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(get_settings(), "mail_url", "smtp://x")
    monkeypatch.setattr(get_settings(), "public_url", "https://laoban.example")
    answer = owner.post("/admin/people/invite/", data={"email": "li@new.example", "role": "manager"})
    assert answer.status_code == 303
    letter = db.session.scalars(select(Mail)).one()
    assert "https://laoban.example/invite/" in str(letter.body)


@pytest.mark.parametrize(
    "data", [{"email": "x", "role": "manager"}, {"email": "a@b.example", "role": "king"}]
)
def test_an_invitation_that_is_not_valid_is_refused(owner: FlaskClient, data: dict[str, str]):
    assert owner.post("/admin/people/invite/", data=data).status_code == 200
    assert db.session.scalars(select(Invitation)).all() == []


def test_the_owner_changes_roles_and_removes(owner: FlaskClient, cast: Cast):
    staff = place(cast.staff)
    owner.post("/admin/people/role/", data={"id": staff.id, "role": "manager"})
    assert place(cast.staff).role == Role.MANAGER
    owner.post("/admin/people/remove/", data={"id": staff.id})
    assert db.session.scalars(select(Membership).where(Membership.user_id == cast.staff.id)).all() == []


@pytest.mark.parametrize(("path", "extra"), [("role", {"role": "support"}), ("remove", {})])
def test_the_last_owner_stays(owner: FlaskClient, cast: Cast, path: str, extra: dict[str, str]):
    owner.post(f"/admin/people/{path}/", data={"id": place(cast.owner).id, **extra})
    assert place(cast.owner).role == Role.OWNER


@pytest.mark.parametrize("who", ["staff", "reader"])
def test_others_change_nobody(app: Flask, cast: Cast, who: str):
    client = sign_in(app, getattr(cast, who))
    target = place(cast.staff)
    for path, data in (("role", {"id": target.id, "role": "owner"}), ("remove", {"id": target.id})):
        assert client.post(f"/admin/people/{path}/", data=data).status_code == 403
    assert place(cast.staff).role == Role.SUPPORT


def test_a_stranger_reaches_nobody_of_another_tenant(app: Flask, cast: Cast):
    client, target = sign_in(app, cast.stranger), place(cast.staff).id
    assert client.post("/admin/people/role/", data={"id": target, "role": "owner"}).status_code == 404
    assert client.post("/admin/people/remove/", data={"id": target}).status_code == 404
    assert cast.staff.email not in client.get("/admin/people/").text


@pytest.mark.parametrize("extra", [{"tenant_id": "1"}, {"user_id": "1"}, {"id[]": "1"}])
def test_unknown_fields_are_refused(owner: FlaskClient, cast: Cast, extra: dict[str, str]):
    data = {"id": place(cast.staff).id, "role": "owner", **extra}
    assert owner.post("/admin/people/role/", data=data).status_code == 400
    assert place(cast.staff).role == Role.SUPPORT


# --- settings
BASICS = {"name": "New name", "locale": "en", "timezone": "Asia/Singapore"}


def test_the_owner_changes_the_basics_and_the_log_says_so(owner: FlaskClient, cast: Cast):
    assert owner.post("/admin/settings/", data=BASICS).status_code == 303
    db.session.expire_all()
    tenant = db.session.get_one(Tenant, cast.tenant.id)
    assert (tenant.name, tenant.locale, tenant.timezone) == ("New name", "en", "Asia/Singapore")
    event = db.session.scalars(select(AuditEvent)).one()
    assert (event.action, event.actor_name) == ("tenant.changed", cast.owner.email)


@pytest.mark.parametrize(
    "extra", [{"plan": "enterprise"}, {"tenant_id": "1"}, {"slug": "x"}, {"suspended_at": ""}]
)
def test_nobody_changes_what_the_form_does_not_show(owner: FlaskClient, cast: Cast, extra: dict[str, str]):
    assert owner.post("/admin/settings/", data=BASICS | extra).status_code == 400
    db.session.expire_all()
    assert db.session.get_one(Tenant, cast.tenant.id).name == "Tenant A"


@pytest.mark.parametrize("slug", ["b", "admin", "-x", "a b", "ä"])
def test_a_short_address_must_be_free_and_plain(
    owner: FlaskClient, cast: Cast, monkeypatch: pytest.MonkeyPatch, slug: str
):
    monkeypatch.setattr(get_settings(), "tenant_domain", "bots.example")
    owner.post("/admin/settings/", data=BASICS | {"slug": slug})
    db.session.expire_all()
    assert db.session.get_one(Tenant, cast.tenant.id).slug == "a"


@pytest.mark.parametrize("path", ["", "domains/", "keys/", "data/"])
def test_the_settings_are_for_owners(app: Flask, cast: Cast, path: str):
    assert sign_in(app, cast.owner).get(f"/admin/settings/{path}").status_code == 200
    assert sign_in(app, cast.staff).get(f"/admin/settings/{path}").status_code == 403


def test_a_key_is_shown_once_works_and_can_be_revoked(app: Flask, owner: FlaskClient):
    page = owner.post("/admin/settings/keys/", data={"name": "my program"}).text
    found = re.search(r"tk_[0-9a-f]{64}", page)
    assert found
    assert found[0] not in owner.get("/admin/settings/keys/").text
    row = db.session.scalars(select(ApiKey)).one()
    owner.post("/admin/settings/keys/revoke/", data={"id": row.id})
    assert owner.get("/admin/settings/keys/").text.count("<code>") == 0


def test_keys_and_data_ask_for_the_password_again(owner: FlaskClient, time: Clockwork):
    time.forward(minutes=16)
    for path in ("keys/", "data/"):
        assert owner.get(f"/admin/settings/{path}").location.startswith("/verify?next=")
    assert owner.post("/admin/settings/data/export/").location.startswith("/verify?next=")
    assert db.session.scalars(select(ApiKey)).all() == []


def test_the_export_is_a_zip_of_this_tenant(owner: FlaskClient, cast: Cast):
    answer = owner.post("/admin/settings/data/export/")
    assert "attachment" in answer.headers["Content-Disposition"]
    with ZipFile(BytesIO(answer.data)) as archive:
        assert cast.stranger.email not in archive.read("people.jsonl").decode()
    answer.close()


def test_erasing_asks_for_the_name(owner: FlaskClient, cast: Cast):
    owner.post("/admin/settings/data/erase/", data={"typed": "tenant a"})
    assert db.session.scalar(select(Tenant.id).where(Tenant.id == cast.tenant.id))
    assert owner.post("/admin/settings/data/erase/", data={"typed": "Tenant A"}).location == "/"
    assert db.session.scalar(select(Tenant.id).where(Tenant.id == cast.tenant.id)) is None
    assert owner.get("/admin/").status_code == 302


@pytest.mark.parametrize("good", [True, False])
def test_a_domain_counts_once_its_file_was_found(
    owner: FlaskClient, monkeypatch: pytest.MonkeyPatch, good: bool
):
    owner.post("/admin/settings/domains/", data={"host": "Tea.Example."})
    row = db.session.scalars(select(Domain)).one()
    asked: list[str] = []

    def fetch(url: str) -> Fetched:
        asked.append(url)
        return Fetched(200, {}, row.check_token.encode() + b"\n" if good else b"<html>")

    monkeypatch.setattr(settings_page, "safe_fetch", fetch)
    owner.post("/admin/settings/domains/verify/", data={"id": row.id})
    assert asked == [f"https://tea.example/.well-known/laoban-{row.check_token}.txt"]
    db.session.expire_all()
    assert (db.session.scalars(select(Domain.verified_at)).one() is not None) == good


@pytest.mark.parametrize(
    "host", ["localhost", "10.0.0.1", "a_b.example", "x", "http://a.example/", "a..example"]
)
def test_what_is_no_domain_is_refused(owner: FlaskClient, host: str):
    owner.post("/admin/settings/domains/", data={"host": host})
    assert db.session.scalars(select(Domain)).all() == []


# --- account
def test_everybody_changes_his_own_name_and_language(app: Flask, cast: Cast):
    client = sign_in(app, cast.reader)
    client.post("/admin/account/save/", data={"name": "Reader Two", "locale": "en"})
    db.session.expire_all()
    assert (cast.reader.name, cast.reader.locale) == ("Reader Two", "en")
    assert "My account" in client.get("/admin/account/").text


def test_an_operator_without_a_tenant_has_an_account_page(app: Flask, cast: Cast):
    client = sign_in(app, cast.operator)
    assert client.get("/admin/account/").status_code == 200
    assert client.get("/admin/account/sessions/").status_code == 200


def test_a_code_links_the_telegram_account(owner: FlaskClient, cast: Cast):
    db.session.add(
        Bot(tenant_id=cast.tenant.id, telegram_id=1, username="tea_bot", token="x", token_fingerprint="x")
    )
    db.session.commit()
    page = owner.post("/admin/account/link/").text
    code = db.session.scalars(select(LinkCode.code)).one()
    assert f"https://t.me/tea_bot?start=link_{code}" in page
    with tenant_scope(cast.tenant.id), transaction():
        people.use_link_code(cast.tenant.id, code, 42, "Wang")
    assert "Wang" in owner.get("/admin/account/").text
    owner.post("/admin/account/unlink/")
    assert place(cast.owner).telegram_id is None


def test_one_signs_another_browser_out(app: Flask, cast: Cast):
    here, there = sign_in(app, cast.owner), sign_in(app, cast.owner)
    page = here.get("/admin/account/sessions/").text
    keys = re.findall(r'name="id" value="([0-9a-f]{64})"', page)
    assert len(keys) == 1
    here.post("/admin/account/sessions/end/", data={"id": keys[0]})
    assert there.get("/admin/").status_code == 302
    assert here.get("/admin/").status_code == 200


def test_nobody_signs_others_out(app: Flask, cast: Cast):
    theirs = sign_in(app, cast.owner)
    with db.session.no_autoflush:
        key = people.list_sessions(cast.owner.id)[0].id
    assert (
        sign_in(app, cast.stranger).post("/admin/account/sessions/end/", data={"id": key}).status_code == 404
    )
    assert theirs.get("/admin/").status_code == 200


# --- operator
def test_the_operator_sees_all_tenants_and_how_the_system_is(app: Flask, cast: Cast):
    client = sign_in(app, cast.operator)
    page = client.get("/admin/tenants/").text
    assert cast.owner.email in page
    assert cast.stranger.email in page
    assert cast.stranger.email not in client.get("/admin/tenants/?search=owner@a").text
    assert client.get("/admin/system/").status_code == 200
    assert client.get("/admin/system/live/").status_code == 200


def test_the_operator_suspends_and_resumes(app: Flask, cast: Cast):
    client = sign_in(app, cast.operator)
    client.post("/admin/tenants/suspend/", data={"id": cast.tenant.id})
    db.session.expire_all()
    assert db.session.get_one(Tenant, cast.tenant.id).suspended_at
    client.post("/admin/tenants/resume/", data={"id": cast.tenant.id})
    db.session.expire_all()
    assert db.session.get_one(Tenant, cast.tenant.id).suspended_at is None


@pytest.mark.parametrize("path", ["/admin/tenants/", "/admin/system/", "/admin/system/live/"])
def test_nobody_else_sees_the_operators_pages(app: Flask, cast: Cast, path: str):
    assert sign_in(app, cast.owner).get(path).status_code == 403


@pytest.mark.parametrize(
    "query", ["page=-1", "page=x", "page=99999999999999999999", "search=%00", "search=%25_"]
)
def test_hostile_arguments_break_nothing(app: Flask, cast: Cast, query: str):
    assert sign_in(app, cast.operator).get(f"/admin/tenants/?{query}").status_code in {200, 404}
