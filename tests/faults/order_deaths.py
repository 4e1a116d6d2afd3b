"""Where a process may die while an order is fulfilled: what it calls there, by the name of the point."""

from typing import Final

_BAZI: Final = "app.services.fulfilment.bazi"
POINTS: Final = {
    "claiming": "bots.order_worker.telling.begun",
    "claimed": "bots.order_production._produce",
    "confirming": "app.services.fulfilment.confirming._settle",
    "charting": f"{_BAZI}.make_chart",
    "charted": f"{_BAZI}.ChartCall._keep",
    "writing": f"{_BAZI}.write_text",
    "in a chapter": "bots.order_signs.Signs.chapter",
    "written": f"{_BAZI}.TextCall._keep",
    "printing": f"{_BAZI}.render",
    "printed": f"{_BAZI}.files.keep",
    "delivering": "app.services.fulfilment.work.delivery.start",
    "handing over": "app.services.fulfilment.delivery._keep",
    "sending": "bots.telegram.outbox._call",
    "sent": "bots.telegram.outbox._sent",
    "completing": "app.services.fulfilment.delivery._judge",
}
PAID_TWICE: Final = {"charting", "charted", "writing", "in a chapter", "written"}
"""Dying there leaves a call whose fate is unknown: it may be made once more."""
