"""The report as a designed book in PDF, set by Typst from the templates in `app/assets/report`."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from threading import BoundedSemaphore
from typing import Final

import typst

from app.domain.bazi import Chart, ReportText
from app.services.reports.pdf_data import book
from app.services.reports.pdf_letters import ASSETS

_AT_ONCE: Final = BoundedSemaphore(2)
"""Setting a book takes a whole core and some memory; more at once would only make each one slower."""
_KEPT_FOR: Final = 10
"""Compiles after which Typst drops a result that was not used again."""


@dataclass(frozen=True, slots=True)
class PdfHead:
    """What a report shows beside chart and text. `shop` is the tenant's name, `code` the order's."""

    name: str
    shop: str
    product: str
    code: str
    made_on: date
    locale: str


def render(head: PdfHead, chart: Chart, text: ReportText) -> bytes:
    """The PDF. The same arguments always give the same bytes, so that its sum can be kept.

    Everything a buyer or a model wrote reaches Typst as data (JSON in `sys.inputs`), never as source.
    """
    with _AT_ONCE:
        whole = typst.compile(
            ASSETS / "report.typ",
            root=ASSETS,
            font_paths=_fonts(),
            ignore_system_fonts=True,
            format="pdf",
            sys_inputs={"data": data_of(head, chart, text)},
            timestamp=datetime.combine(head.made_on, time(), UTC),
        )
        _forget()
    return whole


def data_of(head: PdfHead, chart: Chart, text: ReportText) -> str:
    """The JSON that the templates show."""
    lang = "zh" if head.locale.lower().startswith("zh") else "en"
    whole = book(
        name=head.name,
        shop=head.shop,
        product=head.product,
        code=head.code,
        made_on=head.made_on,
        lang=lang,
        chart=chart,
        text=text,
    )
    return json.dumps(whole, ensure_ascii=False, sort_keys=True)


def _forget() -> None:
    """Let Typst drop what it keeps for another compile of the same book; it does so after ten other compiles.

    Without this a process that makes reports grows by 120 MB; ten empty documents take 10 ms.
    """
    for _ in range(_KEPT_FOR):
        typst.compile(b"", font_paths=_fonts(), ignore_system_fonts=True, format="pdf")


@cache
def _fonts() -> typst.Fonts:
    """Our own fonts and none of the machine's, so that a report looks the same wherever it is made."""
    folder = str(ASSETS / "fonts")
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])
