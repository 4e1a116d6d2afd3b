"""Who works on which order: one worker each, in the order of payment, tenants side by side, dead workers replaced."""

import threading

import pytest
from flask import Flask
from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.domain.orders import Actor, OrderState, Phase
from app.services.fulfilment import claims, outcome, telling
from app.services.fulfilment.claims import Claimed
from app.services.fulfilment.errors import Later, LeaseLost, Reason
from app.services.orders import lookup, moves
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.fulfilling import a_credit_product, claim, many_paid, paid, reread, story
from tests.lottery_tools import a_bot
from tests.statements import Statements


def finish(claimed: list[Claimed]) -> None:
    """As if everything were delivered at once."""
    with transaction():
        for one in claimed:
            moves.move(claims.hold(one), OrderState.COMPLETED, actor=Actor.WORKER, why="delivered")


def postpone(claimed: Claimed, seconds: float | None = None, *, free: bool = False) -> None:
    with transaction():
        outcome.postpone(claimed, Later(Reason.BROKEN, seconds, free=free))


def test_a_claim_takes_the_oldest_payments_and_writes_their_history(cast: Cast):
    product = a_credit_product(cast.tenant)
    late, early = paid(product, 1, ago=10), paid(product, 2, ago=20)
    first = claim()
    assert [one.id for one in first] == [early.id, late.id]
    assert (reread(late).state, late.phase, late.attempts) == (OrderState.GENERATING, Phase.PRODUCING, 1)
    assert story(late.id) == ["claimed"]
    assert claim() == []


