"""What a pressed button is answered fits into the small window that Telegram gives it, in both languages."""

from datetime import UTC, datetime

import pytest

from app.core.errors import AppError
from app.core.i18n import LOCALES, translate
from app.domain.lotteries import (
    MAX_ACCOUNT_DAYS,
    MAX_CHANNELS,
    MAX_CREDITS,
    MAX_INVITES,
    MAX_TITLE,
    Condition,
    ConditionKind,
)
from app.domain.sending import MAX_NOTE, utf16_length
from app.domain.wording import Place
from app.services.credits import InsufficientCredits
from app.services.lotteries.conditions import Known, Missing, check
from app.services.lotteries.errors import AlreadyJoined, LotteryClosed, LotteryFull
from app.services.lotteries.receipts import NotSealed
from app.services.lotteries.tickets import NoTickets
from app.services.lotteries.winners import ClaimOver, NothingToClaim
from tests import i18n

FILES = ("bots/joining.py", "bots/conversations/lottery_join.py", "bots/conversations/my_lotteries.py")
MESSAGES = ("%(title)s", "%(prize)s")
"""What names a lottery or a prize is a message or a button, for which Telegram has more room or we cut."""
ERRORS = [
    AlreadyJoined,
    LotteryClosed,
    LotteryFull,
    NoTickets,
    NotSealed,
    ClaimOver,
    NothingToClaim,
]
FAR = "Asia/Kathmandu"
TOP = [
    *(
        Condition(ConditionKind.CHANNEL, chat=f"@{n:a<32}", title="🎁" * MAX_TITLE)
        for n in range(MAX_CHANNELS)
    ),
    Condition(ConditionKind.INVITES, amount=MAX_INVITES),
    Condition(ConditionKind.CREDITS, amount=MAX_CREDITS),
    Condition(ConditionKind.ACCOUNT_AGE, amount=MAX_ACCOUNT_DAYS),
]


def missing(*conditions: Condition) -> Missing:
    return Missing(check(conditions, Known(), {}, datetime.now(UTC)))


def alerts() -> list[str]:
    """The texts of joining and claiming that stand in the code."""
    return [
        message.id
        for message in i18n.load()
        if isinstance(message.id, str)
        and {name for name, _ in message.locations} & set(FILES)
        and not any(name in message.id for name in MESSAGES)
    ]


@pytest.mark.parametrize("locale", LOCALES)
def test_every_alert_fits_however_large_its_numbers_are(locale: str):
    place = Place(locale, FAR)
    long = dict.fromkeys(
        ("credits", "have", "balance", "held", "boosts", "count", "most", "number"), MAX_CREDITS
    )
    long["time"] = place.time(datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    assert len(alerts()) > 10
    assert [text for text in alerts() if utf16_length(translate(locale, text, **long)) > MAX_NOTE] == []


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    "error", [InsufficientCredits(balance=MAX_CREDITS), *(one() for one in ERRORS)], ids=str
)
def test_every_refusal_fits(error: AppError, locale: str):
    assert utf16_length(error.text(locale)) <= MAX_NOTE


@pytest.mark.parametrize("locale", LOCALES)
def test_each_missing_condition_fits_alone(locale: str):
    assert [one for one in TOP if utf16_length(missing(one).text(locale)) > MAX_NOTE] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_of_many_missing_conditions_it_says_how_many_more_there_are(locale: str):
    text = missing(*TOP).text(locale)
    shown = text.count("\n")
    assert utf16_length(text) <= MAX_NOTE
    assert shown > 0
    assert str(len(TOP) - shown) in text.splitlines()[-1]


def test_few_missing_conditions_are_all_said():
    assert missing(*TOP[-3:]).text("en").count("\n") == 2
