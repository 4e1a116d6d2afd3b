"""What tests of credits do in a chat."""

from app.core.db import db
from app.core.queue import transaction
from app.models import CreditPosting, OutgoingMessage
from app.services import credits as ledger
from app.services.credits import settings
from tests.bots.boss_talk import data_of
from tests.sandbox_client import LIN, WANG
from tests.talking import Talk

GIVE, YES, NOTE, NO = "🔁 Transfer", "✅ Yes, transfer", "✏️ Add a note", "✖️ No"


def credited(talk: Talk, amount: int = 100, user: int = LIN, source: str = "admin", **more) -> None:
    """Somebody gets credits, or loses some."""
    number = db.session.query(CreditPosting).count() + 1
    words = {"reference": f"test:{number}", "reason": f"Reason {number}"} | more
    with transaction():
        ledger.post(talk.config.tenant_id, user, amount, source=source, **words)


def allow(talk: Talk, *, transfers: bool = True, daily: int | None = None) -> None:
    """The boss allows transfers, or turns them off."""
    with transaction():
        settings.save(talk.config.tenant_id, transfers=transfers, transfer_daily=daily)


def has(talk: Talk, user: int = LIN) -> int:
    db.session.rollback()
    return ledger.balance(talk.config.tenant_id, user)


def asks(talk: Talk, to: str = str(WANG), amount: str = "30") -> str:
    """Lin begins a transfer up to its confirmation; the last answer."""
    talk.say("/points")
    talk.press(GIVE)
    talk.say(to)
    return talk.say(amount)[0]


def confirms(talk: Talk, user: int = LIN) -> str:
    """He presses Yes; the data of that button."""
    data = data_of(talk, YES, user)
    talk.telegram.press(talk.bot, user, data=data)
    talk.feed()
    return data


def sent(talk: Talk) -> int:
    """How many transfers there are."""
    db.session.rollback()
    return db.session.query(CreditPosting).filter_by(source="transfer").count() // 2


def told(talk: Talk) -> list[OutgoingMessage]:
    """The words to receivers."""
    db.session.rollback()
    return db.session.query(OutgoingMessage).filter(OutgoingMessage.dedupe_key.startswith("transfer:")).all()
