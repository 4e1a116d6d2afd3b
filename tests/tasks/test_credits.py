"""Sending changes to a partner over real HTTP: what arrives, how often, in which order, whatever goes wrong."""

import json
import socket
from functools import partial

import pytest
from sqlalchemy import text

from app.core.db import db
from app.core.queue import TaskName, transaction
from app.core.safe_url import Origin
from app.domain.credit_sync import PartnerState
from app.gateways import partners as gateway
from app.models import CreditPartner
from app.services.credit_sync import claiming, letters, outcome, partners
from app.services.credits import erasing, feed
from tasks import credits as tasks
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.racing import in_threads
from tests.syncing import ANN, BEN, CAT, Partner, post, refuses, says, slowly, take, turn
from tests.syncing import letters as states


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[TaskName, int]]:
    """Task messages that would have been sent."""
    sent: list[tuple[TaskName, int]] = []
    monkeypatch.setattr("app.core.queue.send", lambda name, *args: sent.append((name, *args)))
    monkeypatch.setattr(tasks, "claim_slot", lambda *_: True)
    return sent


def test_a_change_arrives_signed_and_whole(cast: Cast, partner: Partner):
    number = post(cast.tenant, "r1", details={"order": 7})
    assert turn(partner) == 1
    batch = partner.seen[0]
    assert batch["batch_id"] == f"{partner.row.key_id}:{number}-{number}"
    change = batch["changes"][0]
    assert change.pop("created_at").endswith("+00:00")
    assert change == {
        "id": number,
        "telegram_id": ANN,
        "amount": 10,
        "balance": 10,
        "source": "shop",
        "reference": "r1",
        "reason": "gift",
        "metadata": {"order": 7},
    }
    assert partner.wrong == []
    assert (partner.row.cursor, partner.row.sent_count, partner.row.batch_id) == (number, 1, None)


def test_many_changes_come_in_batches_in_order(cast: Cast, partner: Partner):
    wanted = [f"r{n}" for n in range(7)]
    for reference in wanted:
        post(cast.tenant, reference)
    set_size(partner, 3)
    assert turn(partner) == 2
    assert partner.references() == wanted


def test_a_batch_is_never_larger_than_256_kib(cast: Cast, partner: Partner):
    for n in range(6):
        post(cast.tenant, f"r{n}", details={"x": "y" * 60_000})
    assert turn(partner) == 2
    assert all(len(request.get_data()) <= 256 * 1024 for request in partner.requests)
    assert len(partner.references()) == 6


def test_only_what_the_filter_wants_and_not_what_it_posted_itself(cast: Cast, server, partner: Partner):
    with transaction():
        partners.change(partner.id, sources=["shop", "game"], except_source="game")
    for source in ("game", "admin", "shop"):
        last = post(cast.tenant, f"of-{source}", source=source)
    post(cast.tenant, "late", source="game")
    turn(partner)
    assert partner.references() == ["of-shop"]
    assert partner.row.cursor > last


def test_a_new_partner_is_sent_what_is_posted_from_now_on(cast: Cast, server):
    post(cast.tenant, "before")
    partner = Partner(server).set_up(cast.tenant, start="now")
    post(cast.tenant, "after")
    turn(partner)
    assert partner.references() == ["after"]


def test_another_tenants_changes_stay_with_him(cast: Cast, partner: Partner):
    post(cast.other_tenant, "theirs")
    assert turn(partner) == 0
    assert partner.requests == []


def test_down_for_a_day_and_back(cast: Cast, partner: Partner, time: Clockwork):
    partner.mood = says(503)
    wanted: dict[int, list[str]] = {ANN: [], BEN: [], CAT: []}
    for hour in range(24):
        for who, references in wanted.items():
            references.append(f"h{hour}-{who}")
            post(cast.tenant, references[-1], who)
        turn(partner)
        time.forward(hours=1)
    assert (partner.taken, len({batch["batch_id"] for batch in partner.seen})) == ([], 1)
    assert partner.row.failures == 24
    partner.mood = take
    turn(partner)
    assert {who: partner.references(who) for who in wanted} == wanted
    assert (partner.row.failures, partner.row.failing_since) == (0, None)


