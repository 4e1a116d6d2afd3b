"""Keys of outside services: whose is used, and that no secret leaves."""

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text

from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import tenant_scope
from app.domain.payments import Service
from app.models import AuditEvent
from app.services import service_accounts
from app.services.service_accounts import AccountNotValid
from tests.cast import Cast
from tests.paying import ACCOUNT, set_up_pingpong

SECRET = "a-secret-of-thirty-two-characters"


def save(cast: Cast, service: Service, secret: str | None = SECRET, **public: str) -> None:
    with transaction():
        service_accounts.save(cast.tenant.id, service, public, secret=secret)


def test_without_any_account_there_is_none(cast: Cast):
    tenant_id = cast.tenant.id
    assert service_accounts.pingpong(tenant_id) is None
    assert service_accounts.manual(tenant_id) is None
    assert service_accounts.yuanfenju(tenant_id) is None
    assert service_accounts.deepseek(tenant_id) is None


def test_the_tenants_own_account_comes_before_the_operators(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(get_settings(), "deepseek_api_key", SecretStr("operators"))
    assert (service_accounts.deepseek(cast.tenant.id).key, service_accounts.deepseek(cast.tenant.id).own) == (
        "operators",
        False,
    )
    save(cast, Service.DEEPSEEK, model="deepseek-pro")
    found = service_accounts.deepseek(cast.tenant.id)
    assert (found.key, found.own, found.model) == (SECRET, True, "deepseek-pro")
    assert str(found.prices.written) == "1.20"
    assert service_accounts.deepseek(cast.other_tenant.id).key == "operators"


def test_removing_it_brings_the_operators_back(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(get_settings(), "yuanfenju_api_key", SecretStr("operators"))
    save(cast, Service.YUANFENJU)
    with transaction():
        assert service_accounts.remove(cast.tenant.id, Service.YUANFENJU)
        assert not service_accounts.remove(cast.tenant.id, Service.YUANFENJU)
    assert service_accounts.yuanfenju(cast.tenant.id).key == "operators"


def test_one_that_is_switched_off_is_not_used(cast: Cast):
    with transaction():
        service_accounts.save(cast.tenant.id, Service.YUANFENJU, {}, secret=SECRET, enabled=False)
    assert service_accounts.yuanfenju(cast.tenant.id) is None
    assert service_accounts.shown(cast.tenant.id, Service.YUANFENJU).own


def test_pages_and_the_audit_log_see_no_secret(cast: Cast):
    save(cast, Service.DEEPSEEK)
    shown = service_accounts.shown(cast.tenant.id, Service.DEEPSEEK)
    assert shown.secret == "a-secret-o***"
    event = db.session.scalar(select(AuditEvent))
    assert (event.action, event.changes["secret"]) == ("service_account.saved", "a-secret-o***")
    assert SECRET not in db.session.scalar(text("SELECT secret FROM service_account"))
    assert SECRET not in repr(service_accounts.deepseek(cast.tenant.id))


def test_saving_without_a_secret_keeps_the_one_that_is_there(cast: Cast):
    save(cast, Service.DEEPSEEK)
    save(cast, Service.DEEPSEEK, secret="", model="other")
    assert service_accounts.deepseek(cast.tenant.id).key == SECRET


@pytest.mark.parametrize(
    ("service", "secret", "public"),
    [
        (Service.DEEPSEEK, "", {}),
        (Service.DEEPSEEK, "line\nbreak", {}),
        (Service.DEEPSEEK, "钥匙", {}),
        (Service.MANUAL, "", {"instructions": "  "}),
        (Service.PINGPONG, SECRET, {"client_id": "12", "acc_id": "abc"}),
        (Service.PINGPONG, SECRET, {"client_id": "12", "acc_id": "99001"}),
        (Service.PINGPONG, SECRET, {"client_id": "12", "acc_id": "12001", "scheme": "md5"}),
        (Service.PINGPONG, "", {"client_id": "12", "acc_id": "12001"}),
    ],
)
def test_what_is_not_complete_is_refused(cast: Cast, service: Service, secret: str, public: dict[str, str]):
    with pytest.raises(AccountNotValid):
        save(cast, service, secret, **public)


def test_another_tenants_picture_is_refused(cast: Cast):
    with pytest.raises(AccountNotValid), transaction():
        service_accounts.save(cast.tenant.id, Service.MANUAL, {"instructions": "x"}, picture_id=1)


def test_a_payment_keeps_its_account(cast: Cast):
    set_up_pingpong(cast.tenant)
    of_payment = service_accounts.pingpong_of_payment
    assert of_payment(cast.tenant.id, ACCOUNT["acc_id"], own=True).salt == ACCOUNT["salt"]
    assert of_payment(cast.tenant.id, "990000000000000001002", own=True) is None
    assert of_payment(cast.tenant.id, ACCOUNT["acc_id"], own=False) is None
    assert of_payment(cast.other_tenant.id, ACCOUNT["acc_id"], own=True) is None


def test_a_stranger_sees_no_account(cast: Cast):
    set_up_pingpong(cast.tenant)
    db.session.rollback()
    with tenant_scope(cast.other_tenant.id):
        assert service_accounts.pingpong(cast.tenant.id) is None
