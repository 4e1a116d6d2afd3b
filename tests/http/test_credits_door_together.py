"""The fast door for signed postings under load and in trouble: calls of one moment go together, and none is lost."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.core.db import db
from app.core.settings import get_settings
from app.http import credits_door
from app.models import CreditNonce, CreditPosting
from app.services import credit_calls
from tests.asgi_calls import Doorway, Heard, known, one_by_one, order, signed, through, together
from tests.cast import Cast
from tests.crediting import Project
from tests.credits_calling import NOBODY, SHE, balances, busy_project, give, posting, welcome_everybody


@pytest.fixture
def shop(cast: Cast) -> Project:
    return known(cast.tenant.id)


# --- together
def test_calls_of_one_moment_share_a_transaction(app: Flask, shop: Project):
    heard, passed_on = together(app, [signed(shop, order(number)) for number in range(40)])
    assert ([each.status for each in heard], passed_on) == ([200] * 40, 0)
    assert balances() == {SHE: 140}
    commits = db.session.execute(text("SELECT count(DISTINCT xmin::text) FROM credit_posting")).scalar_one()
    assert commits < 10


def test_equal_references_of_one_moment_count_once(app: Flask, shop: Project):
    heard, _ = together(app, [signed(shop, posting()) for _ in range(20)])
    assert Counter(each.json["duplicate"] for each in heard) == {False: 1, True: 19}
    assert len({each.json["transaction_id"] for each in heard}) == 1
    assert balances() == {SHE: 110}


def test_a_nonce_counts_once_in_one_moment(app: Flask, shop: Project):
    call = signed(shop, posting())
    heard, _ = together(app, [call] * 10)
    assert Counter(each.status for each in heard) == {200: 1, 409: 9}
    assert balances() == {SHE: 110}


def test_good_and_bad_calls_of_one_moment_do_not_touch_each_other(app: Flask, cast: Cast, shop: Project):
    other = known(cast.other_tenant.id)
    calls = [
        signed(shop, order(1)),
        signed(shop, order(2, amount=-1000)),
        signed(shop, order(3, telegram_id=NOBODY)),
        signed(shop, order(4), signature="v2=" + "0" * 64),
        signed(shop, b"{"),
        signed(other, order(1)),
        signed(shop, order(5)),
    ]
    heard, _ = together(app, calls)
    assert [each.status for each in heard] == [200, 409, 404, 401, 400, 200, 200]
    assert sorted(db.session.scalars(text("SELECT balance FROM credit_account"))) == [101, 102]


def test_takings_of_one_moment_never_overdraw(app: Flask, shop: Project):
    heard, _ = together(app, [signed(shop, order(number, amount=-10)) for number in range(30)])
    assert Counter(each.status for each in heard) == {200: 10, 409: 20}
    assert balances() == {SHE: 0}


def test_a_reference_of_one_moment_is_for_one_posting(app: Flask, shop: Project):
    heard, _ = together(app, [signed(shop, posting(amount=1 + number)) for number in range(5)])
    assert Counter(each.json.get("code") for each in heard) == {None: 1, "reference_conflict": 4}


def test_new_users_of_one_moment_are_welcome_where_everybody_is(app: Flask, cast: Cast, shop: Project):
    welcome_everybody(cast.tenant.id)
    heard, _ = together(app, [signed(shop, order(who, telegram_id=NOBODY + who)) for who in range(3)])
    assert [each.status for each in heard] == [200] * 3
    assert balances() == {SHE: 100, **{NOBODY + who: 1 for who in range(3)}}


# --- trouble
@contextmanager
def locked(tenant_id: int, telegram_id: int) -> Iterator[psycopg.Connection[Any]]:
    """Somebody else holds an account."""
    with psycopg.connect(get_settings().libpq_url) as connection:
        connection.execute("SELECT set_config('laoban.tenant', '*', true)")
        connection.execute(
            "SELECT FROM credit_account WHERE tenant_id = %s AND telegram_id = %s FOR UPDATE",
            (tenant_id, telegram_id),
        )
        yield connection
        connection.rollback()


def test_a_locked_account_does_not_hold_up_other_tenants(app: Flask, cast: Cast, shop: Project):
    other = known(cast.other_tenant.id)

    async def act(doorway: Doorway) -> tuple[Heard, bool, Heard]:
        with locked(cast.tenant.id, SHE) as holder:
            waiting = asyncio.create_task(doorway.ask(signed(shop, posting())))
            quick = await doorway.ask(signed(other, posting()))
            still = not waiting.done()
            holder.rollback()
            return quick, still, await waiting

    (quick, still, late), _ = through(app, act)
    assert (quick.status, still, late.status) == (200, True, 200)


def test_an_account_that_stays_locked_costs_only_its_own_postings(
    app: Flask, cast: Cast, shop: Project, monkeypatch: pytest.MonkeyPatch
):
    give(cast.tenant.id, SHE + 1, 1)
    post_many, tried = credit_calls.post_many, []

    def impatient(*given: Any, **named: Any) -> Any:
        tried.append(1)
        db.session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        return post_many(*given, **named)

    def impatiently(*given: Any, _post: Any = credit_calls.post) -> Any:
        db.session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        return _post(*given)

    monkeypatch.setattr(credit_calls, "post_many", impatient)
    monkeypatch.setattr(credit_calls, "post", impatiently)
    with locked(cast.tenant.id, SHE):
        calls = [signed(shop, order(number, telegram_id=SHE + number % 2)) for number in range(20)]
        heard, _ = together(app, calls)
    assert Counter(each.status for each in heard) == {200: 10, 503: 10}
    assert {each.headers["retry-after"] for each in heard if each.status == 503} == {"5"}
    assert tried
    assert sorted(balances().items()) == [(SHE, 100), (SHE + 1, 11)]


def test_a_crash_is_told_as_flask_tells_it(app: Flask, shop: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setattr("app.core.call_limits.take_many", lambda _: 1 / 0)
    [heard], _ = together(app, [signed(shop, order(1))])
    assert (heard.status, heard.headers["content-type"]) == (500, "application/problem+json")


def test_a_slow_sender_is_left_to_who_waits_no_longer(monkeypatch: pytest.MonkeyPatch):
    parts = [{"type": "http.request", "body": b"x", "more_body": True}]

    async def stuck() -> dict[str, Any]:
        if not parts:
            await asyncio.Event().wait()
        return parts.pop()

    monkeypatch.setattr(credits_door, "PATIENCE", 0.05)
    heard, body = asyncio.run(credits_door._body(stuck))
    assert (len(heard), body) == (1, None)


@pytest.mark.parametrize("where", ["at_once", "transaction"])
def test_while_the_database_is_away_it_is_said_and_a_retry_succeeds(
    app: Flask, shop: Project, monkeypatch: pytest.MonkeyPatch, where: str
):
    def away() -> None:
        raise OperationalError("gone", None, psycopg.OperationalError("gone"))

    calls = [order(number) for number in range(6)]
    with monkeypatch.context() as patched:
        patched.setattr(f"app.http.credits_group.{where}", away)
        heard, _ = together(app, [signed(shop, each) for each in calls])
        assert {(each.status, each.json["code"]) for each in heard} == {(503, "unavailable")}
        assert {each.headers["retry-after"] for each in heard} == {"5"}
    heard, _ = together(app, [signed(shop, each) for each in calls])
    assert [each.status for each in heard] == [200] * 6
    assert balances() == {SHE: 106}


def test_who_leaves_does_not_disturb_the_others(app: Flask, cast: Cast, shop: Project):
    async def act(doorway: Doorway) -> list[Heard]:
        with locked(cast.tenant.id, SHE):
            tasks = [asyncio.create_task(doorway.ask(signed(shop, order(number)))) for number in range(6)]
            await asyncio.sleep(0)
            for gone in tasks[::2]:
                gone.cancel()
            await asyncio.sleep(0)
        return [await task for task in tasks[1::2]]

    heard, _ = through(app, act)
    assert [each.status for each in heard] == [200] * 3


def test_the_end_of_a_server_finishes_what_was_accepted(app: Flask, shop: Project):
    async def act(doorway: Doorway) -> list["asyncio.Task[Heard]"]:
        tasks = [asyncio.create_task(doorway.ask(signed(shop, order(number)))) for number in range(150)]
        await asyncio.sleep(0.01)
        return tasks

    tasks, _ = through(app, act)
    assert [task.result().status for task in tasks] == [200] * 150
    assert balances() == {SHE: 250}
    assert db.session.query(CreditPosting).count() == 151
    assert db.session.query(CreditNonce).count() == 150


def test_an_unknown_key_is_learnt_from_the_view(app: Flask, cast: Cast):
    give(cast.tenant.id, SHE, 100)
    new = busy_project(cast.tenant.id)
    heard, passed_on = one_by_one(app, [signed(new, order(number)) for number in range(3)])
    assert ([each.status for each in heard], passed_on) == ([200] * 3, 1)


def test_another_tenants_address_is_left_to_the_view(app: Flask, cast: Cast, shop: Project):
    heard, passed_on = one_by_one(app, [signed(shop, posting(), more={"Host": "shop.example"})])
    assert ([each.status for each in heard], passed_on) == ([200], 1)
