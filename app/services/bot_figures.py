"""A few figures of one bot for the people who run it, as the bot itself tells them."""

from dataclasses import dataclass

from sqlalchemy import text

from app.core.db import db
from app.domain.bots import BotState
from app.services.dashboard import midnight

_FIGURES = text("""
SELECT bot.state,
    (SELECT coalesce(sum(handled + failed), 0) FROM bot_hour WHERE bot_id = bot.id AND hour >= :since),
    (SELECT count(*) FROM bot_member WHERE bot_id = bot.id AND blocked_at IS NULL),
    (SELECT count(*) FROM inbox WHERE bot_id = bot.id AND state IN ('new', 'leased')),
    (SELECT count(*) FROM inbox WHERE tenant_id = bot.tenant_id AND bot_id = bot.id AND state = 'dead')
FROM bot WHERE bot.id = :bot_id
""")


@dataclass(frozen=True, slots=True)
class Figures:
    """`updates_today` since midnight in the tenant's zone; members who block the bot are not counted."""

    state: BotState
    updates_today: int
    members: int
    open_updates: int
    dead_updates: int


def get(bot_id: int, timezone: str) -> Figures:
    """The figures of this moment."""
    row = db.session.execute(_FIGURES, {"bot_id": bot_id, "since": midnight(timezone)}).one()
    return Figures(BotState(row[0]), int(row[1]), *map(int, row[2:]))
