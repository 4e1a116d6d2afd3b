"""Outgoing e-mail: written in the transaction that causes it, sent by a task, repeated by a sweep."""

from datetime import timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core import clock
from app.core.db import db
from app.core.queue import TaskName, enqueue
from app.core.settings import get_settings
from app.domain.mail import MAX_ATTEMPTS, Letter, retry_after
from app.models import Mail

KEPT = timedelta(days=7)


def queue(recipient: str, subject: str, body: str, dedupe_key: str | None = None) -> bool:
    """Writes a letter and asks for it to be sent after the commit. The text is kept encrypted until then.

    A second letter with the same key is not written. False where no mail is set up, so that it will reach nobody.
    """
    values = {
        "recipient": recipient,
        "subject": " ".join(subject.split()),
        "body": body,
        "dedupe_key": dedupe_key,
    }
    written = insert(Mail).values(values).on_conflict_do_nothing().returning(Mail.id)
    mail_id = db.session.execute(written).scalar()
    if mail_id is not None:
        enqueue(TaskName.MAINTENANCE_SEND_MAIL, mail_id)
    return bool(get_settings().mail_url)


def claim(mail_id: int) -> Letter | None:
    """The letter, if it is due and nobody else is sending it; counts the attempt."""
    now = clock.now()
    row = db.session.execute(
        update(Mail)
        .where(Mail.id == mail_id, Mail.sent_at.is_(None), Mail.dead_at.is_(None), Mail.not_before <= now)
        .values(attempts=Mail.attempts + 1, not_before=now + timedelta(seconds=60))
        .returning(Mail.id, Mail.recipient, Mail.subject, Mail.body)
    ).one_or_none()
    return None if row is None else Letter(row.id, row.recipient, row.subject, row.body or "")


def complete(mail_id: int) -> None:
    """It has left; its text is forgotten."""
    db.session.execute(
        update(Mail).where(Mail.id == mail_id).values(sent_at=clock.now(), body=None, error=None)
    )


def fail(mail_id: int, code: str, *, for_good: bool) -> None:
    """It did not leave: try again later, or never."""
    row = db.session.get(Mail, mail_id)
    if row is None or row.sent_at is not None:
        return
    row.error = code
    if for_good or row.attempts >= MAX_ATTEMPTS:
        row.dead_at, row.body = clock.now(), None
    else:
        row.not_before = clock.now() + timedelta(seconds=retry_after(row.attempts))


def list_due(most: int = 100) -> list[int]:
    """Letters whose task message was lost or whose time to be tried again has come."""
    due = (
        select(Mail.id)
        .where(Mail.sent_at.is_(None), Mail.dead_at.is_(None), Mail.not_before <= clock.now())
        .order_by(Mail.not_before)
        .limit(most)
    )
    return list(db.session.scalars(due))


def prune() -> None:
    """Forgets letters that left or died a week ago."""
    old = clock.now() - KEPT
    db.session.execute(delete(Mail).where(or_(Mail.sent_at < old, Mail.dead_at < old)))
