"""How many open updates a bot may have, estimated between exact counts."""

from app.services.inbox.caps import Caps


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def admitted(caps: Caps, times: int) -> int:
    return sum(caps.admit(1) for _ in range(times))


def test_a_bot_is_full_at_its_cap_until_a_count_says_otherwise():
    clock = Clock()
    caps = Caps(100, clock)
    assert admitted(caps, 150) == 100
    caps.learn(caps.due(), {1: 100})
    assert admitted(caps, 10) == 0
    clock.now += 2
    assert admitted(caps, 1) == 0
    caps.learn(caps.due(), {1: 40})
    assert admitted(caps, 100) == 60


def test_counts_are_asked_for_before_the_estimate_can_be_far_off():
    caps = Caps(10_000, Clock())
    caps.admit(1)
    assert caps.due() == [1]
    caps.learn([1], {1: 6_000})
    admitted(caps, 999)
    assert caps.due() == []
    admitted(caps, 1)
    assert caps.due() == [1]


def test_counting_is_rare_for_a_bot_with_room():
    caps = Caps(10_000, Clock())
    asked = 0
    for _ in range(100_000):
        caps.admit(1)
        if caps.due_bots:
            asked += 1
            caps.learn(caps.due(), {})
    assert asked <= 42
