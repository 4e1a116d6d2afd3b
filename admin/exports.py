"""Lists as CSV files that spreadsheets open correctly, Chinese too, and take nothing in them for a formula."""

import csv
from io import StringIO
from typing import Any

from flask import Response
from flask_babel import format_datetime

from app.domain.cells import safe_cell

BYTE_ORDER_MARK = "\ufeff"


class CsvExport:
    """Mixin of lists: `_export_csv` as a whole, since rows may not be read after the view's scope has ended."""

    endpoint: str
    _export_columns: list[tuple[Any, Any]]

    def get_export_name(self, export_type: str = "csv") -> str:
        """The file's name: the view and the time in the tenant's zone."""
        return f"{self.endpoint}-{format_datetime(None, 'yyyyMMdd-HHmm')}.{export_type}"

    def _export_csv(self, return_url: str) -> Response:
        del return_url
        _, rows = self._export_data()  # type: ignore[attr-defined]
        file = StringIO()
        writer = csv.writer(file)
        writer.writerow([safe_cell(title) for _, title in self._export_columns])
        for row in rows:
            writer.writerow([safe_cell(self.get_export_value(row, name)) for name, _ in self._export_columns])  # type: ignore[attr-defined]
        return Response(
            BYTE_ORDER_MARK + file.getvalue(),
            mimetype="text/csv",
            headers={
                "Content-Disposition": f'attachment; filename="{self.get_export_name()}"',
                "Cache-Control": "no-store",
            },
        )
