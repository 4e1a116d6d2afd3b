"""The drand relays: genuine rounds of a chain of our own, and relays that misbehave on order."""

import requests

from app.domain.beacon import chain_hash
from app.domain.beacon_signatures import is_genuine
from app.domain.draw import BeaconChain


def ask(sandbox, path, relay="one"):
    return requests.get(f"{sandbox.url}/drand/{relay}/{path}", timeout=5)


def chain_of(info):
    return BeaconChain(
        hash=info["hash"], public_key=info["public_key"], scheme=info["schemeID"], genesis=info["genesis_time"],
        period=info["period"], group_hash=info["groupHash"], beacon_id=info["metadata"]["beaconID"],
    )  # fmt: skip


def test_its_rounds_are_genuine_and_its_chain_is_what_its_hash_says(sandbox):
    chain = chain_of(ask(sandbox, "info").json())
    newest = ask(sandbox, "public/latest").json()
    assert chain.hash == chain_hash(chain) == sandbox.drand_chain()["hash"]
    assert is_genuine(chain, newest["round"], newest["signature"])
    assert ask(sandbox, f"{chain.hash}/public/1").json()["round"] == 1


def test_a_round_is_there_when_its_time_has_come(sandbox):
    chain = sandbox.drand_chain()
    soon = chain["newest"] + 20
    assert ask(sandbox, f"public/{soon}").status_code == 425
    sandbox.post("clock", seconds=61)
    assert ask(sandbox, f"public/{soon}").status_code == 200
    sandbox.post("clock", seconds=-61)


def test_all_relays_say_the_same_until_one_lies(sandbox):
    assert ask(sandbox, "public/7", "one").json() == ask(sandbox, "public/7", "two").json()
    sandbox.order_drand("lying", "two")
    lie = ask(sandbox, "public/7", "two").json()
    assert lie != ask(sandbox, "public/7", "one").json()
    assert not is_genuine(chain_of(ask(sandbox, "info").json()), 7, lie["signature"])


def test_relays_may_be_down_or_late(sandbox):
    newest = sandbox.drand_chain()["newest"]
    sandbox.order_drand("down", "one")
    sandbox.order_drand("late", "two", seconds=60)
    assert ask(sandbox, "info", "one").status_code == 502
    assert ask(sandbox, f"public/{newest}", "two").status_code == 425
    assert ask(sandbox, f"public/{newest - 30}", "two").status_code == 200
    sandbox.clear_orders()
    assert ask(sandbox, f"public/{newest}", "one").status_code == 200


def test_other_chains_and_places_are_not_there(sandbox):
    for path in (f"{'0' * 64}/public/1", "public/0x1", "nothing"):
        assert ask(sandbox, path).status_code == 404
    assert ask(sandbox, "public/0").status_code == 425
