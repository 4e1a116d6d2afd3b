"""Reads what a boss decides about a lottery, from `lottery.json`, the API, a template or a form, and writes it back."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from app.core import clock
from app.core.i18n import N_
from app.domain.lotteries import (
    MAX_ACCOUNT_DAYS,
    MAX_CHANNELS,
    MAX_CLAIM_HOURS,
    MAX_CREDITS,
    MAX_DAYS_OPEN,
    MAX_DESCRIPTION,
    MAX_ENTRIES,
    MAX_INVITES,
    MAX_POSTS,
    MAX_PRIZE_NAME,
    MAX_PRIZES,
    MAX_TICKETS,
    MAX_TITLE,
    MAX_WINNERS,
    Condition,
    ConditionKind,
    LotterySpec,
    PrizeSpec,
    TicketRules,
)
from app.domain.lottery_fields import (
    TELEGRAM_URL,
    BadSpec,
    Body,
    flag,
    items,
    mapping,
    moment,
    number,
    read_chat,
    required,
    text,
)

_AMOUNTS: Final[Mapping[ConditionKind, tuple[str, int]]] = {
    ConditionKind.INVITES: ("count", MAX_INVITES),
    ConditionKind.CREDITS: ("amount", MAX_CREDITS),
    ConditionKind.ACCOUNT_AGE: ("days", MAX_ACCOUNT_DAYS),
}
FIELDS: Final = frozenset(
    [
        "title",
        "description",
        "prizes",
        "opens_at",
        "closes_at",
        "max_entries",
        "closes_when_full",
        "conditions",
        "tickets",
        "publish_to",
        "claim_hours",
        "picture_id",
    ]
)
MOMENTS: Final = ("opens_at", "closes_at")


def read(data: Body, *, tz: tzinfo = UTC, at: datetime | None = None) -> LotterySpec:
    """The checked spec. Naive moments are of zone `tz`; `at` stands for now. Raises BadSpec."""
    fields = mapping(data, "", FIELDS)
    opens_at = moment(fields, "opens_at", tz)
    closes_at = moment(fields, "closes_at", tz)
    if closes_at is None:
        raise BadSpec("closes_at", N_("This is required."))
    _check_moments(opens_at, closes_at, at or clock.now())
    max_entries = number(fields, "max_entries", 1, MAX_ENTRIES)
    return LotterySpec(
        title=required(text(fields, "title", MAX_TITLE), "title"),
        description=text(fields, "description", MAX_DESCRIPTION, lines=True),
        prizes=_prizes(fields),
        opens_at=opens_at,
        closes_at=closes_at,
        max_entries=max_entries,
        closes_when_full=_closes_when_full(fields, max_entries),
        conditions=_conditions(fields),
        tickets=_tickets(fields),
        publish_to=_chats(fields),
        claim_hours=number(fields, "claim_hours", 1, MAX_CLAIM_HOURS),
        picture_id=number(fields, "picture_id", 1, 2**63 - 1),
    )


def dump(spec: LotterySpec) -> dict[str, object]:
    """What `read` makes the same spec of; fields at their default are left out."""
    whole: dict[str, object] = {
        "title": spec.title,
        "description": spec.description,
        "prizes": [prize_json(prize) for prize in spec.prizes],
        "opens_at": spec.opens_at.isoformat() if spec.opens_at else None,
        "closes_at": spec.closes_at.isoformat(),
        "max_entries": spec.max_entries,
        "closes_when_full": spec.closes_when_full,
        "conditions": [condition_json(condition) for condition in spec.conditions],
        "tickets": tickets_json(spec.tickets),
        "publish_to": list(spec.publish_to),
        "claim_hours": spec.claim_hours,
        "picture_id": spec.picture_id,
    }
    return {name: value for name, value in whole.items() if value}


def rules(spec: LotterySpec) -> dict[str, object]:
    """The public rules, as the event "opened" holds them; every field is always there."""
    return {
        "description": spec.description,
        "prizes": [
            {"name": prize.name, "quantity": prize.quantity, "credits": prize.credits}
            for prize in spec.prizes
        ],
        "conditions": [condition_json(condition) for condition in spec.conditions],
        "tickets": tickets_json(spec.tickets),
        "max_entries": spec.max_entries,
        "closes_when_full": spec.closes_when_full,
        "claim_hours": spec.claim_hours,
    }


def prize_json(prize: PrizeSpec) -> dict[str, object]:
    """As in `lottery.json`."""
    credits_ = {"credits": prize.credits} if prize.credits else {}
    return {"name": prize.name, "quantity": prize.quantity, **credits_}


def condition_json(condition: Condition) -> dict[str, object]:
    """As in `lottery.json`; also the form in which lotteries keep their conditions."""
    found: dict[str, object] = {"type": condition.kind.value}
    if condition.kind is not ConditionKind.CHANNEL:
        return found | {_AMOUNTS[condition.kind][0]: condition.amount}
    told = {"chat": condition.chat, "title": condition.title, "url": condition.url}
    return found | {name: value for name, value in told.items() if value}


def tickets_json(tickets: TicketRules) -> dict[str, object]:
    """As in `lottery.json`; empty where everybody holds one ticket."""
    told: dict[str, object] = {
        "per_invite": tickets.per_invite,
        "per_boost": tickets.per_boost,
        "boost_chat": tickets.boost_chat,
        "price": tickets.price,
    }
    given = {name: value for name, value in told.items() if value}
    return given | {"max": tickets.most} if given else {}


def read_conditions(rows: object) -> tuple[Condition, ...]:
    """Conditions as a lottery keeps them. Raises BadSpec."""
    return _conditions({"conditions": rows})


def read_tickets(row: object) -> TicketRules:
    """Ticket rules as a lottery keeps them. Raises BadSpec."""
    return _tickets({"tickets": row})


def _check_moments(opens_at: datetime | None, closes_at: datetime, at: datetime) -> None:
    longest = timedelta(days=MAX_DAYS_OPEN)
    if opens_at and opens_at > at + longest:
        raise BadSpec("opens_at", N_("This must be within %(days)s days."), days=MAX_DAYS_OPEN)
    if closes_at <= at:
        raise BadSpec("closes_at", N_("This must be in the future."))
    if opens_at and closes_at <= opens_at:
        raise BadSpec("closes_at", N_("This must be after the opening."))
    if closes_at > max(opens_at or at, at) + longest:
        raise BadSpec("closes_at", N_("A lottery is open for %(days)s days at most."), days=MAX_DAYS_OPEN)


def _prizes(data: Body) -> tuple[PrizeSpec, ...]:
    prizes = tuple(required(items(data, "prizes", MAX_PRIZES, _prize), "prizes"))
    if sum(prize.quantity for prize in prizes) > MAX_WINNERS:
        raise BadSpec("prizes", N_("All prizes together must not be more than %(most)s."), most=MAX_WINNERS)
    return prizes


def _prize(value: object, field: str) -> PrizeSpec:
    data = mapping(value, field, ("name", "quantity", "credits"))
    return PrizeSpec(
        name=required(text(data, "name", MAX_PRIZE_NAME, parent=field), f"{field}.name"),
        quantity=number(data, "quantity", 1, MAX_WINNERS, parent=field) or 1,
        credits=number(data, "credits", 1, MAX_CREDITS, parent=field),
    )


def _closes_when_full(data: Body, max_entries: int | None) -> bool:
    wanted = flag(data, "closes_when_full")
    if wanted and max_entries is None:
        raise BadSpec("max_entries", N_("A lottery that ends when it is full needs a limit of entries."))
    return wanted


def _conditions(data: Body) -> tuple[Condition, ...]:
    found = tuple(items(data, "conditions", MAX_CHANNELS + len(_AMOUNTS), _condition))
    seen: set[tuple[ConditionKind, str]] = set()
    for place, condition in enumerate(found):
        mark = (condition.kind, condition.chat.lower())
        if mark in seen:
            raise BadSpec(f"conditions[{place}]", N_("This is there twice."))
        seen.add(mark)
    if sum(condition.kind is ConditionKind.CHANNEL for condition in found) > MAX_CHANNELS:
        raise BadSpec(
            "conditions", N_("Not more than %(most)s channels can be asked for."), most=MAX_CHANNELS
        )
    return found


def _condition(value: object, field: str) -> Condition:
    kinds = {kind.value: kind for kind in ConditionKind}
    kind = kinds.get(str(value.get("type"))) if isinstance(value, Mapping) else None
    if kind is None:
        raise BadSpec(f"{field}.type", N_("This must be one of: %(kinds)s."), kinds=", ".join(kinds))
    if kind is ConditionKind.CHANNEL:
        return _channel(mapping(value, field, ("type", "chat", "title", "url")), field)
    name, most = _AMOUNTS[kind]
    data = mapping(value, field, ("type", name))
    return Condition(kind, amount=required(number(data, name, 1, most, parent=field), f"{field}.{name}"))


def _channel(data: Body, field: str) -> Condition:
    url = text(data, "url", 120, parent=field)
    if url and not TELEGRAM_URL.fullmatch(url):
        raise BadSpec(f"{field}.url", N_("This must be a link that begins with https://t.me/."))
    return Condition(
        ConditionKind.CHANNEL,
        chat=read_chat(data.get("chat"), f"{field}.chat"),
        title=text(data, "title", MAX_TITLE, parent=field),
        url=url,
    )


def _tickets(data: Body) -> TicketRules:
    value = data.get("tickets")
    if not value and (value is None or isinstance(value, Mapping)):
        return TicketRules()
    found = mapping(value, "tickets", ("per_invite", "per_boost", "boost_chat", "price", "max"))
    extra = {
        name: number(found, name, 0, high, parent="tickets") or 0
        for name, high in (("per_invite", MAX_TICKETS), ("per_boost", MAX_TICKETS), ("price", MAX_CREDITS))
    }
    most = number(found, "max", 1, MAX_TICKETS, parent="tickets")
    chat = found.get("boost_chat") or ""
    if bool(chat) != bool(extra["per_boost"]):
        raise BadSpec(
            "tickets.boost_chat", N_("Tickets for boosts need the channel, and the channel needs them.")
        )
    if not any(extra.values()):
        if (most or 1) > 1:
            raise BadSpec("tickets.max", N_("Say what gives more tickets: friends, boosts or credits."))
        return TicketRules()
    if most == 1:
        raise BadSpec("tickets.max", N_("This must be 2 or more where tickets can be earned."))
    return TicketRules(
        per_invite=extra["per_invite"],
        per_boost=extra["per_boost"],
        boost_chat=read_chat(chat, "tickets.boost_chat") if chat else "",
        price=extra["price"],
        most=most or MAX_TICKETS,
    )


def _chats(data: Body) -> tuple[str, ...]:
    found = items(data, "publish_to", MAX_POSTS, read_chat)
    for place, chat in enumerate(found):
        if chat.lower() in {one.lower() for one in found[:place]}:
            raise BadSpec(f"publish_to[{place}]", N_("This is there twice."))
    return tuple(found)
