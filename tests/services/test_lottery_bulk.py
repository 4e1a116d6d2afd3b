"""Many lotteries out of one CSV file."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import process_time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.domain import lottery_csv
from app.domain.csv_text import BadFile
from app.domain.lotteries import ConditionKind, LotteryState
from app.models import Lottery
from app.services.lotteries import bulk
from app.services.lotteries.errors import BadRows
from tests.cast import Cast
from tests.lottery_tools import a_bot

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
HEADER = "title,prizes,closes_at"


def lines(text: str, encoding: str = "utf-8"):
    return lottery_csv.parse(text.encode(encoding), tz=SHANGHAI, at=NOW)


def tomorrow() -> str:
    return (clock.now() + timedelta(days=1)).strftime("%Y/%m/%d %H:%M")


def spec(text: str):
    [line] = lines(text)
    assert line.error is None
    return line.spec


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_the_file_is_read_as_spreadsheets_save_it(encoding: str):
    [line] = lines("标题,奖品,截止时间\r\n周末抽奖,红包*3,2030/1/5 20:00\r\n", encoding)
    assert (line.number, line.title) == (2, "周末抽奖")
    assert line.spec.closes_at == datetime(2030, 1, 5, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_any_usual_delimiter_will_do(delimiter: str):
    row = delimiter.join(["A", "Mug", "2030-02-01 08:00"])
    assert spec(HEADER.replace(",", delimiter) + "\n" + row).title == "A"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("Mug", [("Mug", 1, None)]),
        ("Mug*2; Cup x 3\uff1bPen\xd74", [("Mug", 2, None), ("Cup", 3, None), ("Pen", 4, None)]),
        ("100 points*3=100", [("100 points", 3, 100)]),
        ("Bonus=50", [("Bonus", 1, 50)]),
        ("Model x2 phone", [("Model x2 phone", 1, None)]),
        ("iPhone 17 Max", [("iPhone 17 Max", 1, None)]),
    ],
)
def test_prizes_are_written_short(cell: str, expected: list[tuple[str, int, int | None]]):
    found = spec(f'{HEADER}\nA,"{cell}",2030-02-01')
    assert [(prize.name, prize.quantity, prize.credits) for prize in found.prizes] == expected


def test_every_column_counts():
    found = spec(
        "title,description,prizes,opens_at,closes_at,max_entries,closes_when_full,channels,invites,credits,"
        "account_days,publish_to,claim_hours\n"
        'A,"Two\nlines",Mug,2030-01-02 10:00,2030-01-03 10:00,50,是,@one_chan https://t.me/two_chan,3,10,7,@one_chan,48'
    )
    assert found.description == "Two\nlines"
    assert (found.max_entries, found.closes_when_full, found.claim_hours) == (50, True, 48)
    assert [condition.chat for condition in found.conditions[:2]] == ["@one_chan", "@two_chan"]
    assert [condition.kind for condition in found.conditions[2:]] == [
        ConditionKind.INVITES,
        ConditionKind.CREDITS,
        ConditionKind.ACCOUNT_AGE,
    ]


def test_each_wrong_line_is_named_with_its_number():
    found = lines(
        f'{HEADER}\n"A\nB",Mug,2030-02-01\n\nC,Mug,yesterday\nD,Mug,2030-02-01,more\nE,Mug,2030-02-01\n'
    )
    assert [(line.number, line.error and line.error.field) for line in found] == [
        (2, "title"),
        (5, "closes_at"),
        (6, "columns"),
        (7, None),
    ]


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"", "no lottery"),
        (HEADER.encode(), "no lottery"),
        (b"title,prizes\nA,Mug", "missing"),
        (b"title,prizes,closes_at,colour\n", "colour"),
        (b"title,prizes,closes_at,title\n", "twice"),
        (b"\xff\xff\xff\xff", "readable"),
        (b"x" * (2**20 + 1), "larger"),
        (f'{HEADER}\nA,"{"x" * 200_000}",2030-02-01'.encode(), "Line 2"),
        ((HEADER + "\nA,Mug,2030-02-01" * 501).encode(), "500"),
    ],
)
def test_what_is_wrong_with_the_whole_file_is_said(raw: bytes, word: str):
    with pytest.raises(BadFile) as caught:
        lottery_csv.parse(raw, tz=SHANGHAI, at=NOW)
    assert word in str(caught.value)


def test_blanks_keep_nobody_waiting():
    row = 'A,"' + ";".join(["a" + " " * 150 + "b"] * 800) + '",2030-02-01\n'
    before = process_time()
    lottery_csv.parse((HEADER + "\n" + row * 8).encode(), tz=SHANGHAI, at=NOW)
    assert process_time() - before < 5


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: (HEADER + "\n" + text).encode()))
def test_no_file_is_more_than_refused(raw: bytes):
    with suppress(BadFile):
        found = lottery_csv.parse(raw, tz=SHANGHAI, at=NOW)
        assert all((line.spec is None) != (line.error is None) for line in found)


def test_all_are_made_or_none(cast: Cast):
    bot = a_bot(cast.tenant)
    good = "".join(f"\nDraw {number},Mug*2,{tomorrow()}" for number in range(3))
    with pytest.raises(BadRows) as caught, transaction():
        bulk.create_all(cast.tenant.id, bot.id, (HEADER + good + f"\n,Mug,{tomorrow()}").encode())
    assert [line.number for line in caught.value.lines] == [5]
    assert "title" in caught.value.text("zh_Hans_CN")
    assert db.session.scalar(select(func.count()).select_from(Lottery)) == 0


def test_the_files_lotteries_become_drafts(cast: Cast):
    bot = a_bot(cast.tenant)
    raw = f"{HEADER}\nA,Mug,{tomorrow()}\nB,Mug,{tomorrow()}".encode()
    with transaction():
        made = bulk.create_all(cast.tenant.id, bot.id, raw)
    assert [(lottery.title, lottery.state) for lottery in made] == [
        ("A", LotteryState.DRAFT),
        ("B", LotteryState.DRAFT),
    ]
