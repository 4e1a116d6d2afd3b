"""What a partner refuses: one letter, those behind it, sending them again."""

import pytest

from app.core.queue import transaction
from app.services.credit_sync import letters
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.syncing import ANN, BEN, Partner, post, refuses, says, set_size, take, turn
from tests.syncing import letters as states


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


def test_a_partner_that_does_not_know_the_key_yet_blames_no_change(
    cast: Cast, partner: Partner, time: Clockwork
):
    post(cast.tenant, "r1")
    partner.mood = says(401)
    turn(partner)
    assert (states(partner), partner.row.error) == ({}, "status:401")
    partner.mood = take
    time.forward(seconds=10)
    turn(partner)
    assert partner.references() == ["r1"]


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
