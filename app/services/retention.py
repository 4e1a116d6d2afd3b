"""Forgetting what no longer means anything, a bounded batch at a time."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import TextClause, text

from app.core.db import db
from app.core.settings import get_settings

BATCH: Final = 2_000
DEAD_DAYS: Final = 30
JUNK_DAYS: Final = 7
OUTBOX_DAYS: Final = 90
CRON_DAYS: Final = 2
REFUSED_DAYS: Final = 30
PAYMENT_EVENT_DAYS: Final = 400
"""Longer than a card's holder may dispute a payment."""
PICTURE_DAYS: Final = 7
VISIT_DAYS: Final = 400
DRIFT_DAYS: Final = 90
LETTER_DAYS: Final = 90


def _old(table: str, condition: str) -> TextClause:
    return text(
        f"DELETE FROM {table} WHERE ctid = ANY (ARRAY("  # noqa: S608 - constants
        f"SELECT ctid FROM {table} WHERE {condition} LIMIT {BATCH} FOR UPDATE SKIP LOCKED))"
    )


# Updates stay this long to recognise repeats: Telegram gives up after a day.
_RULES: Final[Mapping[str, TextClause]] = {
    "inbox": _old("inbox", "state = 'done' AND done_at < now() - make_interval(hours => :hours)"),
    "dead letters": _old("inbox", f"state = 'dead' AND received_at < now() - interval '{DEAD_DAYS} days'"),
    "junk": _old("inbox_junk", f"received_at < now() - interval '{JUNK_DAYS} days'"),
    "outbox": _old("outbox", f"done_at < now() - interval '{OUTBOX_DAYS} days'"),
    # Uploaded and then not used, or used no more.
    "pictures": _old(
        "picture",
        f"created_at < now() - interval '{PICTURE_DAYS} days'"  # noqa: S608 - constants
        " AND NOT EXISTS (SELECT FROM lottery l WHERE l.picture_id = picture.id)"
        " AND NOT EXISTS (SELECT FROM broadcast b WHERE b.picture_id = picture.id)"
        " AND NOT EXISTS (SELECT FROM product p WHERE p.picture_id = picture.id)"
        " AND NOT EXISTS (SELECT FROM service_account a WHERE a.picture_id = picture.id)"
        " AND NOT EXISTS (SELECT FROM lottery_template t WHERE t.body ->> 'picture_id' = picture.id::text)",
    ),
    "files": _old(
        "stored_file",
        f"created_at < now() - interval '{PICTURE_DAYS} days'"  # noqa: S608 - constants
        " AND NOT EXISTS (SELECT FROM stock_item i WHERE i.file_id = stored_file.id)"
        " AND NOT EXISTS (SELECT FROM order_step o WHERE o.file_id = stored_file.id)",
    ),
    "forms": _old("order_form", "expires_at < now()"),
    "visits": _old("product_visit", f"day < current_date - {VISIT_DAYS}"),
    "refused callbacks": _old("refused_callback", f"received_at < now() - interval '{REFUSED_DAYS} days'"),
    "payment events": _old("payment_event", f"received_at < now() - interval '{PAYMENT_EVENT_DAYS} days'"),
    "nonces": _old("credit_nonce", "expires_at < now()"),
    # The lines first: a comparison may have very many.
    "drift lines": _old(
        "credit_drift_line",
        f"drift_id IN (SELECT id FROM credit_drift WHERE created_at < now() - interval '{DRIFT_DAYS} days')",  # noqa: S608 - constants
    ),
    "drifts": _old(
        "credit_drift",
        f"created_at < now() - interval '{DRIFT_DAYS} days'"
        " AND NOT EXISTS (SELECT FROM credit_drift_line l WHERE l.drift_id = credit_drift.id)",
    ),
    # One that the cursor has not passed still says that its posting is settled.
    "letters of partners": _old(
        "credit_letter",
        f"closed_at < now() - interval '{LETTER_DAYS} days'"
        " AND EXISTS (SELECT FROM credit_partner p WHERE p.id = partner_id AND p.cursor >= posting_id)",
    ),
    "schedule": _old("cron_run", f"ran_at < now() - interval '{CRON_DAYS} days'"),
}
KINDS: Final = tuple(_RULES)


def forget_some(kind: str) -> bool:
    """Deletes at most BATCH rows of one of KINDS; True when more may be due."""
    rule = _RULES[kind]
    parameters = {"hours": get_settings().inbox_keep_hours} if ":hours" in rule.text else {}
    deleted: int = db.session.connection().execute(rule, parameters).rowcount
    return deleted == BATCH
