"""Writes XLSX workbooks row by row, in memory that does not grow with them.

Only plain tables: whole numbers and texts, no formulas. A text is written as an inline string, which no spreadsheet
calculates. (ECMA-376, part 1: chapter 18.3 for sheets, part 2 for the package.)
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import IO, Final
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

Cell = str | int | None

ROWS_IN_SHEET: Final = 1_000_000
"""A sheet holds 1,048,576 rows at most; longer tables go on in a further sheet."""
_BLOCK: Final = 1000
_EXACT: Final = 10**15
"""Spreadsheets keep fifteen digits of a number; longer ones are written as texts."""
_UNFIT: Final = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]")
_ESCAPED: Final = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_MAX_TEXT: Final = 32_767
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def write(file: IO[bytes], title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    """Writes the header and the rows to a seekable file; gives the number of rows. `title` names the sheet."""
    waiting = iter(rows)
    written = sheets = 0
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as package:
        while True:
            first = list(islice(waiting, 1))
            if sheets and not first:
                break
            sheets += 1
            part = chain(first, islice(waiting, ROWS_IN_SHEET - 1))
            written += _write_sheet(package, sheets, header, part)
        _write_frame(package, title, sheets)
    return written


def _write_sheet(package: ZipFile, number: int, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    written = 0
    with package.open(f"xl/worksheets/sheet{number}.xml", "w", force_zip64=True) as sheet:
        sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{_row(header)}'.encode())
        for block in _blocks(rows):
            sheet.write("".join(map(_row, block)).encode())
            written += len(block)
        sheet.write(b"</sheetData></worksheet>")
    return written


def _blocks(rows: Iterable[Sequence[Cell]]) -> Iterator[list[Sequence[Cell]]]:
    waiting = iter(rows)
    while block := list(islice(waiting, _BLOCK)):
        yield block


def _row(cells: Sequence[Cell]) -> str:
    return f"<row>{''.join(map(_cell, cells))}</row>"


def _cell(value: Cell) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, int) and abs(value) < _EXACT:
        return f"<c><v>{value:d}</v></c>"
    text = _ESCAPED.sub("_x005F_", _UNFIT.sub("", str(value))[:_MAX_TEXT])
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def _write_frame(package: ZipFile, title: str, sheets: int) -> None:
    numbers = range(1, sheets + 1)
    name = escape(re.sub(r"[\[\]:*?/\\']", " ", _UNFIT.sub("", title))[:25] or "1", {'"': "&quot;"})
    named = "".join(
        f'<sheet name="{name}{"" if number == 1 else f" {number}"}" sheetId="{number}" r:id="s{number}"/>'
        for number in numbers
    )
    relations = "".join(
        f'<Relationship Id="s{number}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in numbers
    )
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        for number in numbers
    )
    parts = {
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{named}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{relations}</Relationships>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="w"'
        f' Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="{_TYPE}.sheet.main+xml"/>{overrides}</Types>',
    }
    for path, body in parts.items():
        package.writestr(path, _HEAD + body)
