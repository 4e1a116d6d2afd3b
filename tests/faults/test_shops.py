"""Orders of two tenants while servers, workers, PingPong and Telegram fail: real processes over the sandbox."""

import re
import statistics
import time
from collections.abc import Callable, Iterator

import pytest

from app.core.embedded import EmbeddedPostgres, EmbeddedRedis
from tests.e2e.stack import Stack
from tests.faults.ordering import NAME, Buyers, Shop, a_shop, broken
from tests.faults.spying import Spy
from tests.sandbox_client import PINGPONG_ACCOUNT
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
PROCESSES = ("web", "worker", "worker2", "beat")
KEY = "sk-canary"
DONE = {"completed": 1}


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    with Stack.start(PROCESSES, LEASE_SECONDS="2", SLICE_SECONDS="15", WEB_CONCURRENCY="1") as stack:
        yield stack


@pytest.fixture(scope="module")
def shops(running: Stack) -> Iterator[tuple[Shop, Shop]]:
    """Those of two tenants."""
    buyers = Buyers(running)
    yield a_shop(running, buyers, 6_000_000, 150, 300), a_shop(running, buyers, 6_500_000, 150, 300)
    buyers.end()


@pytest.fixture(scope="module", autouse=True)
def spy(running: Stack) -> Iterator[Spy]:
    """Hears what passes through Redis."""
    with Spy(running) as spy:
        yield spy


@pytest.fixture
def stack(running: Stack) -> Iterator[Stack]:
    """Everything alive, and nobody in trouble."""
    running.postgres.start()
    running.redis.start()
    running.up(*[name for name in PROCESSES if not running.lives(name)])
    running.sandbox.clear_orders()
    yield running
    running.postgres.start()
    running.redis.start()


@pytest.fixture
def shop(stack: Stack, shops: tuple[Shop, Shop]) -> Shop:
    return shops[0]


def restart(server: EmbeddedPostgres | EmbeddedRedis) -> None:
    server.stop()
    server.start()


def renew(stack: Stack, name: str) -> None:
    """A platform that brings up a new version: the old process is asked to end."""
    stack.terminate(name)
    stack.restart(name)


def test_whatever_restarts_no_order_is_lost_and_none_comes_twice(stack: Stack, shops: tuple[Shop, Shop]):
    stack.stop("beat")
    ours, theirs = shops
    friends = ours.people(30)
    ours.buyers.ask("recommend", ours.bot_id, ours.tenant_id, ours.people(1)[0], friends)
    mine = [*ours.order(ours.goods, friends[:20]), *ours.order(ours.report, friends[20:])]
    yours = [*theirs.order(theirs.goods, theirs.people(20)), *theirs.order(theirs.report, theirs.people(10))]
    wait_for(lambda: len(stack.sandbox.payments()) == len(mine + yours), seconds=30, what="the pages")
    faults: list[Callable[[], object]] = [
        lambda: restart(stack.postgres),
        lambda: renew(stack, "worker"),
        lambda: restart(stack.redis),
        lambda: flush(stack),
        lambda: restart(stack.postgres),
        lambda: renew(stack, "worker2"),
    ]
    payers = [*zip([ours] * 28, mine[2:], strict=True), *zip([theirs] * 30, yours, strict=True)]
    ours.pay(mine[:2])
    for reference in ours.references(mine[:2]):
        stack.sandbox.pay_again(reference)
    for place, fault in enumerate(faults):
        for shop, one in payers[place :: len(faults)]:
            shop.pay([one])
        fault()
    ours.wait(mine, seconds=60)
    theirs.wait(yours, seconds=60)
    twice = "SELECT count(*) FROM refund"
    wait_for(lambda: stack.sql(twice) == [(2,)], seconds=40, what="what was paid twice to go back")
    assert ours.brought(mine) == theirs.brought(yours) == {1}
    assert broken(stack) == {}
    assert ours.buyers.ask("check", ours.tenant_id) == [1, 30, 0]


def flush(stack: Stack) -> None:
    with stack.redis_client() as client:
        client.flushall()


