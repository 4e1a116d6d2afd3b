"""Between what a boss decided (LotterySpec) and the rows that keep it."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.core.db import db
from app.core.errors import NotFound
from app.domain import lottery_spec
from app.domain.lotteries import LotterySpec, PrizeSpec
from app.models import Lottery, LotteryPrize, Tenant
from app.services.lotteries.events import unix


def read(tenant_id: int, data: Mapping[str, object]) -> LotterySpec:
    """From `lottery.json` or the like; naive moments are of the tenant's zone. Raises BadSpec, NotFound."""
    return lottery_spec.read(data, tz=zone(tenant_id))


def zone(tenant_id: int) -> ZoneInfo:
    """The tenant's time zone. Raises NotFound."""
    name = db.session.scalar(select(Tenant.timezone).where(Tenant.id == tenant_id))
    if name is None:
        raise NotFound
    return ZoneInfo(name)


def locale(tenant_id: int) -> str:
    """The tenant's language, for what is written down for its people. Raises NotFound."""
    found = db.session.scalar(select(Tenant.locale).where(Tenant.id == tenant_id))
    if found is None:
        raise NotFound
    return found


def of(lottery: Lottery, prizes: Sequence[LotteryPrize]) -> LotterySpec:
    """The spec that a lottery was made of."""
    return LotterySpec(
        title=lottery.title,
        description=lottery.description,
        prizes=tuple(PrizeSpec(prize.name, prize.quantity, prize.credits) for prize in prizes),
        opens_at=lottery.opens_at,
        closes_at=lottery.closes_at,
        max_entries=lottery.max_entries,
        closes_when_full=lottery.closes_when_full,
        conditions=lottery_spec.read_conditions(lottery.conditions),
        tickets=lottery_spec.read_tickets(lottery.tickets),
        publish_to=tuple(str(chat) for chat in lottery.publish_to),
        claim_hours=lottery.claim_hours,
        picture_id=lottery.picture_id,
    )


def columns(spec: LotterySpec) -> dict[str, object]:
    """The lottery's columns that follow from the spec, prizes apart."""
    return {
        "title": spec.title,
        "description": spec.description,
        "opens_at": spec.opens_at,
        "closes_at": spec.closes_at,
        "max_entries": spec.max_entries,
        "closes_when_full": spec.closes_when_full,
        "conditions": [lottery_spec.condition_json(condition) for condition in spec.conditions],
        "tickets": lottery_spec.tickets_json(spec.tickets),
        "publish_to": list(spec.publish_to),
        "claim_hours": spec.claim_hours,
        "picture_id": spec.picture_id,
    }


def rules(lottery: Lottery, prizes: Sequence[LotteryPrize]) -> dict[str, object]:
    """The public rules, as the event "opened" holds them."""
    return lottery_spec.rules(of(lottery, prizes))


def opened(lottery: Lottery, prizes: Sequence[LotteryPrize]) -> dict[str, object]:
    """The body of the event "opened" of a lottery that is open."""
    return {
        "code": lottery.code,
        "title": lottery.title,
        "rules": rules(lottery, prizes),
        "opens_at": unix(lottery.opened_at or lottery.opens_at or lottery.created_at),
        "closes_at": unix(lottery.closes_at),
        "commitment": lottery.commitment,
        "beacon": lottery.beacon,
        "announced_round": lottery.announced_round,
    }
