"""What a boss does with a lottery: make it, change it, publish it, close it early, cancel it.

Every move of its state is one conditional UPDATE, so of two at the same moment one is first and the other is told.
"""

import logging
import secrets
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import N_
from app.core.ids import one_time_code
from app.core.queue import TaskName, enqueue
from app.core.settings import get_settings
from app.domain import lottery_spec
from app.domain.draw import BEACON_WAIT, STAFF, BeaconChain, commitment
from app.domain.lotteries import MOVES, TALLIES, CloseReason, LotterySpec, LotteryState
from app.domain.lottery_fields import BadSpec
from app.gateways import drand
from app.models import Lottery, LotteryDraw, LotteryPrize, LotteryTally, Picture
from app.services import bots
from app.services.lotteries import events, lookup, posts
from app.services.lotteries.errors import BotGone, IllegalMove, LotteryClosed, LotteryFull, TooLate
from app.services.lotteries.moves import audit_act, move, public_reason, write_prizes
from app.services.lotteries.spec import columns, of, opened

log = logging.getLogger(__name__)
SECRET_BYTES = 32
BEACON_PATIENCE = timedelta(seconds=60)
"""How long an opening waits for a beacon that does not answer; then it opens with "seed only", and says so."""
_KNOWN = text("SELECT count(*) FROM member WHERE tenant_id = :tenant AND telegram_id = ANY(:people)")
_ADD = text("""
INSERT INTO lottery_entry (tenant_id, lottery_id, telegram_id, bot_id, conditions)
SELECT :tenant, :lottery, telegram_id, :bot, :staff FROM member
WHERE tenant_id = :tenant AND telegram_id = ANY(:people) ORDER BY telegram_id
ON CONFLICT (lottery_id, telegram_id) DO NOTHING RETURNING id
""")
_COUNT = text("""
UPDATE lottery_tally SET entries = entries + :added
WHERE lottery_id = :lottery AND shard = 0 AND (most IS NULL OR entries + :added <= most) RETURNING entries
""")
_CHANGEABLE = frozenset({LotteryState.DRAFT, LotteryState.SCHEDULED})


@dataclass(frozen=True, slots=True)
class AddedByStaff:
    """How many were added, were in already, and are unknown to the tenant."""

    added: int
    already: int
    unknown: int


def create(
    tenant_id: int,
    bot_id: int,
    spec: LotterySpec,
    template_id: int | None = None,
    run_at: datetime | None = None,
    *,
    code: str | None = None,
) -> Lottery:
    """A draft. Its seed is made here and its commitment never changes. Raises NotFound, BotGone, BadSpec.

    A `code` that the caller makes always the same way keeps one wish from making two lotteries.
    """
    check_bot(tenant_id, bot_id)
    _check_picture(tenant_id, spec.picture_id)
    seed = secrets.token_bytes(SECRET_BYTES)
    lottery = Lottery(
        tenant_id=tenant_id,
        bot_id=bot_id,
        code=code or one_time_code(),
        state=LotteryState.DRAFT,
        seed=seed.hex(),
        salt=secrets.token_bytes(SECRET_BYTES).hex(),
        commitment=commitment(seed),
        template_id=template_id,
        run_at=run_at,
        **columns(spec),
    )
    db.session.add(lottery)
    db.session.flush()
    write_prizes(lottery, spec)
    audit_act(lottery, "lottery.created", lottery_spec.dump(spec))
    return lottery


