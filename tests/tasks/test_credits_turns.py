"""Whose turn it is: one sender for each partner, whoever dies or changes something meanwhile; slow ones hold up nobody."""

from functools import partial

import pytest

from app.core.db import db
from app.core.queue import TaskName, transaction
from app.gateways import partners as gateway
from app.models import CreditPartner
from app.services.credit_sync import outcome, partners
from tasks import credits as tasks
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.racing import in_threads
from tests.syncing import (
    ANN,
    BEN,
    Partner,
    answered,
    claim,
    complete,
    erase,
    post,
    refuses,
    says,
    set_size,
    slowly,
    turn,
)
from tests.syncing import letters as states


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[TaskName, int]]:
    """Task messages that would have been sent."""
    sent: list[tuple[TaskName, int]] = []
    monkeypatch.setattr("app.core.queue.send", lambda name, *args: sent.append((name, *args)))
    monkeypatch.setattr(tasks, "claim_slot", lambda *_: True)
    return sent


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


def test_a_batch_of_somebody_who_was_erased_is_passed_over(cast: Cast, partner: Partner, time: Clockwork):
    post(cast.tenant, "r1")
    claim(partner)
    erase(cast.tenant, ANN)
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
