"""Changes of balances reach a partner in order, once each, whatever happens: real web, worker, poller, beat, and the sandbox's partner."""

import re
from time import time

import pytest

from tests.e2e.crediting import Project, Receiver, one_credit
from tests.e2e.shopping import PATIENCE, Buyer, Shop
from tests.e2e.stack import Stack
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
SECONDS = 10


def test_a_partner_hears_of_everything_within_seconds_and_has_the_same_balances(
    project: Project, mall: Receiver, she: Buyer
):
    project.gives(she.id, 8, "to-the-mall")
    began = time()
    mall.hears("to-the-mall")
    assert time() - began < SECONDS
    agrees(project, mall)


def agrees(project: Project, mall: Receiver) -> None:
    """Nothing came twice, late or otherwise than before, and both sides have the same balances."""
    heard = mall.heard()
    assert not heard["late"]
    assert not heard["conflicts"]
    found = project.calls.compare(
        [(int(who), sum_) for who, sum_ in heard["balances"].items()], name="商城对账"
    )
    assert (found.compared, found.differing) == (len(heard["balances"]), 0)


def test_changes_wait_for_a_partner_that_is_down_and_come_in_order_once(
    project: Project, mall: Receiver, she: Buyer, he: Buyer
):
    mall.knobs("503")
    wanted = several(project, "down", 8, she, he)
    wait_for(
        lambda: mall.heard()["visits"][-1]["status"] == 503, seconds=PATIENCE, what="a try that is refused"
    )
    assert not set(wanted) & set(mall.references())
    mall.knobs()
    mall.tried_now()
    mall.hears(*wanted)
    assert [one for one in mall.references() if one in wanted] == wanted
    agrees(project, mall)


def several(project: Project, name: str, many: int, *people: Buyer) -> list[str]:
    """The references of some postings, made for these people in turn."""
    wanted = [f"{name}-{n}" for n in range(many)]
    for n, reference in enumerate(wanted):
        project.gives(people[n % len(people)].id, n + 1, reference)
    return wanted


def test_a_refused_change_waits_with_those_behind_it_until_the_boss_replays(
    project: Project, mall: Receiver, she: Buyer, he: Buyer
):
    mall.knobs(refuse="spoilt")
    project.gives(she.id, 5, "spoilt")
    wait_for(lambda: mall.letters() == [("dead", "spoilt")], seconds=PATIENCE, what="the dead letter")
    project.gives(she.id, 6, "behind-it")
    project.gives(he.id, 7, "beside-it")
    mall.hears("beside-it")
    assert mall.letters() == [("dead", "spoilt"), ("behind", "behind-it")]
    mall.knobs()
    mall.replayed()
    mall.hears("spoilt", "behind-it")
    wait_for(lambda: not mall.letters(), seconds=PATIENCE, what="the letters to be closed")
    assert mall.references(she.id) == ["spoilt", "behind-it"]
    agrees(project, mall)


def test_a_worker_killed_while_it_sends_loses_nothing_and_doubles_nothing(
    stack: Stack, project: Project, mall: Receiver, she: Buyer
):
    mall.knobs(seconds=30, times=1)
    wanted = several(project, "kill", 4, she)
    mall.hears(wanted[0])
    stack.kill9("worker")
    stack.up("worker")
    # Nobody waits half a minute here for the dead one's lease to end.
    stack.sql("UPDATE credit_partner SET lease_until = now() WHERE name = %s", mall.name)
    mall.hears(*wanted)
    wait_for(lambda: mall.heard()["copies"], seconds=PATIENCE, what="the batch to come once more")
    assert mall.references(she.id) == wanted
    agrees(project, mall)


def test_an_emptied_redis_lets_no_call_in_twice_and_stops_nothing(
    stack: Stack, project: Project, mall: Receiver, she: Buyer
):
    nonce, content = "kept-in-postgresql-001", one_credit(she, "before-the-flush")
    assert project.asks(content, nonce=nonce).ok
    redis = stack.redis_client()
    redis.flushall()
    redis.close()
    again = project.asks(content, nonce=nonce)
    assert (again.status_code, again.json()["code"]) == (409, "replayed")
    project.gives(she.id, 1, "after-the-flush")
    mall.hears("before-the-flush", "after-the-flush")
    agrees(project, mall)


def test_a_transfer_in_the_bot_is_told_to_both(
    project: Project, mall: Receiver, shop: Shop, she: Buyer, he: Buyer
):
    shop.desk.send("/admin/credit-settings/", "/admin/credit-settings/save/", transfers="y")
    project.gives(she.id, 1234, "to-give-away")
    she.answered("/points", "1,234")
    she.presses("ptgive")
    she.answered(str(he.id), "1,234")
    she.answered("234", "1,000")
    she.presses("ptok")
    assert "1,000" in she.sees("✅.*234")["text"]
    assert "234" in he.sees("🎁")["text"]
    assert [project.balance(who.id) for who in (she, he)] == [1000, 234]
    wait_for(lambda: len(mall.references(he.id)) == 1, seconds=PATIENCE, what="the partner to hear of it")
    assert re.fullmatch(r"bot:\S+:in", mall.references(he.id)[0])
    agrees(project, mall)
