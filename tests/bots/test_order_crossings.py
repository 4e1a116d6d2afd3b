"""Many orders of two tenants at once: everybody gets his own, from his own shop, in his own chat."""

import threading

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.domain.products import StockKind
from app.models import Tenant
from app.services.products.stock import NewItem
from bots import order_worker
from tests.cast import Cast
from tests.fulfilling import paid
from tests.lottery_tools import a_bot
from tests.shopping import a_product

EACH = 40
_SENT = text("""
SELECT o.tenant_id, o.telegram_id, m.payload ->> 'text' AS said,
    (m.tenant_id, m.bot_id, m.chat_id) = (o.tenant_id, o.bot_id, o.telegram_id) AS right_place
FROM outbox m JOIN orders o ON m.dedupe_key = 'order:' || o.id || ':file:1'
""")


def test_nobody_gets_what_is_anothers(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(order_worker, "LINGER_SECONDS", 0.3)
    for tenant in (cast.tenant, cast.other_tenant):
        sell(tenant)
    order_worker.run(app, threading.Event())
    sent = db.session.execute(_SENT).all()
    assert len(sent) == 2 * EACH
    assert all(row.right_place for row in sent)
    codes = [(row.tenant_id, row.said.partition("<code>CODE-")[2].split("-")[0]) for row in sent]
    assert all(str(tenant_id) == code for tenant_id, code in codes)
    assert len({row.said.rpartition("CODE-")[2] for row in sent}) == 2 * EACH


def sell(tenant: Tenant) -> None:
    """So many paid orders of the same people at each tenant."""
    a_bot(tenant, tenant.id)
    items = [NewItem(StockKind.CODE, f"CODE-{tenant.id}-{number}") for number in range(EACH)]
    product = a_product(tenant, items)
    for number in range(EACH):
        paid(product, 1000 + number)
