"""One balance for several projects, over real web processes, worker, poller and beat: posted, read, sent on, given away."""

import json
from itertools import count
from pathlib import Path
from threading import Event, Thread
from time import time
from typing import Any

import pytest
import requests

from sdk import credit_sync_client
from sdk.credit_sync_client import CreditSyncError, Hold, Result
from tests.e2e.crediting import Project, by_hand, dated_anew, one_credit, shown, with_key
from tests.e2e.shopping import PATIENCE, Buyer, Shop
from tests.e2e.stack import Stack
from tests.e2e.visitor import Visitor
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
RECORD = json.loads((Path(__file__).parents[1] / "sdk" / "v1_traffic.json").read_text())
STRANGER = 7_999_999
SECONDS = 10
"""How long a key that was ended may go on."""


@pytest.fixture(scope="module")
def theirs(stack: Stack) -> Project:
    """Another tenant's project, by the same name."""
    boss = stack.boss()
    with Visitor(stack.url) as desk:
        desk.send("/login", email=boss.email, password=boss.password)
        return by_hand(stack, desk, "shop")


def test_a_posting_shows_in_the_chat_and_a_repeated_call_changes_nothing(project: Project, she: Buyer):
    first = project.gives(she.id, 4321, "order-42")
    assert (first.balance, first.duplicate) == (4321, False)
    assert "4,321" in she.answered("/points", "签到奖励")["text"]
    again = project.gives(she.id, 4321, "order-42")
    assert (again.balance, again.duplicate, again.transaction_id) == (4321, True, first.transaction_id)
    assert again.message != first.message
    taken = take(project, she, 21)
    assert (taken.success, taken.balance) == (True, 4300)
    assert "4,300" in she.answered("/points", "签到奖励")["text"]


def test_what_the_ledger_refuses_is_an_answer_that_says_why(project: Project, she: Buyer):
    project.gives(she.id, 10, "first-ten")
    unknown = project.calls.add_credits(telegram_id=STRANGER, amount=1, reason="?", reference="nobody")
    assert (unknown.success, unknown.code) == (False, "unknown_user")
    other = project.calls.add_credits(telegram_id=she.id, amount=11, reason="签到奖励", reference="first-ten")
    assert other.code == "reference_conflict"
    much = take(project, she, 11, "too-much")
    assert (much.success, much.code, much.balance) == (False, "insufficient_credits", 10)
    project.gives(she.id, 1, "one-more")
    assert take(project, she, 11, "too-much").balance == 0
    assert all(one.message for one in (unknown, other, much))


def test_a_wrong_call_hears_exactly_what_is_wrong(project: Project, she: Buyer):
    well = {"telegram_id": she.id, "amount": 5, "reason": "r", "reference": "wrong-1"}

    def refused(content: dict[str, Any], **other: str) -> tuple[int, str]:
        answer = project.asks(content, **other)
        told = answer.json()
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert told["message"]
        return answer.status_code, told["code"]

    assert refused(well, api_key="ck_nobody00.none") == (401, "invalid_api_key")
    assert refused(well, secret="guessed") == (401, "invalid_signature")
    assert refused(well, timestamp=str(int(time()) - 400)) == (401, "timestamp_expired")
    assert refused({**well, "source": "casino"}) == (403, "wrong_source")
    assert refused({**well, "amount": "0"}) == (400, "validation_error")
    fields = project.asks({**well, "amount": 1.5, "amuont": 1}).json()["fields"]
    assert set(fields) == {"amount", "amuont"}
    nonce = "once-and-never-again-0"
    assert project.asks(well, nonce=nonce).json()["balance"] == 5
    assert refused(well, nonce=nonce) == (409, "replayed")
    assert project.balance(she.id) == 5


def take(project: Project, who: Buyer, amount: int, reference: str = "") -> Result:
    name = reference or f"take-{who.id}-{amount}"
    return project.calls.deduct_credits(telegram_id=who.id, amount=amount, reason="兑换", reference=name)


def test_a_batch_tells_each_item_and_an_atomic_one_is_all_or_nothing(project: Project, she: Buyer, he: Buyer):
    def item(who: int, amount: int, reference: str) -> dict[str, object]:
        return {"telegram_id": who, "amount": amount, "reason": "活动", "reference": reference}

    items = [item(she.id, 50, "b1"), item(STRANGER, 5, "b2"), item(he.id, -8, "b3"), item(he.id, 7, "b4")]
    partly = project.calls.batch(items)
    assert (partly.success, partly.posted, partly.refused) == (False, 2, 2)
    assert [one.code for one in partly.results] == ["", "unknown_user", "insufficient_credits", ""]
    assert project.calls.batch(items).duplicates == 2
    whole = [item(she.id, 1, "a1"), item(he.id, -100, "a2")]
    none = project.calls.batch(whole, atomic=True)
    assert (none.success, none.posted, none.code) == (False, 0, "batch_refused")
    assert [one.code for one in none.results] == ["not_posted", "insufficient_credits"]
    project.gives(he.id, 93, "a-top-up")
    assert project.calls.batch(whole, atomic=True).posted == 2
    found = project.calls.get_balances([she.id, he.id, STRANGER])
    assert [one.balance for one in found.values()] == [51, 0, None]


