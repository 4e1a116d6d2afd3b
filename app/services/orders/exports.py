"""Orders as a file: CSV or XLSX, a row for each, moments in the tenant's zone."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import IO, Final
from zoneinfo import ZoneInfo

from app.core import csv_files, xlsx
from app.core.i18n import N_, translate
from app.domain.money import Money
from app.domain.orders import is_erased
from app.services.orders.listing import Listed

COLUMNS: Final = (
    N_("Order"),
    N_("State"),
    N_("Product"),
    N_("Telegram ID"),
    N_("Telegram name"),
    N_("Username"),
    N_("Amount"),
    N_("Currency"),
    N_("Way of paying"),
    N_("Made at"),
    N_("Paid at"),
    N_("Completed at"),
)


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


MIME_TYPES: Final[Mapping[Format, str]] = {
    Format.CSV: "text/csv",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Cell = str | int | None


def write(
    rows: Iterable[Listed],
    form: Format,
    file: IO[bytes],
    *,
    locale: str,
    zone: str,
    words: Mapping[str, str],
) -> int:
    """Writes the rows to a seekable file and gives their number. `words` are those of states and ways of paying."""
    header = [translate(locale, title) for title in COLUMNS]
    cells = _cells(rows, ZoneInfo(zone), words)
    if form is Format.XLSX:
        return xlsx.write(file, translate(locale, N_("Orders")), header, cells)
    return csv_files.write(file, header, cells)


def _cells(rows: Iterable[Listed], zone: ZoneInfo, words: Mapping[str, str]) -> Iterator[list[Cell]]:
    for row in rows:
        order, member = row.order, row.member
        known = [member.first_name, member.last_name] if member is not None else []
        yield [
            order.code,
            words.get(order.state, order.state),
            order.product_name,
            None if is_erased(order.telegram_id) else order.telegram_id,
            " ".join(name for name in known if name),
            (member.username or "") if member is not None else "",
            str(Money(order.amount_minor, order.currency).decimal()),
            order.currency,
            words.get(order.provider, order.provider),
            *(_local(moment, zone) for moment in (order.created_at, order.paid_at, order.completed_at)),
        ]


def _local(moment: datetime | None, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") if moment else ""