def test_eight_workers_never_take_one_order_twice(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(get_settings(), "orders_per_tenant", 16)
    for tenant in (cast.tenant, cast.other_tenant):
        many_paid(a_credit_product(tenant), a_bot(tenant, tenant.id), 100)
    taken: list[int] = []

    def work() -> None:
        with app.app_context(), system_scope():
            nothing = 0
            while nothing < 20:
                found = claim(5)
                taken.extend(one.id for one in found)
                finish(found)
                nothing = 0 if found else nothing + 1
            db.session.remove()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(taken) == len(set(taken)) == 200
    assert db.session.execute(text("SELECT count(*) FROM orders WHERE state = 'completed'")).scalar() == 200


def test_one_tenant_has_four_under_way_at_most_however_many_claim(app: Flask, cast: Cast):
    many_paid(a_credit_product(cast.tenant), a_bot(cast.tenant), 50)
    got: list[Claimed] = []

    def work() -> None:
        with app.app_context(), system_scope():
            for _ in range(5):
                got.extend(claim(16))
            db.session.remove()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(got) == 4
    finish(got[:1])
    assert len(claim()) == 1


def test_two_thousand_orders_of_one_tenant_delay_nobody_elses(cast: Cast):
    many_paid(a_credit_product(cast.tenant), a_bot(cast.tenant), 2000)
    mine = paid(a_credit_product(cast.other_tenant))
    assert mine.id in {one.id for one in claim(2)}


def test_claims_go_round_the_tenants(cast: Cast):
    for tenant in (cast.tenant, cast.other_tenant):
        many_paid(a_credit_product(tenant), a_bot(tenant, tenant.id), 3)
    with transaction():
        first = claims.claim(1)
    with transaction():
        second = claims.claim(1, first.last)
    assert {first.orders[0].tenant_id, second.orders[0].tenant_id} == {cast.tenant.id, cast.other_tenant.id}


def test_two_thousand_that_wait_cost_no_more_statements_and_no_scan(cast: Cast):
    bot = a_bot(cast.tenant)
    product = a_credit_product(cast.tenant)
    many_paid(product, bot, 100)
    with Statements() as few:
        first = claim()
    finish(first)
    many_paid(a_credit_product(cast.tenant), bot, 1_900)
    db.session.execute(text("ANALYZE orders"))
    db.session.commit()
    with Statements() as many:
        assert len(claim()) == 4
    assert many.count == few.count
    db.session.execute(text("SET LOCAL enable_seqscan = on"))
    plan = "\n".join(
        db.session.execute(
            text(f"EXPLAIN {claims._TENANTS.text}"), {"after": 0, "each": 4, "now": clock.now(), "most": 16}
        ).scalars()
    )
    assert "Seq Scan on orders" not in plan


def test_an_order_that_waits_is_left_alone_until_its_time_and_costs_an_attempt(cast: Cast, time: Clockwork):
    order = paid(a_credit_product(cast.tenant))
    postpone(claim()[0], 60)
    assert claim() == []
    time.forward(seconds=61)
    (again,) = claim()
    assert (again.id, reread(order).attempts) == (order.id, 2)
    assert story(order.id) == ["claimed", "waits", "claimed"]


def test_a_free_wait_costs_none(cast: Cast):
    order = paid(a_credit_product(cast.tenant))
    postpone(claim()[0], 60, free=True)
    assert reread(order).attempts == 0


def test_fourteen_attempts_are_the_most_and_buyer_and_boss_hear_of_it_once(cast: Cast, time: Clockwork):
    order = paid(a_credit_product(cast.tenant))
    for _ in range(14):
        time.forward(hours=1)
        postpone(claim()[0], 60)
    assert (reread(order).state, order.error) == (OrderState.FAILED, "broken")
    assert told("order_failed") == 1
    assert said(order.id, "failed:1") == 1


def test_a_day_after_the_first_try_it_is_over_whatever_it_waited_for(cast: Cast, time: Clockwork):
    order = paid(a_credit_product(cast.tenant))
    postpone(claim()[0], 60, free=True)
    time.forward(hours=25)
    postpone(claim()[0], 60, free=True)
    assert reread(order).state is OrderState.FAILED


def test_a_lease_lives_while_it_is_renewed(cast: Cast, time: Clockwork):
    order = paid(a_credit_product(cast.tenant))
    (mine,) = claim()
    for _ in range(10):
        time.forward(seconds=30)
        with transaction():
            assert claims.renew([mine]) == {order.id}
            assert claims.sweep_lost() == 0


def test_a_dead_workers_order_is_taken_over_and_the_zombie_writes_nothing(cast: Cast, time: Clockwork):
    order = paid(a_credit_product(cast.tenant))
    (zombie,) = claim()
    time.forward(seconds=121)
    with transaction():
        assert claims.sweep_lost() == 1
    (heir,) = claim()
    assert heir.lease > zombie.lease
    with transaction():
        assert claims.renew([zombie]) == set()
        assert claims.give_back([zombie]) == 0
    for act in (lambda: claims.hold(zombie), lambda: outcome.postpone(zombie, Later(Reason.BROKEN))):
        with pytest.raises(LeaseLost), transaction():
            act()
    finish([heir])
    assert (reread(order).deaths, story(order.id)) == (1, ["claimed", "lease_lost", "claimed", "delivered"])


def test_an_order_that_killed_three_workers_is_set_aside(cast: Cast, time: Clockwork):
    order = paid(a_credit_product(cast.tenant))
    for _ in range(3):
        claim()
        time.forward(seconds=121)
        with transaction():
            claims.sweep_lost()
        with transaction():
            outcome.fail_killers()
    assert (reread(order).state, order.error, order.deaths) == (OrderState.FAILED, "killed_workers", 3)
    assert told("order_failed") == 1


def test_what_a_worker_gives_back_costs_nothing(cast: Cast):
    order = paid(a_credit_product(cast.tenant))
    mine = claim()
    with transaction():
        assert claims.give_back(mine) == 1
    assert (reread(order).state, order.attempts, order.deaths) == (OrderState.PAID, 0, 0)
    assert len(claim()) == 1


def test_a_refund_takes_the_order_from_its_worker(cast: Cast):
    order = paid(a_credit_product(cast.tenant))
    (mine,) = claim()
    with transaction():
        moves.move(lookup.get(order.id, lock=True), OrderState.REFUNDED, actor=Actor.STAFF, why="refund")
    with pytest.raises(LeaseLost), transaction():
        claims.hold(mine)


def test_who_waits_is_told_once_that_the_payment_is_there_and_once_that_it_takes_longer(
    cast: Cast, time: Clockwork
):
    order = paid(a_credit_product(cast.tenant))
    for _ in range(2):
        with transaction():
            telling.begun_some()
            telling.late_some()
    assert (said(order.id, "progress:1"), said(order.id, "late")) == (1, 0)
    time.forward(minutes=11)
    for _ in range(2):
        with transaction():
            telling.late_some()
    assert said(order.id, "late") == 1


def said(order_id: int, key: str) -> int:
    query = text("SELECT count(*) FROM outbox WHERE dedupe_key = :key")
    return int(db.session.execute(query, {"key": f"order:{order_id}:{key}"}).scalar_one())


def told(kind: str) -> int:
    query = text("SELECT count(*) FROM shop_alert WHERE kind = :kind")
    return int(db.session.execute(query, {"kind": kind}).scalar_one())
