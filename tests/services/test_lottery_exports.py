"""Entries and winners as files."""

import csv
import io
import json
import tracemalloc
from datetime import timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import text

from app.core import clock, xlsx
from app.core.db import db
from app.models import Lottery, LotteryEntry, LotteryWinner, Member
from app.services.lotteries import exports, lookup
from app.services.lotteries.exports import Format, What
from tests.cast import Cast
from tests.lottery_tools import a_bot, an_open, enter

EVIL = '=HYPERLINK("https://evil.example")'


@pytest.fixture
def lottery(cast: Cast) -> Lottery:
    lottery = an_open(a_bot(cast.tenant))
    db.session.add(Member(tenant_id=cast.tenant.id, telegram_id=7, first_name=EVIL, username="eve"))
    db.session.commit()
    enter(lottery, 7, 8)
    return lottery


def written(lottery: Lottery, what: What, form: Format, locale: str = "en") -> bytes:
    file = io.BytesIO()
    exports.write(lottery, what, form, file, locale)
    return file.getvalue()


def test_csv_opens_in_a_spreadsheet_and_calculates_nothing(lottery: Lottery):
    found = written(lottery, What.ENTRIES, Format.CSV)
    assert found.startswith("\ufeff".encode())
    header, first, second = csv.reader(io.StringIO(found.decode("utf-8-sig"), newline=""))
    assert header[:3] == ["Number", "Telegram ID", "Telegram name"]
    assert first[:4] == ["1", "7", "'" + EVIL, "eve"]
    assert second[:4] == ["2", "8", "", ""]
    assert found.count(b"\r\n") == 3


def test_xlsx_holds_texts_and_no_formulas(lottery: Lottery):
    sheet = load_workbook(io.BytesIO(written(lottery, What.ENTRIES, Format.XLSX))).active
    cell = sheet.cell(2, 3)
    assert (cell.value, cell.data_type) == (EVIL, "s")
    assert sheet.cell(3, 2).value == 8
    assert sheet.title == lottery.code


def test_json_has_names_and_moments_in_utc(lottery: Lottery):
    first, _ = json.loads(written(lottery, What.ENTRIES, Format.JSON))
    assert (first["telegram_id"], first["name"], first["by_staff"]) == (7, EVIL, 0)
    assert first["joined_at"].endswith("+00:00")


def test_winners_are_listed_by_place(lottery: Lottery):
    entry = db.session.query(LotteryEntry).filter_by(telegram_id=7).one()
    [prize] = lookup.prizes(lottery.id)
    db.session.add(
        LotteryWinner(
            tenant_id=lottery.tenant_id,
            lottery_id=lottery.id,
            slot=1,
            prize_id=prize.id,
            entry_id=entry.id,
            telegram_id=7,
            rank=1,
            won_at=clock.now(),
            note="by post",
        )
    )
    db.session.commit()
    [row] = json.loads(written(lottery, What.WINNERS, Format.JSON))
    assert (row["slot"], row["prize"], row["state"], row["note"]) == (1, "Mug", "won", "by post")


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize("what", list(What))
def test_an_empty_lottery_gives_a_whole_file(cast: Cast, what: What, form: Format):
    assert written(an_open(a_bot(cast.tenant)), what, form)


def test_batches_follow_each_other_without_gaps(lottery: Lottery, monkeypatch: pytest.MonkeyPatch):
    enter(lottery, *range(100, 125))
    monkeypatch.setattr(exports, "BATCH", 4)
    rows = json.loads(written(lottery, What.ENTRIES, Format.JSON))
    assert [row["number"] for row in rows] == list(range(1, 28))
    assert len({row["telegram_id"] for row in rows}) == 27


def test_many_rows_need_little_memory(lottery: Lottery, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exports, "BATCH", 500)
    db.session.execute(
        text(
            "INSERT INTO lottery_entry (tenant_id, lottery_id, telegram_id, bot_id)"
            " SELECT :t, :l, 1000 + n, :b FROM generate_series(1, 12000) n"
        ),
        {"t": lottery.tenant_id, "l": lottery.id, "b": lottery.bot_id},
    )
    db.session.commit()
    with (tmp_path / "entries.xlsx").open("wb") as file:
        tracemalloc.start()
        count = exports.write(lottery, What.ENTRIES, Format.XLSX, file, "en")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count == 12_002
    assert peak < 4 * 2**20


def test_a_long_table_goes_on_in_further_sheets(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(xlsx, "ROWS_IN_SHEET", 2)
    with (tmp_path / "long.xlsx").open("wb") as file:
        assert xlsx.write(file, "A/b", ["n"], ([n] for n in range(5))) == 5
    book = load_workbook(tmp_path / "long.xlsx", read_only=True)
    assert book.sheetnames == ["A b", "A b 2", "A b 3"]
    assert [row[0] for row in book["A b 3"].values] == ["n", 4]
    book.close()


@pytest.mark.parametrize("value", ["a & <b>", " padded ", "两行\n字", "🎉", "x" * 32_767, 10**15, "0012"])
def test_cells_come_back_as_they_were(value: str | int):
    file = io.BytesIO()
    xlsx.write(file, "t", ["h"], [[value]])
    assert load_workbook(file).active.cell(2, 1).value == (str(value) if value == 10**15 else value)


def test_what_looks_like_an_escape_is_no_escape():
    file = io.BytesIO()
    xlsx.write(file, "t", ["h"], [["_x0041_"]])
    # Spreadsheets read this as the text itself; unescaped they would show an A.
    assert load_workbook(file).active.cell(2, 1).value == "_x005F_x0041_"


def test_signs_that_no_file_may_hold_are_left_out():
    file = io.BytesIO()
    xlsx.write(file, "t", ["h"], [["a\x00b\x1bc\ufffed"]])
    assert load_workbook(file).active.cell(2, 1).value == "abcd"


def test_moments_are_in_the_tenants_zone(lottery: Lottery):
    entry = db.session.query(LotteryEntry).filter_by(telegram_id=7).one()
    found = written(lottery, What.ENTRIES, Format.CSV).decode()
    assert (entry.created_at + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S") in found
