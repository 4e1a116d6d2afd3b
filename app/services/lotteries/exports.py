"""A lottery's entries and winners as files: CSV, XLSX, JSON. A million rows need no more memory than a thousand."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import IO, Final

from sqlalchemy import text

from app.core import csv_files, xlsx
from app.core.db import db
from app.core.i18n import N_, translate
from app.domain.draw import STAFF
from app.models import Lottery
from app.services.lotteries.spec import zone

Value = str | int | datetime | None
Row = tuple[Value, ...]

BATCH: Final = 5000
_ENTRIES: Final = text("""
SELECT e.id, CASE WHEN e.telegram_id > 0 THEN e.telegram_id END AS telegram_id, concat_ws(' ', nullif(m.first_name, ''), nullif(m.last_name, '')) AS name,
       coalesce(m.username, '') AS username, e.created_at, e.conditions, e.paid, e.bought, e.boosts, e.weight
FROM lottery_entry e
LEFT JOIN member m ON m.tenant_id = e.tenant_id AND m.telegram_id = e.telegram_id
WHERE e.lottery_id = :lottery AND e.id > :after ORDER BY e.id LIMIT :most
""")
_WINNERS: Final = text("""
SELECT w.slot, w.turn, p.name AS prize, p.credits, CASE WHEN w.telegram_id > 0 THEN w.telegram_id END AS telegram_id,
       concat_ws(' ', nullif(m.first_name, ''), nullif(m.last_name, '')) AS name,
       coalesce(m.username, '') AS username, w.rank, w.state, w.won_at, w.claim_until, w.claimed_at,
       w.handed_over_at, w.note, coalesce(w.reason, '') AS reason
FROM lottery_winner w
JOIN lottery_prize p ON p.id = w.prize_id
LEFT JOIN member m ON m.tenant_id = w.tenant_id AND m.telegram_id = w.telegram_id
WHERE w.lottery_id = :lottery ORDER BY w.slot, w.turn
""")
_ENTRY_COLUMNS: Final[Mapping[str, str]] = {
    "number": N_("Number"),
    "telegram_id": N_("Telegram ID"),
    "name": N_("Telegram name"),
    "username": N_("Username"),
    "joined_at": N_("Joined at"),
    "by_staff": N_("Added by staff"),
    "conditions": N_("Conditions"),
    "paid": N_("Credits paid"),
    "bought": N_("Tickets bought"),
    "boosts": N_("Boosts"),
    "tickets": N_("Tickets"),
}
_WINNER_COLUMNS: Final[Mapping[str, str]] = {
    "slot": N_("Place"),
    "turn": N_("Redraws before"),
    "prize": N_("Prize"),
    "credits": N_("Credits"),
    "telegram_id": N_("Telegram ID"),
    "name": N_("Telegram name"),
    "username": N_("Username"),
    "rank": N_("Rank in the draw"),
    "state": N_("State"),
    "won_at": N_("Won at"),
    "claim_until": N_("Claim until"),
    "claimed_at": N_("Claimed at"),
    "handed_over_at": N_("Handed over at"),
    "note": N_("Note"),
    "reason": N_("Reason for the redraw"),
}


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"


class What(StrEnum):
    ENTRIES = "entries"
    WINNERS = "winners"


MIME_TYPES: Final[Mapping[Format, str]] = {
    Format.CSV: "text/csv",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.JSON: "application/json",
}


def write(lottery: Lottery, what: What, form: Format, file: IO[bytes], locale: str) -> int:
    """Writes the rows to a seekable file and gives their number. Moments are in the tenant's zone, in JSON in UTC."""
    columns, read = (_ENTRY_COLUMNS, _entries) if what is What.ENTRIES else (_WINNER_COLUMNS, _winners)
    rows = read(lottery.id)
    if form is Format.JSON:
        return _write_json(file, list(columns), rows)
    header = [translate(locale, title) for title in columns.values()]
    shown = _shown(rows, zone(lottery.tenant_id))
    if form is Format.XLSX:
        return xlsx.write(file, lottery.code, header, shown)
    return csv_files.write(file, header, shown)


def file_name(lottery: Lottery, what: What, form: Format) -> str:
    """As `lottery-ABC-winners.csv`."""
    return f"lottery-{lottery.code}-{what}.{form}"


def _entries(lottery_id: int) -> Iterator[Row]:
    after, number = 0, 0
    while rows := db.session.execute(_ENTRIES, {"lottery": lottery_id, "after": after, "most": BATCH}).all():
        for row in rows:
            number += 1
            by_staff = int(row.conditions == STAFF)
            yield (number, *row[1:5], by_staff, "" if by_staff else row.conditions, *row[6:])
        after = rows[-1].id


def _winners(lottery_id: int) -> Iterator[Row]:
    for row in db.session.execute(_WINNERS, {"lottery": lottery_id}):
        yield tuple(row)


def _shown(rows: Iterable[Row], tz: tzinfo) -> Iterator[list[str | int | None]]:
    for row in rows:
        yield [
            value.astimezone(tz).strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else value
            for value in row
        ]


def _write_json(file: IO[bytes], names: list[str], rows: Iterable[Row]) -> int:
    default: Callable[[datetime], str] = datetime.isoformat
    written = 0
    file.write(b"[")
    for row in rows:
        line = json.dumps(dict(zip(names, row, strict=True)), default=default, ensure_ascii=False)
        file.write((",\n" if written else "\n").encode() + line.encode())
        written += 1
    file.write(b"\n]\n")
    return written
