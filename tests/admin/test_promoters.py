"""The boss's pages about promoters: the list, one of them, the terms, and paying out."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.db import db
from app.core.queue import transaction
from app.domain.affiliates import PromoterState, WithdrawalState
from app.domain.money import Money
from app.models import AuditEvent, Bot, Member, Promoter, Withdrawal
from app.services.affiliates import promoters, terms, withdrawals
from tests.cast import Cast, sign_in
from tests.lottery_tools import a_bot
from tests.promoting import (
    CHEN,
    DING,
    EVA,
    a_paying_product,
    a_promoter,
    an_order,
    balance,
    complete,
    meet,
    opens,
    refund,
    said_to,
)

LIST, WITHDRAWALS, TERMS = "/admin/promoters/", "/admin/withdrawals/", "/admin/promoting/"
EN = {"Accept-Language": "en"}


@pytest.fixture
def owner(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return a_bot(cast.tenant)


@pytest.fixture
def chen(bot: Bot) -> Promoter:
    return a_promoter(bot, CHEN)


@pytest.fixture
def wish(chen: Promoter) -> Withdrawal:
    """Chen has 50 dollars and wants 20 of them."""
    with transaction():
        promoters.adjust(chen.id, "USD", 5000, "a start", "start")
        return withdrawals.request(chen, Money(2000, "USD"), "Alipay chen@pay.example", "press 1")


def look(client: FlaskClient, path: str, status: int = 200) -> str:
    page = client.get(path, headers=EN)
    assert page.status_code == status
    return page.text


def does(client: FlaskClient, path: str, **data: object) -> int:
    return client.post(path, data=data, headers=EN).status_code


def actions() -> list[str]:
    return list(db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


# --- the list


def test_the_list_shows_what_each_brought(owner: FlaskClient, cast: Cast, bot: Bot, chen: Promoter):
    opens(bot, chen, EVA)
    complete(an_order(bot, a_paying_product(cast.tenant), EVA))
    page = look(owner, LIST)
    assert "<bdi>Chen</bdi>" in page
    assert "$10.00" in page


@pytest.mark.parametrize(
    ("words", "found"), [("chen", True), (str(CHEN), True), ("nobody", False), ("%", False)]
)
def test_search(owner: FlaskClient, chen: Promoter, words: str, found: bool):
    assert ("<bdi>Chen</bdi>" in look(owner, f"{LIST}?search={words}")) is found


def test_search_by_the_code_of_a_link(owner: FlaskClient, chen: Promoter):
    assert "<bdi>Chen</bdi>" in look(owner, f"{LIST}?search={chen.code.lower()}")


def test_without_promoters_the_page_leads_on(owner: FlaskClient):
    page = look(owner, LIST)
    assert "Nobody promotes yet" in page
    assert f"{LIST}add/" in page


def test_a_stranger_sees_and_reaches_nothing(
    app: Flask, cast: Cast, bot: Bot, chen: Promoter, wish: Withdrawal
):
    stranger = sign_in(app, cast.stranger)
    assert "Chen" not in look(stranger, LIST)
    look(stranger, f"{LIST}details/?id={chen.id}", 404)
    look(stranger, f"{WITHDRAWALS}details/?id={wish.id}", 404)
    for path in (f"{LIST}pause/", f"{WITHDRAWALS}approve/", f"{WITHDRAWALS}pay/"):
        assert does(stranger, path, id=wish.id) == 404
    assert chen.state is PromoterState.ACTIVE


def test_the_file_takes_no_name_for_a_formula(owner: FlaskClient, bot: Bot):
    a_promoter(bot, DING, "=HYPERLINK(1)")
    file = owner.get(f"{LIST}export/csv/", headers=EN)
    assert file.status_code == 200
    assert '"\'=HYPERLINK(1)"' in file.text
    assert "promoter.exported" in actions()


# --- one promoter


def test_his_page_shows_people_entries_and_chart(owner: FlaskClient, cast: Cast, bot: Bot, chen: Promoter):
    with transaction():
        meet(bot, DING)
    opens(bot, chen, DING)
    opens(bot, chen, EVA)
    order = an_order(bot, a_paying_product(cast.tenant), EVA)
    complete(order)
    refund(order)
    complete(an_order(bot, a_paying_product(cast.tenant), EVA))
    page = look(owner, f"{LIST}details/?id={chen.id}")
    for words in (
        "Was a member before",
        "Bound to him",
        "+$10.00",
        "-$10.00",
        order.code,
        "data-chart",
        f"r_{chen.code}",
    ):
        assert words in page


def test_pausing_and_resuming(owner: FlaskClient, chen: Promoter):
    assert does(owner, f"{LIST}pause/", id=chen.id) == 303
    db.session.refresh(chen)
    assert chen.state is PromoterState.PAUSED
    does(owner, f"{LIST}resume/", id=chen.id)
    db.session.refresh(chen)
    assert chen.state is PromoterState.ACTIVE
    assert actions()[-2:] == ["promoter.paused", "promoter.resumed"]


def adjustment(**changed: object) -> dict[str, object]:
    return {
        "direction": "give",
        "currency": "USD",
        "amount": "12.50",
        "reason": "Bonus",
        "reference": "form 1",
    } | changed


def test_adjusting_counts_once_per_form(owner: FlaskClient, chen: Promoter):
    for _ in range(2):
        assert does(owner, f"{LIST}adjust/?id={chen.id}", **adjustment()) == 303
    assert balance(chen) == 1250
    assert actions().count("promoter.adjusted") == 1


@pytest.mark.parametrize(
    "changed",
    [{"amount": "x"}, {"amount": "0"}, {"reason": " "}, {"direction": "take"}, {"currency": "XTR"}],
)
def test_a_refused_adjustment_stays_in_the_form(
    owner: FlaskClient, chen: Promoter, changed: dict[str, object]
):
    assert does(owner, f"{LIST}adjust/?id={chen.id}", **adjustment(**changed)) == 200
    assert balance(chen) == 0


def test_a_member_becomes_a_promoter_by_the_boss(owner: FlaskClient, bot: Bot):
    with transaction():
        meet(bot, EVA)
    member = db.session.scalars(select(Member).where(Member.telegram_id == EVA)).one()
    assert does(owner, f"{LIST}add/", member_id=member.id) == 303
    assert promoters.find(bot.tenant_id, EVA) is not None


def test_no_member_of_others_can_be_chosen(owner: FlaskClient, cast: Cast):
    theirs = a_bot(cast.other_tenant, 2)
    with transaction():
        meet(theirs, EVA)
    member = db.session.scalars(select(Member).where(Member.telegram_id == EVA)).one()
    assert does(owner, f"{LIST}add/", member_id=member.id) == 200
    assert db.session.scalars(select(Promoter)).all() == []


# --- withdrawals


def test_what_waits_is_announced_and_listed(owner: FlaskClient, wish: Withdrawal):
    assert "1 withdrawals wait for you." in look(owner, LIST)
    page = look(owner, WITHDRAWALS)
    assert "$20.00" in page
    assert "To be decided" in page


def test_approve_then_pay(owner: FlaskClient, wish: Withdrawal):
    assert "Alipay chen@pay.example" in look(owner, f"{WITHDRAWALS}details/?id={wish.id}")
    does(owner, f"{WITHDRAWALS}approve/", id=wish.id)
    does(owner, f"{WITHDRAWALS}pay/", id=wish.id)
    db.session.refresh(wish)
    assert (wish.state, wish.decided_by) == (WithdrawalState.PAID, "owner@a.example")
    assert actions()[-2:] == ["withdrawal.approved", "withdrawal.paid"]


def test_refuse_with_a_reason(owner: FlaskClient, chen: Promoter, wish: Withdrawal):
    does(owner, f"{WITHDRAWALS}refuse/", id=wish.id, reason="Wrong account")
    assert balance(chen) == 5000
    assert "Wrong account" in said_to(CHEN)[-1]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
def test_no_refusal_without_a_reason(owner: FlaskClient, chen: Promoter, wish: Withdrawal, reason: str):
    does(owner, f"{WITHDRAWALS}refuse/", id=wish.id, reason=reason)
    db.session.refresh(wish)
    assert wish.state is WithdrawalState.REQUESTED


def test_too_late_is_said(owner: FlaskClient, wish: Withdrawal):
    does(owner, f"{WITHDRAWALS}pay/", id=wish.id)
    page = owner.post(
        f"{WITHDRAWALS}refuse/", data={"id": wish.id, "reason": "no"}, headers=EN, follow_redirects=True
    )
    assert "dealt with already" in page.text


def test_staff_sees_no_account_and_decides_nothing(app: Flask, cast: Cast, wish: Withdrawal):
    staff = sign_in(app, cast.staff)
    page = look(staff, f"{WITHDRAWALS}details/?id={wish.id}")
    assert "Alipay" not in page
    assert "Only owners and managers see this." in page
    assert does(staff, f"{WITHDRAWALS}pay/", id=wish.id) == 403
    look(staff, f"{WITHDRAWALS}export/csv/", 403)


def test_the_file_names_the_accounts_and_the_log_who_took_it(owner: FlaskClient, wish: Withdrawal):
    file = owner.get(f"{WITHDRAWALS}export/csv/", headers=EN).text
    assert '"20.00","USD"' in file
    assert "Alipay chen@pay.example" in file
    assert actions()[-1] == "withdrawal.exported"


# --- terms


def test_the_terms_are_kept(owner: FlaskClient, cast: Cast):
    a_paying_product(cast.tenant)
    sent = {"enabled": "y", "window_days": 7, "words": "No spam.", "least_USD": "12.5"}
    assert does(owner, TERMS, **sent) == 303
    kept = terms.load(cast.tenant.id)
    assert (kept.enabled, kept.window_days, kept.words, dict(kept.least)) == (
        True,
        7,
        "No spam.",
        {"USD": 1250},
    )
    assert re.search(r'name="least_USD"[^>]*value="12.50"', look(owner, TERMS))
    assert actions() == ["promoting.changed"]


@pytest.mark.parametrize(
    "bad", [{"window_days": 0}, {"window_days": 4000}, {"least_USD": "-1"}, {"words": "x" * 2001}]
)
def test_refused_terms_stay_in_the_form(owner: FlaskClient, cast: Cast, bad: dict[str, object]):
    a_paying_product(cast.tenant)
    sent = {"enabled": "y", "window_days": 7, "words": "", "least_USD": ""} | bad
    assert does(owner, TERMS, **sent) == 200
    assert terms.load(cast.tenant.id).window_days == 30


def test_lower_roles_read_the_terms_only(app: Flask, cast: Cast):
    staff = sign_in(app, cast.staff)
    assert "<fieldset disabled>" in look(staff, TERMS)
    assert does(staff, TERMS, window_days=7) == 403


def test_withdrawals_are_found_by_the_promoter(owner: FlaskClient, wish: Withdrawal):
    assert "$20.00" in look(owner, f"{WITHDRAWALS}?search=chen")
    assert "$20.00" not in look(owner, f"{WITHDRAWALS}?search=ding")
