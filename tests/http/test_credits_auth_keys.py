"""Keys of partner projects: which of them let in, and what the others' owners are told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.domain.credit_clients import Scope
from app.services import tenants
from app.services.credit_clients import lookup, manage
from tests.cast import Cast
from tests.crediting import Project, project
from tests.http.signed_views import ECHO, READ, client, code, shop, used_nonces

__all__ = ["client", "shop"]


def _unknown(shop: Project) -> dict[str, Any]:
    return {"api_key": "ck_0000000000000000." + "a" * 43}


def _half_wrong(shop: Project) -> dict[str, Any]:
    return {"api_key": shop.api_key[:-1] + ("A" if shop.api_key[-1] != "A" else "B")}


def _revoked(shop: Project) -> dict[str, Any]:
    with transaction():
        manage.revoke(shop.key_row_id)
    return {}


def _set(column: str, value: object, table: str = "credit_key") -> Callable[[Project], dict[str, Any]]:
    def change(shop: Project) -> dict[str, Any]:
        db.session.execute(
            text(
                f"UPDATE {table} SET {column} = CAST(:value AS {'timestamptz' if 'at' in column else 'jsonb'})"
            ),
            {"value": value},
        )
        db.session.commit()
        lookup.forget()
        return {}

    return change


REFUSED_KEYS: dict[str, tuple[Callable[[Project], dict[str, Any]], tuple[int, str]]] = {
    "unknown": (_unknown, (401, "invalid_api_key")),
    "secret part wrong": (_half_wrong, (401, "invalid_api_key")),
    "revoked": (_revoked, (401, "invalid_api_key")),
    "expired": (_set("expires_at", "2026-01-01"), (401, "api_key_expired")),
    "disabled": (_set("disabled_at", "2026-01-01", "credit_client"), (403, "client_disabled")),
    "suspended": (_set("suspended_at", "2026-01-01", "tenant"), (403, "tenant_suspended")),
    "scope": (_set("scopes", '["read"]'), (403, "scope_missing")),
    "network": (_set("networks", '["203.0.113.0/24", "2001:db8::/32"]'), (403, "address_refused")),
    "another secret": (lambda _shop: {"secret": "x" * 43}, (401, "invalid_signature")),
}


@pytest.mark.parametrize("name", REFUSED_KEYS)
@pytest.mark.parametrize("known", [True, False], ids=["seen before", "new here"])
def test_a_key_that_may_not_is_refused(client: FlaskClient, shop: Project, name: str, known: bool):
    if known:
        assert shop.call(client, "POST", ECHO, {}).status_code == 200
    change, expected = REFUSED_KEYS[name]
    assert code(shop.call(client, "POST", ECHO, {}, **change(shop))) == expected
    assert used_nonces() == known


def test_nobody_is_refused_while_a_key_is_replaced(client: FlaskClient, shop: Project):
    assert shop.call(client, "POST", ECHO, {}).status_code == 200
    with transaction():
        made = manage.rotate(shop.key_row_id, timedelta(days=1))
    new = replace(shop, key_row_id=made.key.id, api_key=made.api_key, secret=made.secret_key)
    assert [key.call(client, "POST", ECHO, {}).status_code for key in (shop, new) * 5] == [200] * 10
    with transaction():
        manage.revoke(shop.key_row_id)
    assert code(shop.call(client, "POST", ECHO, {})) == (401, "invalid_api_key")
    assert new.call(client, "POST", ECHO, {}).status_code == 200


def test_unknown_and_half_wrong_keys_hear_the_same(client: FlaskClient, shop: Project):
    told = [
        shop.call(client, "POST", ECHO, {}, **change(shop)).json["message"]
        for change in (_unknown, _half_wrong, _revoked)
    ]
    assert len(set(told)) == 1


@pytest.mark.parametrize(
    ("address", "status"),
    [("203.0.113.9", 200), ("::ffff:203.0.113.9", 200), ("2001:db8::1", 200), ("203.0.114.1", 403), ("2001:db9::1", 403)],
)  # fmt: skip
def test_a_network_is_kept_to(client: FlaskClient, cast: Cast, address: str, status: int):
    shop = project(cast.tenant.id, networks=["203.0.113.0/24", "2001:db8::/32"])
    assert shop.call(client, "POST", ECHO, {}, environ={"REMOTE_ADDR": address}).status_code == status


def test_a_scope_opens_only_its_own_calls(client: FlaskClient, cast: Cast):
    reader = project(cast.tenant.id, scopes=[Scope.READ])
    assert reader.call(client, "GET", READ).status_code == 200
    refused = reader.call(client, "POST", ECHO, {})
    assert code(refused) == (403, "scope_missing")
    assert "post" in refused.json["message"]


def test_a_key_works_at_its_own_tenants_address_only(client: FlaskClient, cast: Cast, shop: Project):
    for tenant, status in ((cast.tenant, 200), (cast.other_tenant, 400)):
        path = f"/tenant/{tenant.uuid}{ECHO}"
        assert shop.call(client, "POST", path, {}).status_code == status
    assert used_nonces() == 1


def test_a_tenant_can_not_sign_for_another(client: FlaskClient, cast: Cast, shop: Project):
    other = project(cast.other_tenant.id)
    mixed = shop.call(client, "POST", ECHO, {}, api_key=other.api_key)
    assert code(mixed) == (401, "invalid_signature")
    assert other.call(client, "POST", ECHO, {}).json["tenant"] == cast.other_tenant.id


def test_a_suspension_is_heard_and_ends(client: FlaskClient, cast: Cast, shop: Project):
    assert shop.call(client, "POST", ECHO, {}).status_code == 200
    for act, status in ((tenants.suspend, 403), (tenants.resume, 200)):
        with transaction():
            act(cast.tenant.id)
        # As within seconds where nobody hears the bell.
        lookup.forget()
        assert shop.call(client, "POST", ECHO, {}).status_code == status


def test_a_key_expires_by_itself(client: FlaskClient, cast: Cast):
    shop = project(cast.tenant.id, expires_at=clock.now() + timedelta(seconds=60))
    assert shop.call(client, "POST", ECHO, {}).status_code == 200
    _set("expires_at", "2026-01-01")(shop)
    assert code(shop.call(client, "POST", ECHO, {})) == (401, "api_key_expired")
