"""The public beacon decides with the seed: a round that nobody knew when the list was sealed, waited for, never replaced."""

import pytest

from app.core.queue import transaction
from app.core.settings import get_settings
from app.domain.lotteries import CloseReason, DrawPhase
from app.gateways import drand, drand_rounds
from app.models import Lottery
from app.services.lotteries import entries, lookup, manage, winners
from app.services.lotteries.errors import LotteryClosed
from app.services.lotteries.sealing import beacon
from tasks import lotteries as tasks
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.drawing import FIRST, close, draw, the_draw, verdict
from tests.lottery_tools import a_bot, a_draft, enter
from tests.sandbox_client import Sandbox

MINUTES = 3


@pytest.fixture
def relays(telegram: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    monkeypatch.setattr(get_settings(), "drand_urls", telegram.drand_urls())
    monkeypatch.setattr(get_settings(), "drand_chain", telegram.drand_chain()["hash"])
    drand._asked_chain.cache_clear()
    return telegram


@pytest.fixture
def lottery(relays: Sandbox, cast: Cast, time: Clockwork) -> Lottery:
    """Open with a beacon, on a clock three minutes behind that of the relays."""
    time.forward(minutes=-MINUTES)
    found = a_draft(a_bot(cast.tenant), prizes=[{"name": "Mug", "quantity": 2}])
    ahead = manage.prepare_beacon()
    with transaction():
        manage.publish(found.id, ahead)
    enter(found, *range(FIRST, FIRST + 30))
    return lookup.get(found.id)


def test_an_early_end_takes_a_round_that_is_still_to_come(lottery: Lottery, time: Clockwork):
    close(lottery, CloseReason.EARLY)
    assert draw(lottery) == []
    waiting, chain = the_draw(lottery), beacon(lottery)
    assert waiting.phase is DrawPhase.WAITING
    assert 57 < chain.time_of(waiting.round) - waiting.sealed_at.timestamp() < 64
    assert waiting.round < lottery.announced_round
    time.forward(seconds=65)
    assert len(draw(lottery)) == 2
    assert drand_rounds.signature(chain, waiting.round) == the_draw(lottery).signature


def test_after_a_day_without_workers_nobody_has_slipped_in_and_a_later_round_decides(
    lottery: Lottery, time: Clockwork
):
    announced = lottery.announced_round
    time.forward(days=2)
    with pytest.raises(LotteryClosed), transaction():
        entries.join(lottery.id, FIRST + 99, lottery.bot_id, {})
    tasks.sweep()
    tasks.draw(lottery.id)
    waiting = the_draw(lottery)
    assert (lookup.get(lottery.id).close_reason, waiting.entries) == (CloseReason.TIME, 30)
    assert 57 < beacon(lottery).time_of(waiting.round) - waiting.sealed_at.timestamp() < 64
    assert waiting.round > announced
    assert verdict(lottery).ok


def test_a_beacon_that_is_away_is_waited_for(lottery: Lottery, relays: Sandbox, time: Clockwork):
    close(lottery, CloseReason.EARLY)
    tasks.draw(lottery.id)
    time.forward(seconds=65)
    for mode in ("down", "lying"):
        relays.order_drand(mode, "one")
        assert draw(lottery) == []
        assert "drand" in the_draw(lottery).error
        assert the_draw(lottery).phase is DrawPhase.WAITING
        time.forward(seconds=20)
    relays.order_drand("ok")
    assert len(draw(lottery)) == 2
    assert the_draw(lottery).error is None


def test_a_round_that_is_not_published_yet_is_asked_for_again(
    lottery: Lottery, relays: Sandbox, time: Clockwork
):
    close(lottery, CloseReason.EARLY)
    tasks.draw(lottery.id)
    time.forward(seconds=65)
    relays.order_drand("late", seconds=3600)
    assert draw(lottery) == []
    assert the_draw(lottery).error is None
    relays.order_drand("ok")
    time.forward(seconds=2)
    assert len(draw(lottery)) == 2


def test_the_verifier_agrees_with_a_draw_and_a_redraw(lottery: Lottery, time: Clockwork):
    close(lottery, CloseReason.EARLY)
    tasks.draw(lottery.id)
    time.forward(seconds=65)
    draw(lottery)
    with transaction():
        winners.redraw(lottery.id, 2, "Did not answer")
    draw(lottery)
    found = verdict(lottery)
    assert found.ok, found.mismatch
    assert {name for name, state, _ in found.steps if state != "ok"} == {"beacon"}
