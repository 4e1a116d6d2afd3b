"""What strangers send to the credit API besides calls: each is refused, and nothing of it breaks."""

import pytest
from flask import Flask

from app.core.settings import get_settings
from app.http.tenancy import for_everybody
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
