"""What strangers send to the credit API besides calls: each is refused, and nothing of it breaks."""

import pytest
from flask import Flask
from sqlalchemy import update

from app.core.db import db
from app.core.settings import get_settings
from app.domain.credits import MAX_BALANCE
from app.http.tenancy import for_everybody
from app.models import CreditAccount
from app.services.credits import settings
from tests.cast import Cast
from tests.crediting import project

SYNC = "/api/credits/sync"
POSTING = {"telegram_id": 5, "amount": 1, "reason": "r", "reference": "a"}


@pytest.mark.parametrize("origin", ["http://[", "http://a]b", "http://\u2100", "null", ""])
def test_an_origin_that_is_no_address_is_a_foreign_one(app: Flask, cast: Cast, origin: str):
    answer = project(cast.tenant.id).call(
        app.test_client(), "POST", SYNC, POSTING, headers={"Origin": origin.encode().decode("latin-1")}
    )
    assert (answer.status_code, answer.json["code"]) == (403, "foreign_origin")


@pytest.mark.parametrize("host", ["[", "a]b", "[x]", "a\u2100b"])
def test_the_fast_door_leaves_a_host_that_is_none_to_flask(host: str):
    assert not for_everybody(get_settings(), host)


def test_a_full_balance_refuses_its_own_posting_alone(app: Flask, cast: Cast):
    client, shop = app.test_client(), project(cast.tenant.id)
    settings.save(cast.tenant.id, auto_create=True)
    db.session.commit()
    shop.call(client, "POST", SYNC, POSTING)
    db.session.execute(update(CreditAccount).values(balance=MAX_BALANCE))
    db.session.commit()
    one = shop.call(client, "POST", SYNC, POSTING | {"reference": "b"})
    assert (one.status_code, one.json["code"]) == (409, "balance_too_large")
    items = [POSTING | {"reference": "c"}, POSTING | {"reference": "d", "telegram_id": 6}]
    batch = shop.call(client, "POST", "/api/credits/batch", {"items": items}).json
    assert [each.get("code") for each in batch["results"]] == ["balance_too_large", None]
    taken = shop.call(client, "POST", SYNC, POSTING | {"reference": "e", "amount": -1})
    assert taken.json["balance"] == MAX_BALANCE - 1


def test_a_batch_of_nonsense_is_told_in_few_words(app: Flask, cast: Cast):
    nonsense = {"items": [{f"{number:x}": 0 for number in range(30)}] * 1000}
    answer = project(cast.tenant.id).call(app.test_client(), "POST", "/api/credits/batch", nonsense)
    assert (answer.status_code, answer.json["refused"]) == (200, 1000)
    assert max(len(each["fields"]) for each in answer.json["results"]) == 8
