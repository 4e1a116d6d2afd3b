"""Writes CSV files row by row: in UTF-8 with the mark that spreadsheets need for Chinese, and nothing taken for a formula."""

import csv
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from typing import IO

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def write(file: IO[bytes], header: Sequence[object], rows: Iterable[Sequence[object]]) -> int:
    """Writes the header and the rows, None as an empty cell; gives the number of rows. The file stays open."""
    text = TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
    # Where ";" parts cells, an unquoted "a;=1" would be two of them, and the second a formula.
    writer, written = csv.writer(text, quoting=csv.QUOTE_ALL), 0
    writer.writerow([safe_cell(title) for title in header])
    for row in rows:
        writer.writerow(["" if value is None else safe_cell(value) for value in row])
        written += 1
    # Without this the wrapper would close the file, which is the caller's.
    text.detach()
    return written


def safe_cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: OWASP's leading apostrophe."""
    text = str(value)
    return "'" + text if text.startswith(_FORMULA_STARTS) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-").removeprefix("+")
    return digits.replace(".", "", 1).isdecimal() and digits.isascii()
