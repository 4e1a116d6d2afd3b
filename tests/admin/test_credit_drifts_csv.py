"""Files of balances as people save them, and everything that may be wrong in them."""

import pytest

from app.domain.balance_csv import MAX_BYTES, MAX_LINES, MOST_TOLD, BadBalances, parse
from app.domain.csv_text import BadFile

ROWS = "telegram_id,balance\r\n7000000001,120\r\n7000000002,-5\r\n"
PAIRS = [(7000000001, 120), (7000000002, -5)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
def test_what_spreadsheets_save_is_read(encoding: str):
    assert parse(ROWS.encode(encoding)) == PAIRS
    assert parse(ROWS.replace("telegram_id,balance", "Telegram 编号,余额").encode(encoding)) == PAIRS


@pytest.mark.parametrize(
    "text",
    [
        "7000000001,120\n7000000002,-5",
        "\n\n7000000001;120\n\n7000000002;-5\n",
        "7000000001\t120\n7000000002\t-5",
        "昵称,余额,telegram_id\n小明,120,7000000001\n,-5,7000000002",
        '"telegram_id","balance"\n"7000000001","120.00"\n\'7000000002,-5',
        '用户ID,积分\n="7000000001",120\n7000000002,-5',
    ],
)
def test_other_shapes_are_read_too(text: str):
    assert parse(text.encode()) == PAIRS


def test_grouped_digits_are_a_number():
    assert parse(b'7000000001,"1,234,567"') == [(7000000001, 1234567)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("7E+09,5", "shortened"),
        ("7.00000000E+09,5", "shortened"),
        ("abc,5", "no Telegram number"),
        ("-7,5", "no Telegram number"),
        ("0,5", "no Telegram number"),
        ("\u0667\u0660,5", "no Telegram number"),
        ("1234567890123456789,5", "no Telegram number"),
        (",5", "number is missing"),
        ("7", "balance is missing"),
        ("7,", "balance is missing"),
        ("7,1.5", "no balance"),
        ("7,1e3", "no balance"),
        ('7,"12,34"', "no balance"),
        ("7,ten", "no balance"),
        ("7,99999999999999999", "no balance"),
        ("5,1", "line 2 already"),
    ],
)
def test_a_wrong_row_is_told_with_its_line(row: str, said: str):
    with pytest.raises(BadBalances) as caught:
        parse(f"telegram_id,balance\n5,1\n\n{row}\n".encode())
    (problem,) = caught.value.problems
    assert problem.line == 4
    assert said in problem.text("en")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no balances"),
        (b"telegram_id,balance\n", "no balances"),
        (b"telegram_id,name\n7,x", "balance"),
        (b"name,balance\nx,7", "telegram_id"),
        (b"\x81\xff\xff", "no readable text"),
        (b'7,"1\n' + b"x" * 200_000, "cannot be read as CSV"),
        (b" " * (MAX_BYTES + 1), "larger than 8 MB"),
        (b"".join(b"%d,1\n" % n for n in range(1, MAX_LINES + 2)), "more than 100,000 lines"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(raw: bytes, said: str):
    with pytest.raises(BadFile) as caught:
        parse(raw)
    assert said in caught.value.text("en")


def test_only_the_first_of_many_problems_are_named():
    with pytest.raises(BadBalances) as caught:
        parse(b"x,1\n" * 500)
    assert len(caught.value.problems) == MOST_TOLD
    assert "500" in caught.value.text("en")


def test_a_full_file_is_read():
    raw = b"".join(b"%d,1\n" % number for number in range(1, MAX_LINES + 1))
    assert len(parse(raw)) == MAX_LINES
