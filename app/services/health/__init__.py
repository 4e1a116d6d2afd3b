"""How bots are: the health card, asking Telegram, and telling the boss (`alerts`)."""

from app.services.health.card import HealthCard, Incident, card, cards, read
from app.services.health.check import Answer, Question, ask, ask_all, claim_due, question, record, retry_now

__all__ = [
    "Answer",
    "HealthCard",
    "Incident",
    "Question",
    "ask",
    "ask_all",
    "card",
    "cards",
    "claim_due",
    "question",
    "read",
    "record",
    "retry_now",
]
