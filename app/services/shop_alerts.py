"""News about orders and money: written by whoever notices, told once, open until the boss says that it is settled."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import now
from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import N_, translate
from app.core.queue import TaskName, enqueue
from app.core.settings import get_settings
from app.domain.buttons import data
from app.domain.shop_alerts import MANY, TEXTS, AlertKind, path_of
from app.models import Order, Product, ShopAlert
from app.services import mails, notices, outbox

BATCH: Final = 500
TOGETHER: Final = 3
"""More alerts of one kind than this become one message."""
ORDER_BUTTON: Final = "adord"
"""The button that opens an order's card for whoever runs the shop."""
OPEN_ORDER: Final = N_("📦 Open the order")
SUBJECT: Final = N_("Your shop needs you")
_MESSAGE: Final = "🔔 %(words)s"

# Somebody can be told: by mail where it is set up, or by a bot that he talks with. What nobody can be told of waits
# on the dashboard, and is no news any more after a day.
_UNTOLD = text("""
SELECT a.id FROM shop_alert a
WHERE a.told_at IS NULL AND a.settled_at IS NULL AND a.created_at > now() - interval '1 day'
  AND (:by_mail OR EXISTS (
    SELECT FROM membership m JOIN bot_member s ON s.telegram_id = m.telegram_id AND s.tenant_id = m.tenant_id
    JOIN bot b ON b.id = s.bot_id
    WHERE m.tenant_id = a.tenant_id AND m.role IN ('owner', 'manager') AND s.blocked_at IS NULL
      AND b.enabled AND b.removed_at IS NULL AND b.state IN ('running', 'starting', 'conflict')))
ORDER BY a.id LIMIT :most FOR UPDATE OF a SKIP LOCKED
""")


def raise_alert(
    tenant_id: int,
    kind: AlertKind,
    dedupe_key: str,
    *,
    order_id: int | None = None,
    product_id: int | None = None,
    details: dict[str, object] | None = None,
) -> bool:
    """Writes an alert down and has it told; False when `dedupe_key` was there already.

    `details` are what the kind's text names beside `order` and `product`, and whatever the page shows.
    """
    values = {
        "tenant_id": tenant_id,
        "kind": kind.value,
        "dedupe_key": dedupe_key,
        "order_id": order_id,
        "product_id": product_id,
        "details": details or {},
    }
    new = insert(ShopAlert).values(values).on_conflict_do_nothing().returning(ShopAlert.id)
    written = db.session.execute(new).first() is not None
    if written:
        enqueue(TaskName.PAYMENTS_TELL)
    return written


def tell() -> int:
    """Writes what is to be said to the outbox and says how many alerts that concerned."""
    most = {"most": BATCH, "by_mail": bool(get_settings().mail_url)}
    ids = list(db.session.scalars(_UNTOLD, most))
    query = select(ShopAlert).where(ShopAlert.id.in_(ids)).order_by(ShopAlert.tenant_id, ShopAlert.kind)
    alerts = db.session.scalars(query.order_by(ShopAlert.id)).all()
    for _, group in groupby(alerts, lambda alert: (alert.tenant_id, alert.kind)):
        same = list(group)
        if len(same) > TOGETHER and AlertKind(same[0].kind) in MANY:
            _tell(same)
        else:
            for alert in same:
                _tell([alert])
    return len(alerts)


def words(alert: ShopAlert, locale: str) -> str:
    """What happened, in one sentence of one of our languages."""
    names: dict[str, object] = {"left": 0, "service": "", "partner": "", **alert.details}
    if alert.order_id is not None:
        row = db.session.execute(
            select(Order.code, Order.product["name"].astext).where(Order.id == alert.order_id)
        ).one()
        names |= {"order": row[0], "product": row[1]}
    if alert.product_id is not None:
        names["product"] = db.session.scalar(select(Product.name).where(Product.id == alert.product_id))
    return translate(locale, TEXTS[AlertKind(alert.kind)], **{"order": "", "product": "", **names})


def path(alert: ShopAlert) -> str:
    """The page of the admin area where it is settled, from the root."""
    return path_of(AlertKind(alert.kind), order_id=alert.order_id, product_id=alert.product_id)


