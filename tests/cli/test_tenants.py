"""The commands for tenants, operators and keys."""

import json
from pathlib import Path
from zipfile import ZipFile

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import func, select, text

from app.core import crypto
from app.core.clock import now
from app.core.db import Base, db
from app.core.settings import get_settings
from app.core.tenancy import TenantOwned
from app.models import Bot, Mail, Member, OutgoingMessage, Tenant, Update, User
from tests.cast import PASSWORD, Cast, sign_in

TOKEN = "7123456789:AAexampleexampleexampleexample12345"
CREATE = [
    "tenants",
    "create",
    "--name",
    "Tea",
    "--email",
    "boss@tea.example",
    "--password",
    PASSWORD,
    "--json",
]


def run(app: Flask, *args: str, fails: bool = False) -> str:
    result = app.test_cli_runner().invoke(args=list(args))
    assert (result.exit_code != 0) == fails, result.output
    return result.output


def test_create_prints_one_json_document_with_a_key_that_works(app: Flask):
    made = json.loads(run(app, *CREATE))
    assert set(made) == {"tenant_id", "tenant_uuid", "user_id", "api_key"}
    assert made["api_key"].startswith("tk_")
    assert len(made["api_key"]) == 67
    boss = db.session.get_one(User, made["user_id"])
    assert sign_in(app, boss).get("/admin/").status_code == 200


def test_create_prints_words_for_people(app: Flask):
    assert "tk_" in run(app, *CREATE[:-1], "--plan", "basic")
    assert db.session.scalars(select(Tenant.plan)).one() == "basic"


def test_one_address_owns_one_new_tenant(app: Flask):
    run(app, *CREATE)
    assert "can't be used" in run(app, *CREATE, fails=True)
    assert db.session.scalar(select(func.count()).select_from(Tenant)) == 1


@pytest.mark.parametrize(("option", "value"), [("--plan", "gold"), ("--email", "nobody"), ("--name", " ")])
def test_create_refuses_what_is_not_valid(app: Flask, option: str, value: str):
    run(app, *CREATE, option, value, fails=True)


def test_list_shows_the_owner(app: Flask, cast: Cast):
    rows = json.loads(run(app, "tenants", "list", "--json"))
    assert [(row["name"], row["owner"]) for row in rows] == [
        ("Tenant B", cast.stranger.email),
        ("Tenant A", cast.owner.email),
    ]


def fill(cast: Cast) -> None:
    """A row of most kinds for tenant A, and a bot for tenant B."""
    tenant = cast.tenant.id
    bot = Bot(tenant_id=tenant, telegram_id=1, token=TOKEN, token_fingerprint="x")
    other = Bot(tenant_id=cast.other_tenant.id, telegram_id=2, token=TOKEN, token_fingerprint="y")
    db.session.add_all([bot, other, Member(tenant_id=tenant, telegram_id=42, first_name="Wang")])
    db.session.flush()
    raw = b'{"update_id":1,"message":{"from":{"id":42,"first_name":"Wang"},"chat":{"id":-7}}}'
    db.session.add(Update(tenant_id=tenant, bot_id=bot.id, update_id=1, chat_key=-7, shard=0, raw=raw))
    db.session.add(
        OutgoingMessage(
            tenant_id=tenant, bot_id=bot.id, chat_id=42, method="sendMessage", payload={}, dedupe_key="1"
        )
    )
    db.session.commit()


def test_export_holds_every_table_and_no_secret(app: Flask, cast: Cast, tmp_path: Path):
    fill(cast)
    path = tmp_path / "all.zip"
    run(app, "tenants", "export", str(cast.tenant.id), "--file", str(path))
    with ZipFile(path) as archive:
        names = set(archive.namelist())
        everything = b"".join(archive.read(name) for name in names).decode()
        bots = [json.loads(line) for line in archive.read("bot.jsonl").splitlines()]
    owned = {
        m.local_table.description for m in Base.registry.mappers if issubclass(m.class_, TenantOwned)
    } - {"link_code"}
    assert names == {f"{name}.jsonl" for name in owned} | {"tenant.json", "people.jsonl"}
    assert [bot["telegram_id"] for bot in bots] == [1]
    assert cast.owner.email in everything
    assert cast.stranger.email not in everything
    assert TOKEN not in everything
    assert "argon2" not in everything


def test_erase_leaves_nothing_of_the_tenant_and_everything_of_others(app: Flask, cast: Cast):
    fill(cast)
    run(app, "tenants", "erase", str(cast.tenant.id), "--name", "Tenant a", fails=True)
    run(app, "tenants", "erase", str(cast.tenant.id), "--name", "Tenant A")
    db.session.expire_all()
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, TenantOwned):
            rows = select(func.count()).where(mapper.class_.tenant_id == cast.tenant.id)
            assert db.session.scalar(rows) == 0, mapper.class_
    assert set(db.session.scalars(select(User.email))) == {cast.stranger.email, cast.operator.email}
    assert db.session.scalar(select(func.count()).select_from(Bot)) == 1


def test_suspending_closes_the_pages(app: Flask, cast: Cast):
    client = sign_in(app, cast.owner)
    run(app, "tenants", "suspend", str(cast.tenant.id))
    assert sign_in(app, cast.stranger).get("/admin/").status_code == 200
    app.extensions["laoban-tenants"].forget()
    assert client.get("/admin/").status_code == 403
    run(app, "tenants", "resume", str(cast.tenant.id))
    app.extensions["laoban-tenants"].forget()
    assert client.get("/admin/").status_code == 200


def test_an_operator_is_made_and_unmade(app: Flask, cast: Cast):
    run(app, "operators", "add", "--email", cast.owner.email)
    run(app, "operators", "add", "--email", "new@op.example", fails=True)
    run(app, "operators", "add", "--email", "new@op.example", "--password", PASSWORD)
    db.session.expire_all()
    assert cast.owner.is_operator
    run(app, "operators", "remove", "--email", cast.owner.email)
    db.session.expire_all()
    assert not cast.owner.is_operator


def test_keys_rotate_puts_every_secret_under_the_first_key(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    fill(cast)
    db.session.add(Mail(recipient="a@b.example", subject="s", body="a secret link", sent_at=now()))
    db.session.commit()
    new = Fernet.generate_key().decode()
    old = get_settings().encryption_keys
    monkeypatch.setattr(get_settings(), "encryption_keys", [SecretStr(new), *old])
    crypto.configure(get_settings().keys)
    try:
        changed = json.loads(run(app, "keys", "rotate", "--json"))["changed"]
        assert (changed["bot.token"], changed["mail.body"]) == (2, 1)
        again = json.loads(run(app, "keys", "rotate", "--json"))["changed"]
        assert not any(again.values())
        crypto.configure([new])
        db.session.expire_all()
        assert set(db.session.scalars(select(Bot.token))) == {TOKEN}
    finally:
        crypto.configure([key.get_secret_value() for key in old])
        db.session.execute(text("SELECT 1"))


def test_the_operator_gives_somebody_a_link_for_a_new_password(app: Flask, cast: Cast):
    link = json.loads(run(app, "people", "reset-link", "--email", cast.owner.email, "--json"))["link"]
    path, new = link.partition(":8000")[2], "a new long password"
    answer = app.test_client().post(path, data={"password": new, "password_confirm": new})
    assert answer.location.endswith("/login")
    run(app, "people", "reset-link", "--email", "nobody@a.example", fails=True)
