"""Threads that come at the same moment have their work done by one of them."""

import threading
from collections.abc import Sequence

import pytest

from app.core import together
from app.core.errors import Unavailable
from app.core.together import Together
from tests.waiting import wait_for


class Slow:
    """Doubles numbers; a round waits until it is let go, and 13 breaks it."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.go = threading.Event()

    def work(self, items: Sequence[int]) -> list[int]:
        self.rounds.append(list(items))
        assert self.go.wait(10)
        if 13 in items:
            raise ValueError("13")
        return [2 * item for item in items]


def begin(group: Together[int, int], *items: int) -> tuple[list[threading.Thread], dict[int, object]]:
    found: dict[int, object] = {}

    def do(item: int) -> None:
        try:
            found[item] = group.do(item)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            found[item] = type(error)

    threads = [threading.Thread(target=do, args=(item,)) for item in items]
    for number, thread in enumerate(threads):
        thread.start()
        if number == 0:
            wait_for(lambda: group._busy)
    return threads, found


def end(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(10)


def test_who_comes_alone_waits_for_nobody():
    slow = Slow()
    slow.go.set()
    group: Together[int, int] = Together(slow.work, most=10)
    assert [group.do(1), group.do(2)] == [2, 4]
    assert slow.rounds == [[1], [2]]


def test_who_comes_meanwhile_is_done_together_in_rounds_that_are_not_too_large():
    slow = Slow()
    group: Together[int, int] = Together(slow.work, most=4)
    threads, found = begin(group, *range(8))
    wait_for(lambda: len(group._waiting) == 7)
    slow.go.set()
    end(threads)
    assert found == {item: 2 * item for item in range(8)}
    assert [len(items) for items in slow.rounds] == [1, 4, 3]


def test_what_breaks_a_round_breaks_no_other():
    slow = Slow()
    group: Together[int, int] = Together(slow.work, most=10)
    threads, found = begin(group, 13, 1, 2)
    wait_for(lambda: len(group._waiting) == 2)
    slow.go.set()
    end(threads)
    assert found == {13: ValueError, 1: 2, 2: 4}


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(together, "PATIENCE", 0.05)
    slow = Slow()
    group: Together[int, int] = Together(slow.work, most=10)
    threads, found = begin(group, 1, 2)
    wait_for(lambda: 2 in found)
    assert found[2] is Unavailable
    slow.go.set()
    end(threads)
    assert (found[1], slow.rounds) == (2, [[1]])
    assert group.do(3) == 6


def test_many_threads_lose_nothing():
    group: Together[int, int] = Together(lambda items: [item + 1 for item in items], most=3)
    sums: list[int] = []

    def run() -> None:
        value = 0
        for _ in range(500):
            value = group.do(value)
        sums.append(value)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    end(threads)
    assert sums == [500] * 8
