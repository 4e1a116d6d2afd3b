"""Writes XLSX workbooks row by row, in memory that does not grow with them: plain tables, no formulas, no links."""

import re
from collections.abc import Iterable, Sequence
from typing import IO, Final

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

Cell = str | int | None

ROWS_IN_SHEET: Final = 1_000_000
"""A sheet holds 1,048,576 rows at most; longer tables go on in a further sheet."""
_EXACT: Final = 10**15
"""Spreadsheets keep fifteen digits of a number; longer ones are written as texts."""
_MAX_TEXT: Final = 32_767
_UNFIT: Final = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]")
_OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "use_zip64": True,
}


def write(file: IO[bytes], title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    """Writes the header and the rows to a seekable file; gives the number of rows. `title` names the sheet."""
    name = re.sub(r"[\[\]:*?/\\']", " ", title)[:25] or "1"
    written = 0
    with Workbook(file, _OPTIONS) as book:
        sheet = _sheet(book, name, header)
        for row in rows:
            place = written % ROWS_IN_SHEET
            if written and not place:
                sheet = _sheet(book, f"{name} {written // ROWS_IN_SHEET + 1}", header)
            _write_row(sheet, place + 1, row)
            written += 1
    return written


def _sheet(book: Workbook, name: str, header: Sequence[str]) -> Worksheet:
    sheet: Worksheet = book.add_worksheet(name)
    _write_row(sheet, 0, header)
    return sheet


def _write_row(sheet: Worksheet, place: int, cells: Sequence[Cell]) -> None:
    for column, value in enumerate(cells):
        if isinstance(value, int) and abs(value) < _EXACT:
            sheet.write_number(place, column, value)
        elif value not in {None, ""}:
            sheet.write_string(place, column, _UNFIT.sub("", str(value))[:_MAX_TEXT])