@pytest.mark.parametrize(
    ("mood", "error"),
    [
        (says(200, "<html>ok</html>"), "wrong_answer"),
        (says(200, '{"batch_id": "another"}'), "wrong_answer"),
        (says(200, '{"batch_id": '), "wrong_answer"),
        (says(200, '{"batch_id": NaN}'), "wrong_answer"),
        (says(200, b"\xff\xfe"), "wrong_answer"),
        (says(204), "wrong_answer"),
        (says(200, "x" * 300_000), "no_answer:too_large"),
        (says(500), "status:500"),
        (says(408), "status:408"),
        (says(425), "status:425"),
        (says(301, Location="https://elsewhere.example/"), "redirect:301"),
    ],
)
def test_what_is_no_receipt_means_the_same_batch_later(
    cast: Cast, partner: Partner, time: Clockwork, mood, error: str
):
    post(cast.tenant, "r1")
    partner.mood = mood
    assert turn(partner) == 0
    row = partner.row
    assert (row.error, row.failures, row.cursor) == (error, 1, 0)
    post(cast.tenant, "r2")
    partner.mood = take
    assert turn(partner) == 0
    time.forward(seconds=7)
    turn(partner)
    again = [batch["changes"] for batch in partner.seen if batch["batch_id"] == partner.seen[0]["batch_id"]]
    assert again == [again[0]] * 2
    assert partner.references()[-2:] == ["r1", "r2"]


def test_a_receipt_that_refuses_nobody_can_tell_what_is_none(cast: Cast, partner: Partner):
    post(cast.tenant, "r1")
    partner.mood = lambda batch: says(200, json.dumps({"batch_id": batch["batch_id"], "refused": ["r1"]}))(
        batch
    )
    turn(partner)
    assert partner.row.error == "wrong_answer"
    assert states(partner) == {}


def test_an_answer_that_comes_too_late_is_none(cast: Cast, partner: Partner, time: Clockwork, monkeypatch):
    monkeypatch.setattr(gateway, "SECONDS", 0.2)
    post(cast.tenant, "r1")
    partner.mood = slowly(0.5)
    turn(partner)
    assert partner.row.error == "no_answer:timeout"
    partner.mood = take
    time.forward(minutes=1)
    turn(partner)
    first, second = partner.seen
    # It took the first one too: the name tells it that the second is the same.
    assert first == second


def test_nobody_listens(cast: Cast, partner: Partner):
    post(cast.tenant, "r1")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    gateway.get_settings().outbound_origins.append(Origin("http", "127.0.0.1", port))
    with transaction():
        partners.change(partner.id, url=f"http://127.0.0.1:{port}/in")
    turn(partner)
    assert partner.row.error == "no_answer:connect"


def test_too_many_requests_waits_as_long_as_it_is_told(cast: Cast, partner: Partner, time: Clockwork):
    post(cast.tenant, "r1")
    partner.mood = says(429, Retry_After="600")
    turn(partner)
    partner.mood = take
    time.forward(seconds=590)
    assert turn(partner) == 0
    time.forward(seconds=11)
    assert turn(partner) == 1


def test_nobody_makes_us_wait_longer_than_an_hour(cast: Cast, partner: Partner, time: Clockwork):
    post(cast.tenant, "r1")
    partner.mood = says(429, Retry_After="999999999")
    turn(partner)
    partner.mood = take
    time.forward(seconds=3601)
    assert turn(partner) == 1


def test_410_stops_until_the_boss_starts_it_again(cast: Cast, partner: Partner, time: Clockwork):
    post(cast.tenant, "r1")
    partner.mood = says(410)
    turn(partner)
    assert partner.row.state is PartnerState.GONE
    time.forward(days=2)
    assert turn(partner) == 0
    partner.mood = take
    with transaction():
        partners.resume(partner.id)
    assert turn(partner) == 1
    assert partner.references() == ["r1"]


def test_a_redirect_to_a_private_address_is_not_followed(cast: Cast, partner: Partner):
    post(cast.tenant, "r1")
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        partner.mood = says(307, Location=f"http://127.0.0.1:{canary.getsockname()[1]}/")
        turn(partner)
        with pytest.raises(BlockingIOError):
            canary.accept()
    assert partner.row.error == "redirect:307"


