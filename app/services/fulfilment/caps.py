"""What the outside calls for a report may cost, counted before they are made: the operator's keys have both caps."""

from app.core import clock
from app.core.db import db
from app.core.settings import get_settings
from app.domain.ai_costs import most_micro
from app.models import Order
from app.services import spending
from app.services.fulfilment.errors import Capped
from app.services.service_accounts import DeepSeekKey, ServiceKey
from app.services.spending import MICRO, Caps, Reservation, SpendingCap


def reserve_chart(order: Order, key: ServiceKey) -> Reservation | None:
    """Counts what a chart costs the operator; None with a tenant's own key. Raises SpendingCap, with nothing counted."""
    if key.own:
        return None
    cost = round(get_settings().yuanfenju_usd * MICRO)
    with db.session.begin_nested():
        return spending.reserve(order.tenant_id, order.telegram_id, cost, _operators())


def reserve_text(order: Order, key: DeepSeekKey) -> Reservation:
    """Counts the most that the words may cost. Raises Later until the next day where that is too much."""
    own = None if key.buyer_daily_usd is None else round(key.buyer_daily_usd * MICRO)
    caps = Caps(None, own) if key.own else _operators()
    try:
        return spending.reserve(order.tenant_id, order.telegram_id, most_micro(key.prices), caps)
    except SpendingCap as cap:
        seconds = (cap.until - clock.now()).total_seconds()
        raise Capped(cap.whose, max(seconds, 0.0) + 1) from None


def _operators() -> Caps:
    settings = get_settings()
    return Caps(round(settings.ai_tenant_daily_usd * MICRO), round(settings.ai_buyer_daily_usd * MICRO))
