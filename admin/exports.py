"""Lists as CSV files that spreadsheets open correctly, Chinese too, and take nothing in them for a formula."""

from collections.abc import Callable
from contextlib import ExitStack
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, Any, cast

from flask import Response, send_file
from flask_babel import format_datetime

from admin.guard import tenant_id
from app.core import csv_files
from app.core.queue import transaction
from app.services import audit


def download(write: Callable[[IO[bytes]], object], mime: str, name: str) -> Response:
    """A file that `write` fills. On the disk, so that a million rows need no memory; the answer closes it."""
    with ExitStack() as stack:
        file = stack.enter_context(cast("IO[bytes]", TemporaryFile()))  # noqa: SIM115 - the stack closes it
        write(file)
        stack.pop_all()
    file.seek(0)
    answer = send_file(file, mimetype=mime, as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


class CsvExport:
    """Mixin of lists: `_export_csv` as a whole, since rows may not be read after the view's scope has ended."""

    endpoint: str
    export_logged = ""
    """The log's word for it, in lists of people and money: whoever takes them along is named there."""
    _export_columns: list[tuple[Any, Any]]

    def get_export_name(self, export_type: str = "csv") -> str:
        """The file's name: the view and the time in the tenant's zone."""
        return f"{self.endpoint}-{format_datetime(None, 'yyyyMMdd-HHmm')}.{export_type}"

    def _export_csv(self, return_url: str) -> Response:
        del return_url
        _, rows = self._export_data()  # type: ignore[attr-defined]
        file, columns = BytesIO(), self._export_columns
        cells = ([self.get_export_value(row, name) for name, _ in columns] for row in rows)  # type: ignore[attr-defined]
        csv_files.write(file, [title for _, title in columns], cells)
        if self.export_logged:
            with transaction():
                kind = self.export_logged.partition(".")[0]
                audit.record(tenant_id(), self.export_logged, (kind, "", ""))
        return Response(
            file.getvalue(),
            mimetype="text/csv",
            headers={
                "Content-Disposition": f'attachment; filename="{self.get_export_name()}"',
                "Cache-Control": "no-store",
            },
        )
