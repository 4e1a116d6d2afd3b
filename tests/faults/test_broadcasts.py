"""A broadcast by real processes that are killed twice: everybody gets it once, and answers do not wait for it."""

import os

import pytest

from bots.telegram.broadcasts import IN_FLIGHT
from tests.e2e.stack import Stack
from tests.faults.announcing import Announcement

CHATS = int(os.environ.get("BROADCAST_CHATS", "300"))
KILLS = 2
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120 + CHATS // 5)]


def test_everybody_gets_it_once_though_workers_are_killed(stack: Stack):
    found = Announcement(stack, stack.boss(), CHATS).run(KILLS)
    sent, unclear = found.states["sent"], found.states.get("unknown", 0)
    assert sent + unclear == CHATS
    assert unclear <= KILLS * IN_FLIGHT
    assert set(found.copies) == {1}
    assert sent <= found.copies[1] <= CHATS
    assert found.refused < found.calls / 100
    assert found.p95 < 1
