"""Many lotteries in one CSV file: a header row, then a lottery in each row.

Columns (in any order, English or Chinese names): `title`, `prizes` and `closes_at` are needed; `description`,
`opens_at`, `max_entries`, `closes_when_full`, `channels`, `invites`, `credits`, `account_days`, `publish_to` and
`claim_hours` may be left out. Prizes are `Mug*2; 100 points*3=100`: name, how many, credits for each winner. Several
channels are separated by blanks or semicolons.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import zip_longest
from typing import Final

from app.core.i18n import N_
from app.domain import lottery_spec
from app.domain.csv_text import BadFile, decode
from app.domain.lotteries import MAX_PRIZE_NAME, LotterySpec
from app.domain.lottery_fields import BadSpec

MAX_ROWS: Final = 500
MAX_BYTES: Final = 2**20
COLUMNS: Final[Mapping[str, str]] = {
    "title": "标题",
    "description": "说明",
    "prizes": "奖品",
    "opens_at": "开始时间",
    "closes_at": "截止时间",
    "max_entries": "人数上限",
    "closes_when_full": "满员即开奖",
    "channels": "关注频道",
    "invites": "邀请人数",
    "credits": "消耗积分",
    "account_days": "账号天数",
    "publish_to": "发布到",
    "claim_hours": "领奖时限",
}
_NEEDED: Final = ("title", "prizes", "closes_at")
_NAMES: Final = {**{name: name for name in COLUMNS}, **{word: name for name, word in COLUMNS.items()}}
_PRIZE: Final = re.compile(r"(.*?)(?:\s*[*×]\s*(\d+)|\s+[xX]\s*(\d+))?\s*(?:=\s*(\d+))?", re.DOTALL)
_DATE: Final = re.compile(
    r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})(?:[ T]+(\d{1,2}):(\d{2})(?::\d{2})?)?", re.ASCII
)
_FLAGS: Final = {
    **dict.fromkeys(("", "0", "no", "false", "n", "否"), False),
    **dict.fromkeys(("1", "yes", "true", "y", "是"), True),
}
Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """A lottery of the file; `number` is its line there. Either `spec` or `error` is set."""

    number: int
    title: str
    spec: LotterySpec | None = None
    error: BadSpec | None = None


def parse(raw: bytes, *, tz: tzinfo, at: datetime | None = None) -> list[Line]:
    """Every lottery of a file in UTF-8, GBK or UTF-16, checked. Raises BadFile."""
    if len(raw) > MAX_BYTES:
        raise BadFile(N_("The file is larger than %(most)s KB."), most=MAX_BYTES // 1024)
    found: list[Line] = []
    for number, cells in _rows(decode(raw)):
        if len(found) == MAX_ROWS:
            raise BadFile(N_("The file has more than %(most)s lotteries."), most=MAX_ROWS)
        found.append(_read(number, cells, tz, at))
    if not found:
        raise BadFile(N_("The file holds no lottery below its header row."))
    return found


def _rows(text: str) -> Iterator[tuple[int, Cells | None]]:
    """(line, cells by column); None for a row with more cells than the header. Empty rows are left out."""
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns: list[str] = []
    line = 1
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells) and not columns:
                columns = _columns(cells)
            elif any(cells):
                fits = not any(cells[len(columns) :])
                yield line, dict(zip_longest(columns, cells[: len(columns)], fillvalue="")) if fits else None
            line = reader.line_num + 1
    except csv.Error:
        raise BadFile(N_("Line %(line)s cannot be read as CSV."), line=line) from None


def _columns(header: list[str]) -> list[str]:
    names = [_NAMES.get(cell.lower(), "") for cell in header]
    for cell, name in zip(header, names, strict=True):
        if cell and not name:
            raise BadFile(N_("There is no column “%(name)s”."), name=cell[:40])
        if name and names.count(name) > 1:
            raise BadFile(N_("The column “%(name)s” is there twice."), name=name)
    for name in _NEEDED:
        if name not in names:
            raise BadFile(N_("The column “%(name)s” is missing."), name=name)
    return names


def _read(number: int, cells: Cells | None, tz: tzinfo, at: datetime | None) -> Line:
    if cells is None:
        return Line(number, "", error=BadSpec("columns", N_("This row has more cells than the header.")))
    title = cells.get("title", "")
    try:
        return Line(number, title, lottery_spec.read(_body(cells), tz=tz, at=at))
    except BadSpec as error:
        return Line(number, title, error=error)


def _body(cells: Cells) -> dict[str, object]:
    flag = _FLAGS.get(cells.get("closes_when_full", "").lower())
    if flag is None:
        raise BadSpec("closes_when_full", N_("This must be yes or no."))
    return {
        "title": cells["title"],
        "description": cells.get("description", ""),
        "prizes": [_prize(part) for part in re.split(r"[;；\n]", cells["prizes"]) if part.strip()],
        "opens_at": _moment(cells.get("opens_at", "")),
        "closes_at": _moment(cells["closes_at"]),
        "max_entries": cells.get("max_entries"),
        "closes_when_full": flag,
        "conditions": _conditions(cells),
        "publish_to": _words(cells.get("publish_to", "")),
        "claim_hours": cells.get("claim_hours"),
    }


def _prize(part: str) -> dict[str, object]:
    # What is far too long is refused for that; long runs of blanks would keep the pattern busy for milliseconds each.
    part = " ".join(part.split())
    found = _PRIZE.fullmatch(part) if len(part) <= 2 * MAX_PRIZE_NAME else None
    name, stars, times, credits_ = found.groups() if found else (part, None, None, None)
    return {"name": name, "quantity": stars or times, "credits": credits_}


def _moment(cell: str) -> str:
    """As spreadsheets write it, `2030/1/31 20:00`, in ISO's form."""
    found = _DATE.fullmatch(cell)
    if not found:
        return cell
    year, month, day, hour, minute = found.groups(default="0")
    return f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute:0>2}"


def _conditions(cells: Cells) -> list[dict[str, object]]:
    found: list[dict[str, object]] = [
        {"type": "channel", "chat": chat} for chat in _words(cells.get("channels", ""))
    ]
    for column, kind, name in (
        ("invites", "invites", "count"),
        ("credits", "credits", "amount"),
        ("account_days", "account_age", "days"),
    ):
        if cells.get(column):
            found.append({"type": kind, name: cells[column]})
    return found


def _words(cell: str) -> list[str]:
    return re.findall(r"[^\s,;，；]+", cell)
