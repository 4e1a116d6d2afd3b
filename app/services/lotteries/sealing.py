"""Sealing the list of entrants: weights, leaves, the Merkle root, and which round of the beacon will decide."""

from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import insert, text

from app.core import clock
from app.core.db import db
from app.domain.draw import (
    CHUNK,
    STAFF,
    BeaconChain,
    keyed,
    leaf_of,
    root_of,
    round_after_sealing,
)
from app.domain.lotteries import CloseReason, DrawPhase
from app.domain.lottery_spec import read_tickets
from app.models import Lottery, LotteryChunk, LotteryDraw
from app.services.lotteries import events, invites, posts
from app.services.lotteries.streaming import in_bulk, rows

# `app.domain.lotteries.weight` for all entrants at once.
_WEIGH = text(f"""
WITH friends AS MATERIALIZED (
    SELECT i.inviter, count(*) AS number FROM lottery_invite i
    WHERE i.lottery_id = :lottery_id AND {invites.COUNTED} GROUP BY i.inviter
), weighed AS (
    SELECT e.id, greatest(1, least(:most,
        1 + :per_invite * coalesce(f.number, 0) + :per_boost * e.boosts + e.bought)) AS weight
    FROM lottery_entry e LEFT JOIN friends f ON f.inviter = e.telegram_id
    WHERE e.lottery_id = :lottery_id
)
UPDATE lottery_entry e SET weight = weighed.weight FROM weighed
WHERE e.lottery_id = :lottery_id AND e.id = weighed.id AND e.weight <> weighed.weight
""")  # noqa: S608 - a constant
LIST = """
SELECT id, telegram_id, weight, conditions, coalesce(ref, '') FROM lottery_entry
WHERE lottery_id = %(lottery_id)s ORDER BY id
"""
"""The sealed list; a line's number is its place in here, from 1. The last column is the reference where it is kept."""


@dataclass
class _Sealed:
    entries: int = 0
    tickets: int = 0
    staff: int = 0
    chunks: list[tuple[int, bytes]] = field(default_factory=list)


def seal(lottery: Lottery, draw: LotteryDraw) -> None:
    """Freezes the list of a closed lottery and publishes its root; needs the lock on `draw`."""
    _weigh(lottery)
    sealed = _read(lottery)
    if sealed.chunks:
        found = [
            {
                "tenant_id": lottery.tenant_id,
                "lottery_id": lottery.id,
                "number": number,
                "first_id": first_id,
                "root": root,
            }
            for number, (first_id, root) in enumerate(sealed.chunks)
        ]
        db.session.execute(insert(LotteryChunk), found)
    draw.entries, draw.tickets = sealed.entries, sealed.tickets
    draw.root = root_of([root for _, root in sealed.chunks]).hex()
    draw.sealed_at = clock.now()
    draw.round = _round(lottery, draw.sealed_at.timestamp())
    draw.phase = DrawPhase.WAITING
    events.append(
        lottery,
        "sealed",
        {
            "entries": sealed.entries,
            "tickets": sealed.tickets,
            "staff": sealed.staff,
            "root": draw.root,
            "round": draw.round,
        },
    )
    posts.refresh(lottery.id)


def beacon(lottery: Lottery) -> BeaconChain | None:
    """The chain that decides, fixed when the lottery opened."""
    return BeaconChain(**cast("dict[str, Any]", lottery.beacon)) if lottery.beacon else None


def _weigh(lottery: Lottery) -> None:
    rules = read_tickets(lottery.tickets)
    if rules.most > 1:
        in_bulk(
            _WEIGH,
            {
                "lottery_id": lottery.id,
                "most": rules.most,
                "per_invite": rules.per_invite,
                "per_boost": rules.per_boost,
            },
        )


def _read(lottery: Lottery) -> _Sealed:
    """Reads the list once and keeps no more of it than the leaves of one chunk."""
    sealed, leaves, staff = _Sealed(), list[bytes](), STAFF.encode()
    mac = keyed(bytes.fromhex(lottery.salt))
    first_id = 0
    for key, telegram_id, weight, results, kept in rows(LIST, lottery_id=lottery.id):
        sealed.entries += 1
        if not leaves:
            first_id = int(key)
        reference = kept or mac(telegram_id).hex().encode()
        leaves.append(leaf_of(b"%d\n%b\n%b\n%b" % (sealed.entries, reference, weight, results)))
        sealed.tickets += int(weight)
        sealed.staff += results == staff
        if len(leaves) == CHUNK:
            sealed.chunks.append((first_id, root_of(leaves)))
            leaves.clear()
    if leaves:
        sealed.chunks.append((first_id, root_of(leaves)))
    return sealed


def _round(lottery: Lottery, sealed_at: float) -> int | None:
    chain = beacon(lottery)
    if chain is None or lottery.announced_round is None:
        return None
    in_time = lottery.close_reason is CloseReason.TIME
    return round_after_sealing(chain, lottery.announced_round, sealed_at, in_time=in_time)
