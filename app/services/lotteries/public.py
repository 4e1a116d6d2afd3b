"""What everybody may see of a lottery on its page: facts for people, names masked. `record.py` is for machines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import and_, func, select

from app.core.db import db
from app.domain.lotteries import DrawPhase, LotterySpec, LotteryState, WinnerState
from app.models import (
    Bot,
    Lottery,
    LotteryCandidate,
    LotteryDraw,
    LotteryEvent,
    LotteryPrize,
    LotteryWinner,
    Member,
    Tenant,
)
from app.services.lotteries import events, lookup, spec
from app.services.lotteries.cards import masked

WINNERS = 200
"""As many as the page names; the record has them all."""
EVENTS = 100
"""The latest of the log; the record has all."""
_UNPUBLISHED = frozenset({LotteryState.DRAFT, LotteryState.SCHEDULED})


@dataclass(frozen=True, slots=True)
class Holder:
    """Who won a prize, as the public sees him: first letter, line of the list, rank; `turn` above 0 is a redraw."""

    slot: int
    turn: int
    prize: str
    name: str
    number: int
    rank: int
    state: WinnerState
    reason: str


@dataclass(frozen=True, slots=True)
class Event:
    """A link of the public log."""

    number: int
    kind: str
    at: datetime
    body: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class Facts:
    """A lottery for its page. `seed` and `signature` are None before the reveal; `won` counts all holders."""

    lottery: Lottery
    spec: LotterySpec
    business: str
    zone: str
    bot: str
    entries: int
    draw: LotteryDraw | None
    seed: str | None
    signature: str | None
    holders: Sequence[Holder]
    won: int
    events: Sequence[Event]

    @property
    def by_prize(self) -> list[tuple[str, list[Holder]]]:
        """The holders of each prize, by slot, the latest turn of a slot first."""
        groups = groupby(self.holders, key=lambda one: one.prize)
        return [(prize, list(found)) for prize, found in groups]


def find(code: str, tenant_id: int | None = None) -> Lottery | None:
    """A lottery that the public may see: it was opened, its business is not suspended, and it is `tenant_id`'s if given.

    Needs the system scope.
    """
    lottery = lookup.find_by_code(code)
    if lottery is None or tenant_id not in {None, lottery.tenant_id}:
        return None
    suspended = db.session.scalar(select(Tenant.suspended_at).where(Tenant.id == lottery.tenant_id))
    seen = lottery.state not in _UNPUBLISHED and lottery.opened_at is not None
    return lottery if seen and suspended is None else None


def facts(lottery: Lottery) -> Facts:
    """Everything that the page shows."""
    business, zone, bot = db.session.execute(
        select(Tenant.name, Tenant.timezone, Bot.username)
        .join(Bot, Bot.tenant_id == Tenant.id)
        .where(Bot.id == lottery.bot_id)
    ).one()
    draw = db.session.get(LotteryDraw, lottery.id, populate_existing=True)
    revealed = draw is not None and draw.phase in {DrawPhase.ORDERED, DrawPhase.DONE}
    own = LotteryWinner.lottery_id == lottery.id
    return Facts(
        lottery=lottery,
        spec=spec.of(lottery, lookup.prizes(lottery.id)),
        business=business,
        zone=zone,
        bot=bot,
        entries=draw.entries if draw is not None and draw.root else lookup.entry_count(lottery.id),
        draw=draw,
        seed=lottery.seed if revealed else None,
        signature=draw.signature if draw is not None and revealed else None,
        holders=_holders(lottery),
        won=db.session.scalar(
            select(func.count()).select_from(LotteryWinner).where(own, LotteryWinner.state != "replaced")
        )
        or 0,
        events=[_event(one) for one in reversed(events.latest(lottery.id, EVENTS))],
    )


def _event(one: LotteryEvent) -> Event:
    at = datetime.fromtimestamp(one.at / 1_000_000, UTC)
    return Event(one.number, one.kind, at, json.loads(one.body), one.hash)


def _holders(lottery: Lottery) -> list[Holder]:
    candidate = and_(
        LotteryCandidate.lottery_id == LotteryWinner.lottery_id,
        LotteryCandidate.entry_id == LotteryWinner.entry_id,
    )
    person = and_(
        Member.tenant_id == LotteryWinner.tenant_id, Member.telegram_id == LotteryWinner.telegram_id
    )
    query = (
        select(LotteryWinner, LotteryPrize.name, LotteryCandidate.number, Member.first_name)
        .join(LotteryPrize, LotteryPrize.id == LotteryWinner.prize_id)
        .join(LotteryCandidate, candidate)
        .outerjoin(Member, person)
        .where(LotteryWinner.lottery_id == lottery.id)
        .order_by(LotteryWinner.slot, LotteryWinner.turn.desc())
        .limit(WINNERS)
    )
    return [
        Holder(one.slot, one.turn, prize, masked(name or ""), number, one.rank, one.state, one.reason or "")
        for one, prize, number, name in db.session.execute(query)
    ]
