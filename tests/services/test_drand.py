"""The beacon: relays are asked together, compared, and none is believed."""

from collections.abc import Iterator
from threading import Event

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from app.core.settings import get_settings
from app.domain.beacon import QUICKNET, chain_hash, randomness
from app.domain.beacon_signatures import is_genuine
from app.gateways import drand, drand_rounds
from tests import beacon

VECTOR = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
ROUND = 4711


@pytest.fixture
def relays(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    """Two relays, /one and /two, of the tests' own chain."""
    settings = get_settings()
    monkeypatch.setattr(settings, "drand_urls", [httpserver.url_for("/one"), httpserver.url_for("/two")])
    monkeypatch.setattr(settings, "drand_chain", beacon.chain().hash)
    drand._asked_chain.cache_clear()
    yield httpserver
    drand._asked_chain.cache_clear()


def serve(relays: HTTPServer, relay: str, body: object = None, status: int = 200) -> None:
    path = f"/{relay}/{beacon.chain().hash}/public/{ROUND}"
    relays.expect_request(path).respond_with_json(body or beacon.published(ROUND), status=status)


# --- the check itself
def test_a_published_round_of_quicknet_is_genuine():
    assert chain_hash(QUICKNET) == QUICKNET.hash
    assert randomness(VECTOR) == "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd"
    assert is_genuine(QUICKNET, 1000, VECTOR)


@pytest.mark.parametrize(
    "forged",
    ["", "00" * 48, "c0" + "00" * 47, VECTOR[:-2], VECTOR[:-2] + "38", "zz" * 48],
    ids=["empty", "zeros", "infinity", "short", "another point", "no hex"],
)
def test_no_other_signature_is(forged: str):
    assert not is_genuine(QUICKNET, 1000, forged)


def test_nor_one_of_another_key_or_with_a_point_outside_the_group_added():
    assert not is_genuine(QUICKNET, 1000, beacon.sign(1000))
    assert is_genuine(beacon.chain(), 1000, beacon.sign(1000))
    assert not is_genuine(beacon.chain(), 1000, beacon.blurred(1000))


def test_a_signature_is_of_one_round_only():
    assert not is_genuine(QUICKNET, 1001, VECTOR)


def test_a_rounds_time_and_the_first_round_of_a_time_agree():
    ours = beacon.chain()
    assert ours.round_at(ours.time_of(77)) == 77
    assert ours.round_at(ours.time_of(77) + 1) == 78


# --- the chain
def test_without_relays_there_is_no_beacon(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(get_settings(), "drand_urls", [])
    assert drand.chain() is None


def test_the_public_chain_needs_no_question(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(get_settings(), "drand_urls", ["http://127.0.0.1:9"])
    assert drand.chain() == QUICKNET


def test_another_chain_is_asked_once(relays: HTTPServer):
    relays.expect_request(f"/one/{beacon.chain().hash}/info").respond_with_json(beacon.info())
    relays.expect_request(f"/two/{beacon.chain().hash}/info").respond_with_data("out of order", status=500)
    assert drand.chain() == beacon.chain()
    relays.clear()
    assert drand.chain() == beacon.chain()


@pytest.mark.parametrize(
    "wrong",
    [{"public_key": QUICKNET.public_key}, {"period": 30}, {"genesis_time": -1}, {"schemeID": "pedersen"}, {"metadata": {}}],
    ids=["key", "period", "genesis", "scheme", "name"],
)  # fmt: skip
def test_a_relay_of_another_chain_is_refused(relays: HTTPServer, wrong: dict[str, object]):
    for relay in ("one", "two"):
        relays.expect_request(f"/{relay}/{beacon.chain().hash}/info").respond_with_json(beacon.info() | wrong)
    with pytest.raises(drand.BeaconUnreachable):
        drand.chain()


# --- a round
def test_two_relays_that_say_the_same_are_believed(relays: HTTPServer):
    serve(relays, "one")
    serve(relays, "two")
    assert drand_rounds.signature(beacon.chain(), ROUND) == beacon.sign(ROUND)


@pytest.mark.parametrize("status", [404, 425])
def test_a_round_still_to_come_is_none(relays: HTTPServer, status: int):
    serve(relays, "one", {"error": "not yet"}, status)
    serve(relays, "two", {"error": "not yet"}, status)
    assert drand_rounds.signature(beacon.chain(), ROUND) is None


def test_a_relay_that_lags_is_waited_for(relays: HTTPServer):
    serve(relays, "one")
    serve(relays, "two", {"error": "not yet"}, 404)
    assert drand_rounds.signature(beacon.chain(), ROUND) is None


def test_one_relay_alone_does_not_decide(relays: HTTPServer):
    serve(relays, "one")
    serve(relays, "two", {"error": "broken"}, 500)
    with pytest.raises(drand.BeaconUnreachable):
        drand_rounds.signature(beacon.chain(), ROUND)


def test_where_only_one_relay_is_set_it_decides(relays: HTTPServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(get_settings(), "drand_urls", [relays.url_for(f"/one/{beacon.chain().hash}")])
    serve(relays, "one")
    assert drand_rounds.signature(beacon.chain(), ROUND) == beacon.sign(ROUND)


@pytest.mark.parametrize(
    "lie",
    [{"round": ROUND + 1}, {"randomness": "00" * 32}, {"signature": 7}, {"signature": "zz"}],
    ids=["round", "randomness", "number", "no hex"],
)
def test_relays_that_lie_together_are_not_believed(relays: HTTPServer, lie: dict[str, object]):
    for relay in ("one", "two"):
        serve(relays, relay, beacon.published(ROUND) | lie)
    with pytest.raises(drand.BeaconUnreachable):
        drand_rounds.signature(beacon.chain(), ROUND)


def test_nor_when_all_tell_another_rounds_signature(relays: HTTPServer):
    for relay in ("one", "two"):
        serve(relays, relay, beacon.published(1) | {"round": ROUND})
    with pytest.raises(drand.BeaconUnreachable):
        drand_rounds.signature(beacon.chain(), ROUND)


def test_two_relays_outvote_a_liar(relays: HTTPServer, monkeypatch: pytest.MonkeyPatch):
    urls = [relays.url_for(f"/{relay}") for relay in ("one", "two", "three")]
    monkeypatch.setattr(get_settings(), "drand_urls", urls)
    serve(relays, "one", beacon.published(ROUND) | {"signature": beacon.sign(1)})
    serve(relays, "two")
    serve(relays, "three")
    assert drand_rounds.signature(beacon.chain(), ROUND) == beacon.sign(ROUND)


def test_relays_that_do_not_answer_are_said_to_be_away(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(get_settings(), "drand_urls", ["http://127.0.0.1:9", "http://127.0.0.1:9/b"])
    with pytest.raises(drand.BeaconUnreachable):
        drand_rounds.signature(beacon.chain(), ROUND)


def test_a_relay_that_answers_byte_by_byte_is_left(relays: HTTPServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drand, "BODY_SECONDS", 0.2)
    left = Event()

    def drip() -> Iterator[bytes]:
        while not left.wait(0.05):
            yield b" "

    path = f"/one/{beacon.chain().hash}/public/{ROUND}"
    relays.expect_request(path).respond_with_handler(lambda _: Response(drip()))
    serve(relays, "two")
    with pytest.raises(drand.BeaconUnreachable):
        drand_rounds.signature(beacon.chain(), ROUND)
    left.set()