def test_the_address_is_checked_at_every_send(cast: Cast, partner: Partner, time: Clockwork, monkeypatch):
    post(cast.tenant, "r1")
    monkeypatch.setattr(gateway.get_settings(), "outbound_origins", [])
    turn(partner)
    assert (partner.requests, partner.row.error) == ([], "unsafe")


def test_a_killed_worker_leaves_a_batch_that_is_sent_again_as_it_was(
    cast: Cast, partner: Partner, time: Clockwork
):
    post(cast.tenant, "r1")
    parcel = claim(partner)
    gateway.send(parcel.url, parcel.key_id, parcel.secrets, parcel.batch_id, parcel.items)
    post(cast.tenant, "r2")
    assert turn(partner) == 0
    time.forward(seconds=31)
    assert turn(partner) == 2
    assert [batch["batch_id"] for batch in partner.seen[:2]] == [parcel.batch_id] * 2
    assert partner.seen[0]["changes"] == partner.seen[1]["changes"]
    assert partner.references() == ["r1", "r1", "r2"]


def test_a_zombie_writes_nothing(cast: Cast, partner: Partner, time: Clockwork):
    post(cast.tenant, "r1")
    zombie = claim(partner)
    time.forward(seconds=31)
    heir = claim(partner)
    assert heir.token > zombie.token
    with transaction():
        assert not outcome.complete(zombie, answered(zombie), 0.1)
    assert partner.row.cursor == 0
    with transaction():
        assert outcome.complete(heir, answered(heir), 0.1)
    assert partner.row.cursor > 0


def test_two_workers_never_send_two_batches_of_one_partner_at_once(cast: Cast, partner: Partner):
    for n in range(8):
        post(cast.tenant, f"r{n}")
    set_size(partner, 1)
    partner.row  # noqa: B018 - ends the transaction
    inside, most = [], []

    def mood(batch):
        inside.append(1)
        most.append(len(inside))
        answer = slowly(0.03)(batch)
        inside.pop()
        return answer

    partner.mood = mood
    in_threads([partial(tasks.send, partner.id)] * 8, threads=8)
    turn(partner)
    assert max(most) == 1
    assert partner.references() == [f"r{n}" for n in range(8)]


def test_paused_while_a_batch_is_under_way(cast: Cast, partner: Partner):
    post(cast.tenant, "r1")
    post(cast.tenant, "r2")
    set_size(partner, 1)
    parcel = claim(partner)
    with transaction():
        partners.pause(partner.id)
    complete(parcel)
    assert turn(partner) == 0
    assert partner.references() == ["r1"]
    with transaction():
        partners.resume(partner.id)
    turn(partner)
    assert partner.references() == ["r1", "r2"]


def test_a_removed_partner_gets_no_more_and_leaves_nothing(cast: Cast, partner: Partner):
    post(cast.tenant, "r1")
    partner.mood = refuses("r1")
    turn(partner)
    post(cast.tenant, "r2", BEN)
    parcel = claim(partner)
    with transaction():
        partners.remove(partner.id)
    complete(parcel)
    assert turn(partner) == 0
    assert states(partner) == {}
    assert db.session.query(CreditPartner).count() == 0


def test_a_secret_that_was_changed_meanwhile(cast: Cast, partner: Partner, time: Clockwork):
    post(cast.tenant, "r1")
    parcel = claim(partner)
    with transaction():
        new = partners.new_secret(partner.id)
    # What comes of the call of before does not count, so nothing is taken for refused.
    with transaction():
        assert not outcome.complete(
            parcel, gateway.read_answer(401, {}, b"", parcel.batch_id, time._real()), 0
        )
    time.forward(seconds=31)
    # The partner still has the former secret.
    assert turn(partner) == 1
    assert partner.wrong == []
    partner.verifier = type(partner.verifier)(new.key_id, new.secret_key, window=10**8)
    post(cast.tenant, "r2")
    time.forward(days=2)
    turn(partner)
    assert partner.references() == ["r1", "r2"]
    assert "," not in partner.requests[-1].headers["X-Signature"]


