"""Balances of a partner in a CSV file: `telegram_id,balance`, with or without a header row.

Columns of other names are left alone. Every row that is wrong is told with its line, the first ones of them.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from app.core.errors import BadInput
from app.core.i18n import N_, translate
from app.domain.csv_text import BadFile, decode

MAX_LINES: Final = 100_000
MAX_BYTES: Final = 8 * 2**20
MOST_TOLD: Final = 20
_NAMES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("telegram_id", "telegram id", "telegramid", "user_id", "tg_id", "id"), "telegram_id"),
    **dict.fromkeys(("telegram 编号", "telegram编号", "用户编号", "用户id", "用户"), "telegram_id"),
    **dict.fromkeys(("balance", "credits", "points", "余额", "积分", "积分余额"), "balance"),
}
_ID: Final = re.compile(r"[1-9]\d{0,17}", re.ASCII)
_BALANCE: Final = re.compile(r"[+-]?\d{1,16}(?:\.0+)?", re.ASCII)
_GROUPED: Final = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.0+)?", re.ASCII)
_SHORTENED: Final = re.compile(r"\d(?:\.\d+)?e\+?\d+", re.ASCII | re.IGNORECASE)
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a line of the file."""

    line: int
    message: str
    params: Mapping[str, object] = field(default_factory=dict)

    def text(self, locale: str) -> str:
        """In one of our locales."""
        return translate(locale, self.message, **self.params)


class BadBalances(BadInput):
    """Some lines can't be read; `problems` are the first of them, `count` is how many there are."""

    code = "bad_balances"
    message = N_("%(count)s lines of the file are not right. Nothing was compared.")

    def __init__(self, problems: list[Problem], count: int) -> None:
        super().__init__(count=count)
        self.problems = problems


class _WrongCell(Exception):
    """A cell that holds no number of the kind that is wanted there."""

    def __init__(self, message: str, **params: object) -> None:
        super().__init__(message)
        self.message, self.params = message, params


def parse(raw: bytes) -> list[Pair]:
    """(telegram_id, balance) of each line. Raises BadFile when nothing can be read, BadBalances for wrong lines."""
    if len(raw) > MAX_BYTES:
        raise BadFile(N_("The file is larger than %(most)s MB."), most=MAX_BYTES >> 20)
    found: dict[int, Pair] = {}
    problems: list[Problem] = []
    for number, (line, cells) in enumerate(_rows(decode(raw))):
        if number == MAX_LINES:
            raise BadFile(N_("The file has more than %(most)s lines."), most=f"{MAX_LINES:,}")
        try:
            telegram_id, balance = _telegram_id(cells[0]), _balance(cells[1])
            _once(telegram_id, found)
        except _WrongCell as wrong:
            problems.append(Problem(line, wrong.message, wrong.params))
        else:
            found[telegram_id] = (line, balance)
    if problems:
        raise BadBalances(problems[:MOST_TOLD], len(problems))
    if not found:
        raise BadFile(N_("The file holds no balances."))
    return [(telegram_id, balance) for telegram_id, (_, balance) in found.items()]


def _once(telegram_id: int, found: Mapping[int, Pair]) -> None:
    if telegram_id in found:
        raise _WrongCell(N_("This user stands in line %(line)s already."), line=found[telegram_id][0])


def _rows(text: str) -> Iterator[tuple[int, tuple[str, str]]]:
    """(line, the cells of telegram_id and balance); empty rows and the header are left out."""
    first = text.lstrip("\r\n").partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    places: tuple[int, int] | None = None
    line = 1
    try:
        for row in reader:
            cells = [_bare(cell) for cell in row]
            if any(cells):
                if places is not None:
                    yield line, (_cell(cells, places[0]), _cell(cells, places[1]))
                elif (places := _header(cells)) == (-1, -1):
                    places = (0, 1)
                    yield line, (_cell(cells, 0), _cell(cells, 1))
            line = reader.line_num + 1
    except csv.Error:
        raise BadFile(N_("Line %(line)s cannot be read as CSV."), line=line) from None


def _header(cells: list[str]) -> tuple[int, int]:
    """Where the two columns stand; (-1, -1) when the first row is none that names columns."""
    names = [_NAMES.get(cell.lower(), "") for cell in cells]
    if not any(names):
        return -1, -1
    for name in ("telegram_id", "balance"):
        if name not in names:
            raise BadFile(N_("The column “%(name)s” is missing."), name=name)
    return names.index("telegram_id"), names.index("balance")


def _bare(cell: str) -> str:
    # Spreadsheets are made to keep long numbers by an apostrophe or a tab before them.
    return cell.strip().lstrip("'\t=").strip('"').strip()


def _cell(cells: list[str], place: int) -> str:
    return cells[place] if place < len(cells) else ""


def _telegram_id(text: str) -> int:
    if not text:
        raise _WrongCell(N_("The Telegram number is missing."))
    if _SHORTENED.fullmatch(text):
        raise _WrongCell(
            N_(
                "“%(text)s”: the spreadsheet shortened this number. Format the column as text and save it again."
            ),
            text=text[:30],
        )
    if not _ID.fullmatch(text):
        raise _WrongCell(N_("“%(text)s” is no Telegram number."), text=text[:30])
    return int(text)


def _balance(text: str) -> int:
    if not text:
        raise _WrongCell(N_("The balance is missing."))
    if not (_BALANCE.fullmatch(text) or _GROUPED.fullmatch(text)):
        raise _WrongCell(N_("“%(text)s” is no balance: it has to be a whole number."), text=text[:30])
    return int(text.replace(",", "").partition(".")[0])
