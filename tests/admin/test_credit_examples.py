"""What the boss's pages give to developers runs as it stands there."""

import html
import sys
from collections.abc import Iterator

import pytest
from flask import Flask, request

from admin.credit_client_parts import verifier_example
from app.core.queue import transaction
from app.core.settings import get_settings
from app.services import credits as ledger
from app.services.credit_clients import manage
from sdk import credit_sync_client
from tests.cast import Cast, sign_in
from tests.chromium import serving
from tests.sdk.conftest import SECRET
from tests.sdk.test_incoming import BODY, KEY, signed
from wsgi import app as the_app

SOMEBODY = 123_456_789


@pytest.fixture(autouse=True)
def _client_is_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "credit_sync_client", credit_sync_client)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serving(the_app) as url:
        yield url


def test_the_five_lines_of_a_new_key_post_credits(
    app: Flask, cast: Cast, site: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(get_settings(), "public_url", site)
    with transaction():
        ledger.post(cast.tenant.id, SOMEBODY, 1, source="admin", reference="first", reason="gift")
        shop = manage.create_client(cast.tenant.id, "shop", "Shop")
    page = sign_in(app, cast.owner).post("/admin/credit-keys/new/", data={"client": shop.id, "may_post": "y"})
    example = html.unescape(page.text.split('id="sdk-example">')[1].split("</code>")[0])
    exec(compile(example, "example", "exec"), {})
    assert capsys.readouterr().out.startswith("True 11 ")


def test_the_receiver_of_a_partner_takes_signed_batches_alone():
    app, saved = Flask("partner"), []
    example = verifier_example("https://partner.example/hooks/credits?shop=1", KEY, SECRET)
    exec(compile(example, "example", "exec"), {"app": app, "request": request, "save": saved.append})
    client, place = app.test_client(), "/hooks/credits?shop=1"
    taken = client.post(place, data=BODY, headers=signed())
    assert (taken.status_code, taken.json, len(saved)) == (200, {"batch_id": f"{KEY}:7-8"}, 2)
    assert client.post(place, data=BODY + b" ", headers=signed()).status_code == 401