def test_refused_changes_become_letters_and_later_ones_wait_behind(cast: Cast, partner: Partner):
    first = post(cast.tenant, "r1")
    other = post(cast.tenant, "b1", BEN)
    partner.mood = refuses("r1")
    turn(partner)
    assert states(partner) == {first: "dead"}
    behind = post(cast.tenant, "r2")
    post(cast.tenant, "b2", BEN)
    turn(partner)
    assert states(partner) == {first: "dead", behind: "behind"}
    assert partner.references() == ["b1", "b2"]
    assert other < partner.row.cursor
    letter = letters.list_open(partner.id).letters[0]
    assert (letter.reference, letter.reason, letter.telegram_id) == ("r1", "no such member", ANN)


def test_a_replay_sends_an_accounts_letters_in_order(cast: Cast, partner: Partner):
    test_refused_changes_become_letters_and_later_ones_wait_behind(cast, partner)
    partner.mood = take
    dead = letters.list_open(partner.id).letters[0].id
    with transaction():
        assert letters.replay(partner.id, [dead]) == 2
    post(cast.tenant, "r3")
    turn(partner)
    assert partner.references(ANN) == ["r1", "r2", "r3"]
    assert set(states(partner).values()) == {"done"}
    assert len({batch["batch_id"] for batch in partner.seen}) == len(partner.seen)


def test_a_replay_that_is_refused_again_waits_again(cast: Cast, partner: Partner):
    test_refused_changes_become_letters_and_later_ones_wait_behind(cast, partner)
    with transaction():
        letters.replay(partner.id)
    set_size(partner, 1)
    turn(partner)
    assert list(states(partner).values()) == ["dead", "behind"]
    assert letters.list_open(partner.id).letters[0].attempts == 2
    assert partner.references(ANN) == []


def test_a_dismissed_letter_lets_those_behind_it_go(cast: Cast, partner: Partner):
    test_refused_changes_become_letters_and_later_ones_wait_behind(cast, partner)
    with transaction():
        letters.dismiss(letters.list_open(partner.id).letters[0].id)
    turn(partner)
    assert partner.references(ANN) == ["r2"]
    assert list(states(partner).values()) == ["dismissed", "done"]


def test_a_letter_is_dismissed_once(cast: Cast, partner: Partner):
    test_refused_changes_become_letters_and_later_ones_wait_behind(cast, partner)
    letter = letters.list_open(partner.id).letters[0].id
    with transaction():
        letters.dismiss(letter)
    with pytest.raises(letters.LetterClosed), transaction():
        letters.dismiss(letter)


def test_a_refused_batch_is_halved_until_one_change_is_alone(cast: Cast, partner: Partner):
    numbers = [post(cast.tenant, f"r{n}", ANN + n) for n in range(32)]
    partner.mood = refuses("r19", alone=True)
    turn(partner)
    assert states(partner) == {numbers[19]: "dead"}
    assert partner.references() == [f"r{n}" for n in range(32) if n != 19]
    assert len(partner.seen) < 25
    assert letters.list_open(partner.id).letters[0].reason == "HTTP 422 no such member"


def test_an_address_that_refuses_everything_makes_three_letters_and_waits(
    cast: Cast, partner: Partner, time: Clockwork
):
    for n in range(20):
        post(cast.tenant, f"r{n}", ANN + n)
    partner.mood = says(403)
    turn(partner)
    assert list(states(partner).values()) == ["dead"] * 3
    assert partner.row.error == "refuses_all:403"
    for _ in range(5):
        time.forward(hours=1)
        turn(partner)
    assert len(states(partner)) == 3
    partner.mood = take
    time.forward(hours=1)
    turn(partner)
    with transaction():
        letters.replay(partner.id)
    turn(partner)
    assert sorted(partner.references()) == sorted(f"r{n}" for n in range(20))


def test_replays_that_nobody_takes_do_not_hold_up_new_changes(cast: Cast, partner: Partner):
    old = [f"r{n}" for n in range(8)]
    for n, reference in enumerate(old):
        post(cast.tenant, reference, ANN + n)
    partner.mood = refuses(*old)
    turn(partner)
    partner.mood = refuses(*old, alone=True)
    with transaction():
        assert letters.replay(partner.id) == 8
    post(cast.tenant, "new", ANN + 100)
    turn(partner)
    assert set(states(partner).values()) == {"dead"}
    assert partner.references() == ["new"]


