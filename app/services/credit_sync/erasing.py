"""Erasing somebody. His letters go with his account; what a comparison said about him goes here."""

from sqlalchemy import delete

from app.core.db import db
from app.models import CreditDriftLine


def erase(tenant_id: int, telegram_id: int) -> None:
    """Deletes the lines of comparisons that name a Telegram user."""
    db.session.execute(
        delete(CreditDriftLine).where(
            CreditDriftLine.tenant_id == tenant_id, CreditDriftLine.telegram_id == telegram_id
        )
    )
