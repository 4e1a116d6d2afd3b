"""What tests of promoting do in a chat."""

from app.core.db import db
from app.core.queue import transaction
from app.models import Promoter
from app.services.affiliates import promoters
from tests.sandbox_client import LIN
from tests.talking import Talk

AGREE, WITHDRAW, YES = "✅ I agree, make me a promoter", "💸 Withdraw", "✅ Yes, send it"


def the_promoter(telegram_id: int) -> Promoter:
    """Somebody as a promoter."""
    return db.session.query(Promoter).filter_by(telegram_id=telegram_id).one()


def becomes_a_promoter(talk: Talk) -> Promoter:
    """Lin reads the terms and agrees."""
    talk.say("/promote")
    talk.press(AGREE)
    return the_promoter(LIN)


def rich(promoter: Promoter, amount: int = 5000, currency: str = "USD") -> None:
    """He has 50 dollars."""
    with transaction():
        promoters.adjust(promoter.id, currency, amount, "a start", f"start {currency}")


def asks_for(talk: Talk, amount: str) -> str:
    """He writes how much he wants of his 50 dollars; the answer."""
    talk.say("/promote")
    talk.press(WITHDRAW)
    talk.press("Withdraw from $50.00")
    return talk.say(amount)[0]
