"""Reading what a boss decides: every limit, a clear word on what is wrong, and back again."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import lottery_spec
from app.domain.lotteries import Condition, ConditionKind, LotterySpec, PrizeSpec, TicketRules
from app.domain.lottery_fields import BadSpec, read_chat
from app.models import Lottery, LotteryPrize
from app.services.lotteries import lookup, spec
from tests.cast import Cast
from tests.lottery_tools import a_bot, an_open

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SOON = "2030-01-05T12:00:00+00:00"
SMALLEST = {"title": "Draw", "prizes": [{"name": "Mug"}], "closes_at": SOON}


def read(**fields: object) -> LotterySpec:
    return lottery_spec.read(SMALLEST | fields, at=NOW)


def wrong_field(**fields: object) -> str:
    with pytest.raises(BadSpec) as caught:
        read(**fields)
    assert caught.value.text("zh_Hans_CN").startswith(caught.value.field)
    return caught.value.field


def test_the_smallest_lottery():
    found = read()
    assert found == LotterySpec("Draw", (PrizeSpec("Mug"),), datetime(2030, 1, 5, 12, tzinfo=UTC))


def test_everything_that_may_be_said():
    found = read(
        description=" Two\r\nlines ",
        opens_at="2030-01-02",
        max_entries="50",
        closes_when_full=True,
        conditions=[
            {
                "type": "channel",
                "chat": "https://t.me/some_channel",
                "title": "Ours",
                "url": "https://t.me/+AbC",
            },
            {"type": "invites", "count": 3},
            {"type": "credits", "amount": 10},
            {"type": "account_age", "days": 7},
        ],
        tickets={"per_invite": 1, "per_boost": 2, "boost_chat": -1001234567890, "price": 5, "max": 20},
        publish_to=["@some_channel", "-1001234567890"],
        claim_hours=48,
        picture_id=3,
    )
    assert found.description == "Two\nlines"
    assert found.opens_at == datetime(2030, 1, 2, tzinfo=UTC)
    assert found.conditions[0] == Condition(
        ConditionKind.CHANNEL, chat="@some_channel", title="Ours", url="https://t.me/+AbC"
    )
    assert [condition.amount for condition in found.conditions[1:]] == [3, 10, 7]
    assert found.tickets == TicketRules(1, 2, "-1001234567890", 5, 20)
    assert found.publish_to == ("@some_channel", "-1001234567890")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"title": None}, "title"),
        ({"title": "  "}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"title": "turn\u202earound"}, "title"),
        ({"title": "half\ud800"}, "title"),
        ({"title": 5}, "title"),
        ({"description": "x" * 2001}, "description"),
        ({"description": "nul\0"}, "description"),
        ({"prizes": []}, "prizes"),
        ({"prizes": "Mug"}, "prizes"),
        ({"prizes": [{"name": "Mug"}] * 21}, "prizes"),
        ({"prizes": [{"name": "Mug", "quantity": 6000}, {"name": "Cup", "quantity": 6000}]}, "prizes"),
        ({"prizes": [{"name": "Mug"}, {"quantity": 2}]}, "prizes[1].name"),
        ({"prizes": [{"name": "x" * 81}]}, "prizes[0].name"),
        ({"prizes": [{"name": "Mug", "quantity": 0}]}, "prizes[0].quantity"),
        ({"prizes": [{"name": "Mug", "quantity": True}]}, "prizes[0].quantity"),
        ({"prizes": [{"name": "Mug", "quantity": 1.5}]}, "prizes[0].quantity"),
        ({"prizes": [{"name": "Mug", "credits": 10**12 + 1}]}, "prizes[0].credits"),
        ({"prizes": [{"name": "Mug", "size": 1}]}, "prizes[0].size"),
        ({"prizes": ["Mug"]}, "prizes[0]"),
        ({"closes_at": None}, "closes_at"),
        ({"closes_at": "tomorrow"}, "closes_at"),
        ({"closes_at": 1893456000}, "closes_at"),
        ({"closes_at": "2030-01-01T00:00+00:00"}, "closes_at"),
        ({"closes_at": "9999-12-31T23:59-12:00"}, "closes_at"),
        ({"closes_at": "2031-01-03T00:00"}, "closes_at"),
        ({"opens_at": SOON}, "closes_at"),
        ({"opens_at": "2031-02-01T00:00"}, "opens_at"),
        ({"max_entries": 0}, "max_entries"),
        ({"max_entries": 10_000_001}, "max_entries"),
        ({"max_entries": "²"}, "max_entries"),
        ({"closes_when_full": True}, "max_entries"),
        ({"closes_when_full": "yes", "max_entries": 5}, "closes_when_full"),
        ({"conditions": [{"type": "luck"}]}, "conditions[0].type"),
        ({"conditions": [{"type": ["channel"]}]}, "conditions[0].type"),
        ({"conditions": ["channel"]}, "conditions[0].type"),
        ({"conditions": [{"type": "channel", "chat": "@abc"}]}, "conditions[0].chat"),
        ({"conditions": [{"type": "channel", "chat": "@some_channel", "count": 1}]}, "conditions[0].count"),
        (
            {"conditions": [{"type": "channel", "chat": "@some_channel", "url": "https://x.y"}]},
            "conditions[0].url",
        ),
        ({"conditions": [{"type": "channel", "chat": f"@channel_{n}"} for n in range(6)]}, "conditions"),
        (
            {"conditions": [{"type": "channel", "chat": c} for c in ("@some_channel", "@Some_Channel")]},
            "conditions[1]",
        ),
        ({"conditions": [{"type": "invites"}]}, "conditions[0].count"),
        ({"conditions": [{"type": "invites", "count": 1001}]}, "conditions[0].count"),
        ({"conditions": [{"type": "invites", "count": 1}, {"type": "invites", "count": 2}]}, "conditions[1]"),
        ({"conditions": [{"type": "credits", "amount": 0}]}, "conditions[0].amount"),
        ({"conditions": [{"type": "account_age", "days": 4000}]}, "conditions[0].days"),
        ({"tickets": {"per_invite": 101, "max": 5}}, "tickets.per_invite"),
        ({"tickets": {"per_invite": 1, "max": 101}}, "tickets.max"),
        ({"tickets": {"per_invite": 1, "max": 1}}, "tickets.max"),
        ({"tickets": {"max": 5}}, "tickets.max"),
        ({"tickets": {"per_boost": 1, "max": 5}}, "tickets.boost_chat"),
        ({"tickets": {"boost_chat": "@some_channel", "max": 5}}, "tickets.boost_chat"),
        ({"tickets": {"luck": 1}}, "tickets.luck"),
        ({"tickets": 3}, "tickets"),
        ({"publish_to": "@some_channel"}, "publish_to"),
        ({"publish_to": ["some_channel"]}, "publish_to[0]"),
        ({"publish_to": ["-12345"]}, "publish_to[0]"),
        ({"publish_to": ["@some_channel", "t.me/SOME_channel"]}, "publish_to[1]"),
        ({"claim_hours": 1441}, "claim_hours"),
        ({"picture_id": -1}, "picture_id"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, object], field: str):
    assert wrong_field(**fields) == field


def test_a_body_must_be_an_object():
    with pytest.raises(BadSpec):
        lottery_spec.read(["title"], at=NOW)  # type: ignore[arg-type]


def test_naive_moments_are_the_tenants():
    found = lottery_spec.read(
        SMALLEST | {"closes_at": "2030-06-01T20:00"}, tz=ZoneInfo("Europe/Berlin"), at=NOW
    )
    assert found.closes_at == datetime(2030, 6, 1, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("@some_channel", "@some_channel"),
        (" https://t.me/some_channel ", "@some_channel"),
        ("http://telegram.me/some_channel/", "@some_channel"),
        ("t.me/Some_Channel", "@Some_Channel"),
        (-1001234567890, "-1001234567890"),
        ("-1001234567890", "-1001234567890"),
    ],
)
def test_chats_as_people_paste_them(given: object, expected: str):
    assert read_chat(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        "",
        "@abcd",
        "@" + "a" * 33,
        "@1channel",
        "https://t.me/+AbCdEf",
        "https://evil.me/abcde",
        None,
        True,
        5,
    ],
)
def test_what_is_no_chat(given: object):
    with pytest.raises(BadSpec):
        read_chat(given)


def test_a_stored_lottery_gives_its_spec_back(cast: Cast):
    lottery = an_open(
        a_bot(cast.tenant),
        prizes=[{"name": "Mug", "quantity": 2}, {"name": "Points", "credits": 5}],
        conditions=[{"type": "channel", "chat": "@some_channel"}],
        tickets={"per_invite": 1},
    )
    prizes = lookup.prizes(lottery.id)
    found = spec.of(lottery, prizes)
    assert lottery_spec.read(lottery_spec.dump(found)) == found
    assert spec.rules(lottery, prizes) == lottery_spec.rules(found)
    assert [type(prize) for prize in prizes] == [LotteryPrize, LotteryPrize]
    assert isinstance(lottery, Lottery)


words = st.text(
    st.characters(
        exclude_categories=("Cc", "Cs"),
        exclude_characters="\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    ),
    min_size=1,
    max_size=30,
).filter(lambda text: text.strip() == text and text)
chats = st.from_regex(r"@[A-Za-z][A-Za-z0-9_]{4,31}|-100[1-9][0-9]{5,12}", fullmatch=True)
prizes = st.builds(PrizeSpec, words, st.integers(1, 400), st.none() | st.integers(1, 10**12))
channels = st.builds(
    lambda chat, title, url: Condition(ConditionKind.CHANNEL, 0, chat, title, url),
    chats,
    st.just("") | words,
    st.sampled_from(["", "https://t.me/some_channel", "https://t.me/+AbC-d"]),
)
others = st.tuples(
    st.none() | st.integers(1, 1000).map(lambda count: Condition(ConditionKind.INVITES, count)),
    st.none() | st.integers(1, 10**12).map(lambda amount: Condition(ConditionKind.CREDITS, amount)),
    st.none() | st.integers(1, 3650).map(lambda days: Condition(ConditionKind.ACCOUNT_AGE, days)),
).map(lambda found: [condition for condition in found if condition])
conditions = st.tuples(st.lists(channels, max_size=5, unique_by=lambda one: one.chat.lower()), others)
tickets = st.just(TicketRules()) | st.builds(
    lambda boost, invite, price, most: TicketRules(invite, boost[0], boost[1], price, most),
    st.just((0, "")) | st.tuples(st.integers(1, 100), chats),
    st.integers(1, 100),
    st.integers(0, 10**12),
    st.integers(2, 100),
)
zones = st.sampled_from([UTC, ZoneInfo("Asia/Shanghai"), timezone(timedelta(hours=-7))])


@st.composite
def specs(draw: st.DrawFn) -> LotterySpec:
    opens = draw(st.none() | st.integers(1, 366 * 86_400))
    closes = (opens or 0) + draw(st.integers(1, 366 * 86_400))
    limit = draw(st.none() | st.integers(1, 10_000_000))
    many, few = draw(conditions)
    return LotterySpec(
        title=draw(words),
        prizes=tuple(draw(st.lists(prizes, min_size=1, max_size=20))),
        closes_at=NOW + timedelta(seconds=closes),
        description=draw(st.just("") | words),
        opens_at=NOW + timedelta(seconds=opens) if opens else None,
        max_entries=limit,
        closes_when_full=limit is not None and draw(st.booleans()),
        conditions=(*many, *few),
        tickets=draw(tickets),
        publish_to=tuple(draw(st.lists(chats, max_size=20, unique_by=str.lower))),
        claim_hours=draw(st.none() | st.integers(1, 1440)),
        picture_id=draw(st.none() | st.integers(1, 2**63 - 1)),
    )


@given(specs(), zones)
def test_reading_undoes_dumping(found: LotterySpec, tz):
    assert lottery_spec.read(lottery_spec.dump(found), tz=tz, at=NOW) == found


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*SMALLEST, *lottery_spec.FIELDS]), json_values, max_size=6))
def test_any_body_is_read_or_refused(body: dict[str, object]):
    with suppress(BadSpec):
        found = lottery_spec.read({**SMALLEST, **body}, at=NOW)
        assert lottery_spec.read(lottery_spec.dump(found), at=NOW) == found
