"""Friends who came to a lottery by somebody's link. A friend counts once per lottery, for whoever brought him first."""

from typing import Final

from sqlalchemy import text

from app.core.db import db

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_LONGEST: Final = 12
_LARGEST: Final = 2**63 - 1

COUNTED: Final = """
EXISTS (SELECT FROM bot b JOIN bot_member t ON t.bot_id = b.id
        WHERE b.tenant_id = i.tenant_id AND t.telegram_id = i.telegram_id AND t.blocked_at IS NULL)
"""
"""SQL: the friend of the row `i` of lottery_invite counts, because he blocks not every bot that he talked with."""

_RECORD = text("""
INSERT INTO lottery_invite (tenant_id, lottery_id, telegram_id, inviter)
SELECT l.tenant_id, l.id, :friend, m.telegram_id
FROM lottery l JOIN member m ON m.tenant_id = l.tenant_id AND m.id = :ref
WHERE l.id = :lottery_id AND l.state IN ('scheduled', 'open') AND m.telegram_id <> :friend
  AND NOT EXISTS (SELECT FROM lottery_entry e WHERE e.lottery_id = l.id AND e.telegram_id = :friend)
ON CONFLICT DO NOTHING RETURNING inviter
""")
_COUNT = text(
    """
SELECT count(*) FROM lottery_invite i WHERE i.lottery_id = :lottery_id AND i.inviter = :inviter AND """
    + COUNTED
)


def record(lottery_id: int, friend: int, ref: str) -> bool:
    """Writes down that somebody (a Telegram id) opened the bot by the link with this `ref`.

    False where that counts for nobody: an unknown or his own link, a second one, or he has joined already.
    """
    member_id = read_ref(ref)
    if member_id is None:
        return False
    values = {"lottery_id": lottery_id, "friend": friend, "ref": member_id}
    return db.session.execute(_RECORD, values).first() is not None


def count(lottery_id: int, inviter: int) -> int:
    """The friends of a Telegram user who count in this lottery now."""
    found = db.session.execute(_COUNT, {"lottery_id": lottery_id, "inviter": inviter}).scalar_one()
    return int(found)


def make_ref(member_id: int) -> str:
    """A member's mark in links: the id of his row in base 36."""
    digits = ""
    while member_id:
        member_id, rest = divmod(member_id, len(_DIGITS))
        digits = _DIGITS[rest] + digits
    return digits


def read_ref(ref: str) -> int | None:
    """The member's id; None for anything that `make_ref` does not make. Links are typed by anybody."""
    if not 0 < len(ref) <= _LONGEST or not ref.isascii() or not ref.isalnum():
        return None
    number = int(ref, len(_DIGITS))
    return number if 0 < number <= _LARGEST else None