def list_open(tenant_id: int, *, limit: int = 50) -> list[ShopAlert]:
    """What is not settled yet, latest first."""
    query = select(ShopAlert).where(ShopAlert.tenant_id == tenant_id, ShopAlert.settled_at.is_(None))
    return list(db.session.scalars(query.order_by(ShopAlert.id.desc()).limit(limit)))


def list_settled(tenant_id: int, *, limit: int = 20) -> list[ShopAlert]:
    """What was settled, latest first."""
    query = select(ShopAlert).where(ShopAlert.tenant_id == tenant_id, ShopAlert.settled_at.is_not(None))
    return list(db.session.scalars(query.order_by(ShopAlert.id.desc()).limit(limit)))


def count_open(tenant_id: int) -> int:
    """How many are not settled yet."""
    query = select(func.count()).where(ShopAlert.tenant_id == tenant_id, ShopAlert.settled_at.is_(None))
    return db.session.scalar(query) or 0


def get(alert_id: int) -> ShopAlert:
    """Raises NotFound."""
    alert = db.session.get(ShopAlert, alert_id)
    if alert is None:
        raise NotFound
    return alert


def settle(alert_id: int, by: str) -> bool:
    """Marks an alert as settled; False when it was already. Raises NotFound."""
    changed = db.session.execute(
        update(ShopAlert)
        .where(ShopAlert.id == alert_id, ShopAlert.settled_at.is_(None))
        .values(settled_at=now(), settled_by=by)
        .returning(ShopAlert.id)
    ).first()
    if changed is None and db.session.get(ShopAlert, alert_id) is None:
        raise NotFound
    return changed is not None


def settle_kind(
    tenant_id: int,
    kinds: Sequence[AlertKind],
    by: str,
    *,
    order_id: int | None = None,
    product_id: int | None = None,
) -> None:
    """Marks all open alerts of these kinds as settled, of one order or product where it is named."""
    query = update(ShopAlert).where(
        ShopAlert.tenant_id == tenant_id, ShopAlert.kind.in_(kinds), ShopAlert.settled_at.is_(None)
    )
    if order_id is not None:
        query = query.where(ShopAlert.order_id == order_id)
    if product_id is not None:
        query = query.where(ShopAlert.product_id == product_id)
    db.session.execute(query.values(settled_at=now(), settled_by=by))


def settle_service(tenant_id: int, kind: AlertKind, service: str, by: str) -> None:
    """Marks the open alerts of this kind about a service as settled."""
    about = ShopAlert.details["service"].astext == service
    query = update(ShopAlert).where(
        ShopAlert.tenant_id == tenant_id, ShopAlert.kind == kind.value, ShopAlert.settled_at.is_(None), about
    )
    db.session.execute(query.values(settled_at=now(), settled_by=by))


def _tell(alerts: Sequence[ShopAlert]) -> None:
    first = alerts[0]
    for reader in notices.readers(first.tenant_id):
        said = _said(alerts, reader.locale)
        key = f"shop_alert:{first.id}"
        if get_settings().mail_url:
            subject = translate(reader.locale, SUBJECT)
            mails.queue(reader.email, subject, said, f"{key}:{reader.email}")
        carrier = notices.carrier(first.tenant_id, reader.telegram_id)
        if carrier is not None and reader.telegram_id is not None:
            body: dict[str, object] = {"text": said, "link_preview_options": {"is_disabled": True}}
            if len(alerts) == 1 and first.order_id is not None:
                label = translate(reader.locale, OPEN_ORDER)
                button = {"text": label, "callback_data": data(ORDER_BUTTON, first.order_id)}
                body["reply_markup"] = {"inline_keyboard": [[button]]}
            to = (first.tenant_id, carrier, reader.telegram_id)
            outbox.queue_message(*to, "sendMessage", body, f"{key}:{reader.telegram_id}")
    for alert in alerts:
        alert.told_at = now()


def _said(alerts: Sequence[ShopAlert], locale: str) -> str:
    """The sentence, and where the page is."""
    first = alerts[0]
    kind = AlertKind(first.kind)
    many = len(alerts) > 1
    said = translate(locale, MANY[kind], count=len(alerts)) if many else words(first, locale)
    base = get_settings().public_url
    where = path_of(kind) if many else path(first)
    return _MESSAGE % {"words": said} + (f"\n{base}{where}" if base else "")
