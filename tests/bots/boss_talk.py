"""What tests of the boss's commands do and see in a chat."""

from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from sqlalchemy import update

from app.core.db import db
from app.core.queue import transaction
from app.domain.people import Role
from app.models import AuditEvent, Membership, User
from tests.sandbox_client import LIN, Json
from tests.talking import Talk, give, press


def link(user: User, telegram_id: int = LIN) -> None:
    """Ties an account to a Telegram account, as `/link` does."""
    change(user, telegram_id=telegram_id)


def change(user: User, **fields: object) -> None:
    """Changes somebody's place in his tenant."""
    with transaction():
        db.session.execute(update(Membership).where(Membership.user_id == user.id).values(fields))


def demote(user: User) -> None:
    """He may only look from now on."""
    change(user, role=Role.READ_ONLY)


def records(action: str) -> list[AuditEvent]:
    """What the audit log says of an act."""
    db.session.rollback()
    return db.session.query(AuditEvent).filter_by(action=action).order_by(AuditEvent.id).all()


def press_twice(app: Flask, talk: Talk, data: str) -> None:
    """The same button, handled by two workers at the same moment; neither fails."""

    def handled(_: int) -> bool:
        with app.app_context():
            return give(talk.config, callback_query=press(data))

    with ThreadPoolExecutor(2) as workers:
        assert list(workers.map(handled, range(2))) == [True, True]


def data_of(talk: Talk, label: str, user: int = LIN) -> str:
    """The data of the newest button whose label contains these words."""
    for message in reversed(talk.telegram.messages(talk.bot, user)):
        for row in _rows(message):
            for button in row:
                if label in button["text"] and "callback_data" in button:
                    return str(button["callback_data"])
    raise AssertionError(f"no button {label!r}")


def full(talk: Talk, part: str, user: int = LIN) -> str:
    """The whole label of a button under the last message."""
    return next(label for label in talk.labels(user) if part in label)


def _rows(message: Json) -> list[list[Json]]:
    return list(message.get("reply_markup", {}).get("inline_keyboard", []))