def update(lottery_id: int, spec: LotterySpec, bot_id: int | None = None) -> Lottery:
    """Changes a draft, or one that is scheduled. Raises IllegalMove, NotFound, BotGone, BadSpec."""
    lottery = lookup.get(lottery_id, lock=True)
    if lottery.state not in _CHANGEABLE:
        raise IllegalMove(lottery.state)
    check_bot(lottery.tenant_id, bot_id or lottery.bot_id)
    _check_picture(lottery.tenant_id, spec.picture_id)
    before = lottery_spec.dump(of(lottery, lookup.prizes(lottery.id)))
    lottery.bot_id = bot_id or lottery.bot_id
    for name, value in columns(spec).items():
        setattr(lottery, name, value)
    if lottery.state is LotteryState.SCHEDULED and lottery.opens_at is None:
        # It is published already, so "when published" is now.
        lottery.opens_at = clock.now()
    write_prizes(lottery, spec)
    after = lottery_spec.dump(of(lottery, lookup.prizes(lottery.id)))
    names = sorted(name for name in before | after if before.get(name) != after.get(name))
    audit_act(lottery, "lottery.changed", {name: [before.get(name), after.get(name)] for name in names})
    return lottery


def prepare_beacon() -> BeaconChain | None:
    """The beacon to open lotteries with, None where there is none or it does not answer.

    May ask relays over HTTP: call it before the transaction.
    """
    try:
        return drand.chain()
    except drand.BeaconUnreachable as error:
        log.warning("the beacon does not answer", extra={"reason": str(error)})
        return None


def publish(lottery_id: int, beacon: BeaconChain | None = None) -> Lottery:
    """Opens a draft, or schedules it for its moment; `beacon` is what `prepare_beacon` found.

    Where the beacon should be there and is not, it is scheduled for now, and the sweep opens it within a minute.
    Raises IllegalMove, NotFound, BotGone, TooLate.
    """
    lottery = lookup.get(lottery_id, lock=True)
    if lottery.state is not LotteryState.DRAFT:
        raise IllegalMove(lottery.state)
    check_bot(lottery.tenant_id, lottery.bot_id)
    if lottery.closes_at <= clock.now():
        raise TooLate
    opens_at = max(lottery.opens_at or clock.now(), clock.now())
    if opens_at > clock.now() or beacon_missing(beacon):
        move(lottery, LotteryState.SCHEDULED, opens_at=opens_at)
        audit_act(lottery, "lottery.scheduled", {"opens_at": opens_at.isoformat()})
    else:
        open_now(lottery, beacon)
    return lottery


def beacon_missing(beacon: BeaconChain | None) -> bool:
    """Whether the settings name a beacon that was not to be had."""
    return beacon is None and bool(get_settings().drand_urls)


def open_now(lottery: Lottery, beacon: BeaconChain | None) -> None:
    """Opens a draft or a scheduled one, and makes its commitment and rules public. Raises IllegalMove, TooLate."""
    seen = lottery.state
    lottery = lookup.get(lottery.id, lock=True)
    if lottery.state is not seen or LotteryState.OPEN not in MOVES[seen]:
        # Somebody took it back to change it, or opened it, since it was read.
        raise IllegalMove(lottery.state)
    if lottery.closes_at <= clock.now():
        raise TooLate
    # The record tells whole seconds, and from them everybody has to find the same round.
    closing = events.unix(lottery.closes_at) + BEACON_WAIT
    move(
        lottery,
        LotteryState.OPEN,
        opened_at=clock.now(),
        beacon=asdict(beacon) if beacon else None,
        announced_round=beacon.round_at(closing) if beacon else None,
    )
    shards = 1 if lottery.max_entries else TALLIES
    db.session.add_all(
        LotteryTally(
            tenant_id=lottery.tenant_id, lottery_id=lottery.id, shard=shard, most=lottery.max_entries
        )
        for shard in range(shards)
    )
    events.append(lottery, "opened", opened(lottery, lookup.prizes(lottery.id)))
    posts.queue_all(lottery)
    audit_act(lottery, "lottery.opened", {"commitment": lottery.commitment, "beacon": bool(beacon)})


def back_to_draft(lottery_id: int) -> Lottery:
    """Takes a scheduled one back to be changed. Raises IllegalMove, NotFound."""
    lottery = lookup.get(lottery_id)
    move(lottery, LotteryState.DRAFT)
    audit_act(lottery, "lottery.unscheduled", {})
    return lottery


