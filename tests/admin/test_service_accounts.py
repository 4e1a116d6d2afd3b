"""Services, their keys, and the prompts of reports: never shown again, changed by whom they belong to."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.domain.payments import Service
from app.domain.report_prompts import default
from app.models import (
    ReportPrompt,
    ServiceAccount,
)
from app.services import breakers, service_accounts
from tests.cast import Cast, sign_in
from tests.order_pages import actions
from tests.paying import set_up_pingpong

SERVICES = "/admin/service-accounts/"
PROMPTS = "/admin/report-prompts/"
KEY = "sk-0123456789abcdef"


@pytest.fixture
def boss(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


def test_what_is_used_without_an_account_is_said(boss: FlaskClient):
    page = boss.get(SERVICES).text
    for service in Service:
        assert f"service={service.value}" in page


def test_a_key_is_kept_and_never_shown_again(boss: FlaskClient, cast: Cast):
    typed = {"service": "deepseek", "secret": KEY, "model": "m", "buyer_daily_usd": "1.50", "enabled": "y"}
    assert boss.post(f"{SERVICES}edit/", data=typed).status_code == 303
    assert service_accounts.deepseek(cast.tenant.id).key == KEY
    for path in (SERVICES, f"{SERVICES}edit/?service=deepseek", "/admin/audit/"):
        assert KEY not in boss.get(path).text
    kept = boss.post(f"{SERVICES}edit/", data=typed | {"secret": "", "model": "n"})
    assert kept.status_code == 303
    db.session.rollback()
    assert (
        service_accounts.deepseek(cast.tenant.id).key,
        service_accounts.deepseek(cast.tenant.id).model,
    ) == (KEY, "n")


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"service": "deepseek", "secret": ""}, "secret"),
        ({"service": "deepseek", "secret": KEY, "buyer_daily_usd": "-1"}, "buyer_daily_usd"),
        (
            {
                "service": "pingpong",
                "client_id": "x",
                "acc_id": "1",
                "secret": "s",
                "scheme": "salted-sha256",
            },
            "client_id",
        ),
        (
            {
                "service": "pingpong",
                "client_id": "12",
                "acc_id": "34001",
                "secret": "s",
                "scheme": "salted-sha256",
            },
            "acc_id",
        ),
        ({"service": "manual", "instructions": ""}, "instructions"),
    ],
)
def test_what_is_not_right_is_said_at_its_field(boss: FlaskClient, typed: dict[str, str], field: str):
    page = boss.post(f"{SERVICES}edit/", data=typed)
    assert page.status_code == 200
    assert f'id="{field}-error"' in page.text
    assert db.session.scalar(select(ServiceAccount.service)) is None


def test_an_own_account_is_removed(boss: FlaskClient, cast: Cast):
    set_up_pingpong(cast.tenant)
    boss.post(f"{SERVICES}remove/", data={"service": "pingpong"})
    db.session.rollback()
    assert service_accounts.pingpong(cast.tenant.id) is None
    assert actions()[-1] == "service_account.removed"


def test_a_service_that_does_not_answer_is_named(boss: FlaskClient, cast: Cast):
    with transaction():
        for _ in range(breakers.FAILURES):
            breakers.failed(cast.tenant.id, "deepseek", "timeout of deepseek")
    assert "timeout of deepseek" in boss.get(SERVICES).text


@pytest.mark.parametrize(("who", "status"), [("staff", 403), ("reader", 403), ("stranger", 200)])
def test_only_owners_change_accounts(app: Flask, cast: Cast, who: str, status: int):
    client = sign_in(app, getattr(cast, who))
    assert client.get(f"{SERVICES}edit/?service=deepseek").status_code == status


def test_accounts_ask_for_the_password_again(boss: FlaskClient, time):
    time.forward(days=1)
    assert boss.get(f"{SERVICES}edit/?service=deepseek").status_code in {302, 303}


def test_keys_are_tried_at_the_service(
    boss: FlaskClient, cast: Cast, telegram, monkeypatch: pytest.MonkeyPatch
):
    """`telegram` is the sandbox, which stands in for all services."""
    monkeypatch.setattr(get_settings(), "deepseek_api_url", f"{telegram.url}/deepseek")
    monkeypatch.setattr(get_settings(), "yuanfenju_api_url", f"{telegram.url}/yuanfenju/index.php")
    with transaction():
        service_accounts.save(cast.tenant.id, Service.DEEPSEEK, {}, secret="wrong")
        service_accounts.save(cast.tenant.id, Service.YUANFENJU, {}, secret="wrong")
    for service in ("deepseek", "yuanfenju"):
        page = boss.post(f"{SERVICES}test/", data={"service": service}, follow_redirects=True).text
        assert "It works" not in page
        assert "refuses this key" in page or "拒绝" in page


def test_without_a_key_there_is_nothing_to_try(boss: FlaskClient):
    assert boss.post(f"{SERVICES}test/", data={"service": "deepseek"}).status_code == 303
    assert boss.post(f"{SERVICES}test/", data={"service": "x"}).status_code == 404


# --- prompts
def test_a_prompt_is_rewritten_and_brought_back(boss: FlaskClient, cast: Cast):
    typed = {"key": "advice", "lang": "en", "body": "Say {{favourable}}."}
    assert boss.post(f"{PROMPTS}save/", data=typed).status_code == 303
    assert "Say {{favourable}}." in boss.get(f"{PROMPTS}?key=advice&lang=en").text
    boss.post(f"{PROMPTS}reset/", data={"key": "advice", "lang": "en"})
    db.session.rollback()
    assert db.session.scalar(select(ReportPrompt.key)) is None
    assert actions() == ["report_prompt.changed", "report_prompt.reset"]


@pytest.mark.parametrize("body", ["{{password}}", "{{ name", "x" * 1501])
def test_a_prompt_that_is_not_right_stays_in_the_form(boss: FlaskClient, body: str):
    page = boss.post(f"{PROMPTS}save/", data={"key": "advice", "lang": "en", "body": body})
    assert page.status_code == 200
    assert 'id="body-error"' in page.text
    assert db.session.scalar(select(ReportPrompt.key)) is None


def test_the_page_shows_ours_and_the_sample(boss: FlaskClient):
    page = boss.get(f"{PROMPTS}?key=advice&lang=en").text
    assert default("advice", "en")[:40] in page
    assert "Lin Xiaoyu" in page


def test_a_sample_report_costs_nothing(boss: FlaskClient):
    assert "tg-message" in boss.get(f"{PROMPTS}sample/?lang=en").text
    with boss.get(f"{PROMPTS}sample.pdf") as file:
        assert file.data.startswith(b"%PDF")


@pytest.mark.parametrize("query", ["key=x", "lang=fr"])
def test_unknown_prompts_are_not_found(boss: FlaskClient, query: str):
    assert boss.get(f"{PROMPTS}?{query}").status_code == 404


def test_support_rewrites_nothing(app: Flask, cast: Cast):
    client = sign_in(app, cast.staff)
    assert client.get(PROMPTS).status_code == 200
    data = {"key": "advice", "lang": "en", "body": "x"}
    assert client.post(f"{PROMPTS}save/", data=data).status_code == 403
