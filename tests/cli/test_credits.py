"""`flask credits check` and `flask credits client`."""

import json

from click.testing import Result
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.tenancy import enter_scope
from app.services import credit_clients
from app.services import credits as ledger
from tests.cast import Cast


def run(app: Flask, *words: object) -> Result:
    enter_scope(None)
    result = app.test_cli_runner().invoke(args=["credits", *map(str, words)])
    enter_scope("*")
    return result


def post(tenant_id: int, amount: int, reference: str) -> None:
    ledger.post(tenant_id, 1, amount, source="shop", reference=reference, reason="gift")
    db.session.commit()


def test_a_sound_ledger_passes(app: Flask, cast: Cast):
    post(cast.tenant.id, 5, "a")
    post(cast.other_tenant.id, 7, "a")
    result = run(app, "check", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (
        0,
        {"accounts": 2, "postings": 2, "mismatches": []},
    )
    assert "1 accounts, 1 postings, 0 mismatches" in run(app, "check", "--tenant", cast.tenant.id).stdout


def test_a_wrong_balance_is_named_and_ends_with_1(app: Flask, cast: Cast):
    post(cast.tenant.id, 5, "a")
    db.session.execute(text("UPDATE credit_account SET balance = 6"))
    db.session.commit()
    result = run(app, "check")
    assert result.exit_code == 1
    assert "Telegram 1: the balance 6" in result.stdout
    assert json.loads(run(app, "check", "--json").stdout)["mismatches"][0]["postings"] == 5
    assert run(app, "check", "--tenant", cast.other_tenant.id).exit_code == 0


def test_a_client_gets_a_key_and_one_more_each_time(app: Flask, cast: Cast):
    first, second = (
        json.loads(run(app, "client", "--tenant", cast.tenant.id, "--source", "shop", *more, "--json").stdout)
        for more in ((), ("--allow-v1",))
    )
    assert set(first) == {"api_key", "secret_key", "source"}
    assert first["source"] == second["source"] == "shop"
    keys = credit_clients.list_keys(credit_clients.find_client(cast.tenant.id, "shop").id)
    assert [(key.key_id, key.allow_v1) for key in keys] == [
        (second["api_key"].partition(".")[0], True),
        (first["api_key"].partition(".")[0], False),
    ]
    assert first["secret_key"] in {key.secret for key in keys}
    assert len(first["secret_key"]) == 43


def test_a_client_needs_a_tenant_and_a_source_of_its_own(app: Flask, cast: Cast):
    assert run(app, "client", "--tenant", 999_999, "--source", "shop").exit_code == 1
    ours = run(app, "client", "--tenant", cast.tenant.id, "--source", "lottery")
    assert (ours.exit_code, "one of our own" in ours.output) == (1, True)
