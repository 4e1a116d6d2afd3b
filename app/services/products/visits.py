"""Who looked at a product, once per person, day and stage."""

from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import insert

from app.core import clock
from app.core.db import db
from app.domain.products import VisitStage
from app.models import Product, ProductVisit


def record(product: Product, telegram_id: int, stage: VisitStage, timezone: str) -> None:
    """Writes it down; `timezone` is the tenant's, for the day."""
    values = {
        "tenant_id": product.tenant_id,
        "product_id": product.id,
        "day": clock.now().astimezone(ZoneInfo(timezone)).date(),
        "stage": stage,
        "telegram_id": telegram_id,
    }
    db.session.execute(insert(ProductVisit).values(values).on_conflict_do_nothing())
