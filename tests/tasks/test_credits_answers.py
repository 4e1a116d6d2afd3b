"""What a partner answers, and what we make of it."""

import json
import socket

import pytest

from app.core.queue import transaction
from app.core.safe_url import Origin
from app.domain.credit_sync import PartnerState
from app.gateways import partners as gateway
from app.services.credit_sync import partners
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.syncing import (
    ANN,
    BEN,
    CAT,
    Partner,
    post,
    says,
    slowly,
    take,
    turn,
)
from tests.syncing import letters as states


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


@pytest.mark.parametrize(
    "asked", ["999999999", "Fri, 01 Jan 9999 00:00:00 GMT", "1 Jan 99999999999 00:00:00 GMT"]
)
def test_nobody_makes_us_wait_longer_than_an_hour(cast: Cast, partner: Partner, time: Clockwork, asked: str):
    post(cast.tenant, "r1")
    partner.mood = says(429, Retry_After=asked)
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