def test_callbacks_come_again_until_the_database_is_back(stack: Stack, shop: Shop):
    orders = shop.ordered(shop.goods, 4)
    references = shop.references(orders)
    stack.postgres.stop()
    for reference in references:
        stack.sandbox.pay(reference)
    wait_for(lambda: 503 in answers(stack, references), what="callbacks that are not taken")
    stack.postgres.start()
    shop.wait(orders)
    assert shop.brought(orders) == {1}
    for reference in references:
        taken = [one["taken"] for one in stack.sandbox.notifications(reference)]
        assert taken == [False] * (len(taken) - 1) + [True]


def answers(stack: Stack, references: list[str]) -> list[int]:
    """What PingPong was answered."""
    told = [stack.sandbox.notifications(one) for one in references]
    return [one["answer"] for attempts in told for one in attempts]


def test_a_callback_that_comes_before_the_payment_was_made_counts(stack: Stack, shop: Shop):
    stack.sandbox.pingpong_knobs(create_seconds=10)
    orders = shop.order(shop.goods, shop.people(1))
    reference = shop.references(orders)[0]
    wait_for(
        lambda: reference in [one["reference"] for one in stack.sandbox.payments()], what="PingPong to know"
    )
    stack.sandbox.pay(reference)
    shop.wait(orders)
    assert shop.brought(orders) == {1}
    assert stack.sql("SELECT state, url FROM payment WHERE order_id = ANY(%s)", orders) == [("paid", None)]


def test_fifty_shuffled_callbacks_of_each_count_once(stack: Stack, shop: Shop):
    orders = shop.ordered(shop.goods, 4)
    stack.sandbox.pingpong_knobs(copies=50, jitter=2.0)
    shop.pay(orders)
    references = shop.references(orders)
    wait_for(lambda: answers(stack, references).count(204) == 200, seconds=30, what="200 callbacks")
    shop.wait(orders)
    assert shop.brought(orders) == {1}
    paid = "SELECT count(*) FROM order_event WHERE order_id = ANY(%s) AND from_state = 'pending'"
    assert stack.sql(paid, orders) == [(4,)]


def test_what_nobody_tells_is_found_by_asking_and_unpaid_nothing_comes(stack: Stack, shop: Shop):
    orders = shop.ordered(shop.goods, 4)
    stack.sandbox.pingpong_knobs(notify="off", query="down")
    shop.pay(orders[1:])
    shop.let_pass(minutes=3)
    wait_for(lambda: failures(shop) >= 4, what="four questions that nobody answers")
    assert shop.states(orders) == {"pending": 4}
    stack.sandbox.pingpong_knobs(query="ok")
    shop.let_pass(minutes=13)
    shop.wait(orders[1:])
    assert shop.brought(orders[1:]) == {1}
    assert shop.states(orders[:1]) == {"pending": 1}


def failures(shop: Shop) -> int:
    """How often in a row the tenant's calls to PingPong failed."""
    found = "SELECT sum(failures) FROM provider_breaker WHERE tenant_id = %s AND service = 'pingpong'"
    return int(shop.stack.sql(found, shop.tenant_id)[0][0] or 0)


def test_an_hour_without_telegram_loses_nothing_and_keeps_the_order(stack: Stack, shop: Shop):
    orders = [*shop.ordered(shop.goods, 3), *shop.ordered(shop.report, 1)]
    stack.sandbox.order_error(502, "Bad Gateway", bot=shop.telegram, method="sendMessage")
    stack.sandbox.order_error(0, bot=shop.telegram, method="editMessageText")
    stack.sandbox.order_error(0, bot=shop.telegram, method="editMessageMedia")
    shop.pay(orders)
    delivering = "SELECT count(*) FROM orders WHERE id = ANY(%s) AND phase = 'delivering'"
    wait_for(lambda: stack.sql(delivering, orders) == [(4,)], seconds=30, what="everything to be produced")
    for _ in range(6):
        shop.let_pass(minutes=10)
    stack.sandbox.clear_orders()
    shop.let_pass(minutes=10)
    shop.wait(orders)
    assert shop.brought(orders) == {1}
    for one in orders:
        said = shop.texts(one)
        assert sum("longer than usual" in words for words in said) <= 1
        assert "complete" in said[-1]