def test_a_batch_of_somebody_who_was_erased_is_passed_over(cast: Cast, partner: Partner, time: Clockwork):
    post(cast.tenant, "r1")
    claim(partner)
    erase(cast, ANN)
    post(cast.tenant, "b1", BEN)
    time.forward(seconds=31)
    turn(partner)
    assert partner.references() == ["b1"]


def test_beat_asks_for_a_turn_once(cast: Cast, partner: Partner, asked):
    tasks.sync()
    assert asked == []
    post(cast.tenant, "r1")
    tasks.sync()
    tasks.sync()
    assert asked == [(TaskName.CREDITS_SEND, partner.id)]


def test_a_lost_message_is_sent_again(cast: Cast, partner: Partner, asked, time: Clockwork):
    post(cast.tenant, "r1")
    tasks.sync()
    time.forward(seconds=61)
    tasks.sync()
    assert asked == [(TaskName.CREDITS_SEND, partner.id)] * 2


def test_beat_asks_for_nobody_who_waits_is_paused_or_is_served(cast: Cast, partner: Partner, asked, time):
    post(cast.tenant, "r1")
    partner.mood = says(500)
    turn(partner)
    tasks.sync()
    assert asked == []
    time.forward(minutes=1)
    claim(partner)
    tasks.sync()
    assert asked == []
    with transaction():
        partners.pause(partner.id)
    time.forward(minutes=1)
    tasks.sync()
    assert asked == []


def test_a_turn_ends_after_its_time_and_asks_for_another(cast: Cast, partner: Partner, asked, monkeypatch):
    monkeypatch.setattr(tasks, "TURN_SECONDS", 0.0)
    for n in range(3):
        post(cast.tenant, f"r{n}")
    set_size(partner, 1)
    tasks.send(partner.id)
    assert len(partner.seen) == 1
    assert asked == [(TaskName.CREDITS_SEND, partner.id)]


def test_slow_partners_take_one_place_and_quick_ones_never_wait_for_them(cast: Cast, server, asked):
    slow = [Partner(server, f"/slow{n}").set_up(cast.tenant) for n in range(6)]
    quick = [Partner(server, f"/quick{n}").set_up(cast.tenant) for n in range(3)]
    post(cast.tenant, "r1")
    for each in slow:
        parcel = claim(each)
        complete(parcel, seconds=9.9)
    post(cast.tenant, "r2")
    tasks.sync()
    ids = [partner_id for _, partner_id in asked]
    assert ids[:3] == [each.id for each in quick]
    assert len(ids) == 4
    tasks.sync()
    assert len(asked) == 4
    # The next slow one follows when this one had its turn.
    complete(claim(next(each for each in slow if each.id == ids[3])), seconds=9.9)
    tasks.sync()
    assert asked[4][1] in {each.id for each in slow} - {ids[3]}


def test_a_partner_whose_answer_comes_quickly_is_quick_again(cast: Cast, partner: Partner, asked):
    post(cast.tenant, "r1")
    complete(claim(partner), seconds=9.9)
    assert partner.row.slow
    post(cast.tenant, "r2")
    turn(partner)
    assert not partner.row.slow


def claim(partner: Partner) -> claiming.Parcel:
    """Takes the partner's next batch, as a worker that has not sent it yet."""
    with transaction():
        settled = feed.advance()
    with transaction():
        parcel = claiming.claim(partner.id, settled)
    assert parcel is not None
    return parcel


def answered(parcel: claiming.Parcel) -> gateway.Answer:
    """The partner's answer."""
    return gateway.send(parcel.url, parcel.key_id, parcel.secrets, parcel.batch_id, parcel.items)


def complete(parcel: claiming.Parcel, seconds: float = 0.1) -> bool:
    """Sends it and takes in the answer."""
    answer = answered(parcel)
    with transaction():
        return outcome.complete(parcel, answer, seconds)


def set_size(partner: Partner, size: int) -> None:
    partner.row.batch_size = size
    db.session.commit()


def erase(cast: Cast, telegram_id: int) -> None:
    with transaction():
        db.session.execute(text("SELECT set_config('laoban.erasing', 'yes', true)"))
        erasing.erase(cast.tenant.id, telegram_id)