def close(lottery_id: int, reason: CloseReason = CloseReason.EARLY) -> bool:
    """Ends the taking of entries, after the joins that are running, and has it drawn. False = it was closed before.

    Raises IllegalMove, NotFound.
    """
    lottery = lookup.get(lottery_id, lock=True)
    try:
        move(lottery, LotteryState.DRAWING, closed_at=clock.now(), close_reason=reason)
    except IllegalMove as error:
        if error.state in {LotteryState.DRAWING, LotteryState.DRAWN}:
            return False
        raise
    at = events.unix(lottery.closed_at or clock.now())
    events.append(lottery, "closed", {"reason": reason.value, "at": at})
    slots = select(func.sum(LotteryPrize.quantity)).where(LotteryPrize.lottery_id == lottery.id)
    db.session.add(
        LotteryDraw(
            tenant_id=lottery.tenant_id, lottery_id=lottery.id, slots=int(db.session.scalar(slots) or 0)
        )
    )
    posts.refresh(lottery.id)
    audit_act(lottery, "lottery.closed", {"reason": reason.value})
    enqueue(TaskName.LOTTERIES_DRAW, lottery.id)
    return True


def cancel(lottery_id: int, reason: str) -> Lottery:
    """Ends it without a draw; paid credits go back by themselves. Raises IllegalMove, NotFound, BadReason."""
    reason = public_reason(reason)
    lottery = lookup.get(lottery_id, lock=True)
    moment = clock.now()
    move(lottery, LotteryState.CANCELLED, cancelled_at=moment, cancel_reason=reason)
    events.append(lottery, "cancelled", {"reason": reason})
    if lottery.opened_at is None:
        # Nobody has joined or seen it, so there is nothing to give back or to tell.
        lottery.settled_at = moment
    else:
        posts.refresh(lottery.id)
        enqueue(TaskName.LOTTERIES_SETTLE, lottery.id)
    audit_act(lottery, "lottery.cancelled", {"reason": reason})
    return lottery


def add_by_staff(lottery_id: int, telegram_ids: Collection[int]) -> AddedByStaff:
    """Enters members by hand, all or none; each is flagged and their number is public. Conditions are not asked.

    Raises IllegalMove, NotFound, LotteryClosed, LotteryFull.
    """
    lottery = lookup.get(lottery_id, lock=True)
    if lottery.state is not LotteryState.OPEN:
        raise IllegalMove(lottery.state)
    if lottery.closes_at <= clock.now():
        raise LotteryClosed
    wanted = {
        "tenant": lottery.tenant_id,
        "lottery": lottery.id,
        "bot": lottery.bot_id,
        "staff": STAFF,
        "people": sorted(set(telegram_ids)),
    }
    known = db.session.scalar(_KNOWN, wanted) or 0
    added = len(db.session.execute(_ADD, wanted).all())
    if added and db.session.execute(_COUNT, wanted | {"added": added}).first() is None:
        raise LotteryFull
    if added:
        events.append(lottery, "staff_added", {"count": added})
        # The log can't be changed, so it does not name people who may ask to be erased; the entries tell who it was.
        audit_act(lottery, "lottery.staff_added", {"count": added})
    return AddedByStaff(added, known - added, len(set(telegram_ids)) - known)


def check_bot(tenant_id: int, bot_id: int) -> None:
    """Raises NotFound for a bot of somebody else's, BotGone for one that was removed."""
    bot = bots.get(bot_id)
    if bot.tenant_id != tenant_id:
        raise NotFound
    if bot.removed_at is not None:
        raise BotGone


def _check_picture(tenant_id: int, picture_id: int | None) -> None:
    query = select(Picture.id).where(Picture.id == picture_id, Picture.tenant_id == tenant_id)
    if picture_id is not None and db.session.scalar(query) is None:
        raise BadSpec("picture_id", N_("This picture does not exist. Upload it again."))
