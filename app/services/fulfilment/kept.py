"""A report as it is kept with its order."""

from collections.abc import Mapping
from datetime import date

from app.domain.bazi import Chart, ReportText
from app.domain.orders import Step
from app.services.fulfilment import steps
from app.services.fulfilment.errors import NotThere


def chart_of(order_id: int) -> Chart:
    """The chart that was made. Raises NotThere."""
    return Chart.from_json(_kept(order_id, Step.CHART))


def text_of(order_id: int) -> tuple[ReportText, date]:
    """The words and the day on which they were written. Raises NotThere."""
    data = dict(_kept(order_id, Step.TEXT))
    made_on = date.fromisoformat(str(data.pop("made_on")))
    return ReportText.from_json(data), made_on


def file_of(order_id: int) -> int:
    """The book's file. Raises NotThere."""
    row = steps.find_done(order_id, Step.PDF)
    if row is None or row.file_id is None:
        raise NotThere
    return row.file_id


def _kept(order_id: int, step: Step) -> Mapping[str, object]:
    row = steps.find_done(order_id, step)
    if row is None:
        raise NotThere
    return row.result