def test_credits_are_held_taken_in_part_and_free_again_when_the_time_is_over(project: Project, she: Buyer):
    project.gives(she.id, 100, "for-holds")

    def reserve(amount: int, reference: str, **more: int) -> Hold:
        return project.calls.reserve(
            telegram_id=she.id, amount=amount, reason="订位", reference=reference, **more
        )

    table = reserve(60, "table")
    assert (table.success, table.balance, table.available) == (True, 100, 40)
    assert take(project, she, 41).code == "insufficient_credits"
    assert "🔒" in she.answered("/points", "60")["text"]
    taken = project.calls.capture(number(table), 25)
    assert (taken.state, taken.balance, taken.available) == ("captured", 75, 75)
    assert project.calls.capture(number(table), 25).transaction_id == taken.transaction_id
    late = reserve(75, "late", expires_in=1)
    assert late.available == 0
    wait_for(
        lambda: project.calls.get_balance(she.id).available == 75, seconds=PATIENCE, what="the hold to end"
    )
    assert project.calls.get_hold(number(late)).state == "expired"
    assert not project.calls.capture(number(late)).success


def number(hold: Hold) -> int:
    """What the hold is called."""
    assert hold.hold_id is not None
    return hold.hold_id


def test_a_second_project_shares_the_balance_and_another_tenants_knows_nobody(
    stack: Stack, shop: Shop, project: Project, theirs: Project, she: Buyer
):
    project.gives(she.id, 30, "shared")
    game = by_hand(stack, shop.desk, "game")
    assert game.gives(she.id, 12, "shared").balance == 42
    assert project.balance(she.id) == game.balance(she.id) == 42
    assert [one.source for one in project.calls.history(she.id)] == ["game", "shop"]
    held = project.calls.reserve(telegram_id=she.id, amount=1, reason="r", reference="own")
    assert theirs.calls.get_balance(she.id).code == "unknown_user"
    assert take(theirs, she, 1).code == "unknown_user"
    assert theirs.calls.void(number(held)).code == game.calls.void(number(held)).code == "unknown_hold"
    assert "shared" not in {change.reference for change in theirs.calls.iter_changes()}


def test_the_feed_tells_everything_once_and_in_order(project: Project, she: Buyer, he: Buyer):
    feed = project.calls.iter_changes()
    assert list(feed)
    wanted = [project.gives(who.id, 1, f"feed-{n}") for n in range(10) for who in ((she, he)[n % 2],)]
    seen: list[int] = []

    def has_all() -> bool:
        seen.extend(change.id for change in project.calls.iter_changes(after=max(seen, default=feed.cursor)))
        return len(seen) >= len(wanted)

    wait_for(has_all, seconds=PATIENCE, what="all changes in the feed")
    assert seen == [one.transaction_id for one in wanted]


def test_an_old_partners_calls_are_answered_as_recorded(
    stack: Stack, shop: Shop, project: Project, she: Buyer
):
    old = with_key(stack, shop.desk, "shop", project.rows[1], allow_v1="y")
    old.gives(she.id, 100, "v1-begins")
    now = int(time())
    for exchange in RECORD["exchanges"]:
        headers, body = dated_anew(exchange, RECORD, old, she.id, now)
        path, expected = exchange["request"]["path"], exchange["response"]
        answer = requests.post(f"{stack.url}{path}", body, headers=headers, timeout=10)
        assert answer.status_code == expected["status"], (exchange["about"], answer.text)
        assert expected["json"].items() <= answer.json().items(), (exchange["about"], answer.text)
    assert old.balance(she.id) == 89


def test_a_key_is_replaced_while_calls_stream_and_ends_everywhere_when_revoked(
    stack: Stack, shop: Shop, she: Buyer
):
    old = by_hand(stack, shop.desk, "stream")
    number, client = old.rows
    page = f"/admin/credit-keys/rotate/?id={number}"
    current, made, trouble = [old.calls], [], []
    enough, over = Event(), Event()

    def stream() -> None:
        for turn in count():
            if over.is_set():
                return
            try:
                made.append(current[0].add_credits(**one_credit(she, f"stream-{turn}")))
            except CreditSyncError as error:
                trouble.append(error)
            enough.set()

    caller = Thread(target=stream)
    caller.start()
    try:
        enough.wait(PATIENCE)
        keys = shown(shop.desk.send(page, id=number, overlap="1"))
        new = Project(stack, "stream", keys["api-key"], keys["secret-key"])
        before = len(made)
        wait_for(lambda: len(made) >= before + 20, seconds=PATIENCE, what="calls with the old key")
        current[0] = new.calls
        wait_for(lambda: len(made) >= before + 40, seconds=PATIENCE, what="calls with the new key")
    finally:
        over.set()
        caller.join()
    assert not trouble
    assert all(one.success and not one.duplicate for one in made)
    shop.desk.send(f"/admin/credit-clients/edit/?id={client}", "/admin/credit-keys/revoke/", id=number)
    refused_everywhere(old, she)
    assert new.balance(she.id) == len(made)


def refused_everywhere(key: Project, who: Buyer) -> None:
    """Each call has a connection of its own, so both web processes are asked."""
    content = one_credit(who, "too-late")

    def is_refused() -> bool:
        return all(key.asks(content).json().get("code") == "invalid_api_key" for _ in range(20))

    wait_for(is_refused, seconds=SECONDS, what="the key to be refused everywhere")


def test_the_file_that_is_handed_out_is_the_one_that_was_used_here(stack: Stack):
    page = requests.get(f"{stack.url}/api/sdk/credit_sync_client.py", timeout=10)
    assert page.content == Path(credit_sync_client.__file__).read_bytes()