def test_a_revoked_token_holds_deliveries_until_there_is_another(stack: Stack, shop: Shop):
    orders = shop.ordered(shop.goods, 4)
    stack.sandbox.order_latency(400, bot=shop.telegram)
    shop.pay(orders)
    wait_for(lambda: any(len(shop.texts(one)) > 1 for one in orders), what="the first words")
    renewed = stack.sandbox.revoke(shop.telegram)
    held = "SELECT count(*) FROM outbox WHERE bot_id = %s AND state = 'held'"
    wait_for(lambda: stack.sql(held, shop.bot_id)[0][0] >= 3, what="messages to be held")
    assert shop.states(orders).get("failed") is None
    stack.sandbox.clear_orders()
    shop.buyers.ask("set_token", shop.bot_id, renewed["token"])
    shop.telegram = renewed
    shop.wait(orders)
    assert shop.brought(orders) == {1}


def test_who_blocks_the_bot_gets_his_goods_when_he_is_back(stack: Stack, shop: Shop):
    orders = shop.ordered(shop.goods, 1)
    stack.sandbox.block(shop.telegram, shop.buyer(orders[0]))
    shop.pay(orders)
    shop.wait(orders, "failed")
    assert stack.sql("SELECT error FROM orders WHERE id = %s", orders[0]) == [("blocked_by_buyer",)]
    alert = "SELECT kind, details ->> 'reason' FROM shop_alert WHERE order_id = %s"
    assert stack.sql(alert, orders[0]) == [("order_failed", "blocked_by_buyer")]
    stack.sandbox.unblock(shop.telegram, shop.buyer(orders[0]))
    shop.buyers.ask("try_again", orders[0])
    shop.wait(orders)
    assert shop.brought(orders) == {1}


def test_a_payment_is_told_within_two_seconds(stack: Stack, shop: Shop):
    orders = shop.ordered(shop.goods, 6)
    waits = sorted(told_after(shop, one) for one in orders)
    print(f"told after {waits}")  # noqa: T201 - the figure is what one wants to know
    # A machine that does something else meanwhile proves nothing.
    assert statistics.median(waits) < 2


def told_after(shop: Shop, order_id: int) -> float:
    """Seconds from the payer's tap until Telegram has the message about it."""
    paid_at, buyer = time.time(), str(shop.buyer(order_id))
    shop.pay([order_id])

    def told() -> list[float]:
        calls = shop.stack.sandbox.calls(shop.telegram, "sendMessage")
        return [one["at"] for one in calls if str(one["params"]["chat_id"]) == buyer and one["at"] > paid_at]

    return wait_for(told, what="the message")[0] - paid_at


def test_a_slow_service_of_one_tenant_delays_nobody_elses_orders(stack: Stack, shops: tuple[Shop, Shop]):
    ours, theirs = shops
    ours.buyers.ask("set_key", ours.tenant_id, KEY)
    stack.sandbox.deepseek_key(KEY)
    stack.sandbox.deepseek_knobs(who=KEY, drip=1.0)
    slow, quick = ours.ordered(ours.report, 50), theirs.ordered(theirs.goods, 4)
    ours.pay(slow)
    wait_for(lambda: under_way(ours) == 4, seconds=20, what="some to be written")
    waits: list[float] = []
    seen: list[int] = []
    for one in quick:
        paid_at = time.monotonic()
        theirs.pay([one])
        wait_for(
            lambda one=one: seen.append(under_way(ours)) or theirs.states([one]) == DONE, what="the goods"
        )
        waits.append(time.monotonic() - paid_at)
    print(f"delivered after {waits}")  # noqa: T201 - same
    assert statistics.median(waits) < 5
    assert set(seen) == {4}


def under_way(shop: Shop) -> int:
    count = "SELECT count(*) FROM orders WHERE tenant_id = %s AND phase = 'producing'"
    return int(shop.stack.sql(count, shop.tenant_id)[0][0])


def test_after_all_that_no_secret_stands_in_a_log_or_passed_through_redis(
    running: Stack, shops: tuple[Shop, Shop], spy: Spy
):
    heard, written = spy.heard(), "".join(running.log(name) for name in PROCESSES)
    assert "callback kept" in written
    assert "orders.sweep" in heard
    secrets = [PINGPONG_ACCOUNT["salt"], KEY, NAME, "CODE-1"]
    assert [one for one in secrets if one in written or one in heard] == []
    tokens = "|".join(rf"{shop.telegram['id']}:[\w-]{{30}}" for shop in shops)
    assert re.search(tokens, shops[0].telegram["token"])
    assert not re.search(tokens, written + heard)
    assert broken(running) == {}
