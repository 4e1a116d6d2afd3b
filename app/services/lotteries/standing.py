"""How somebody stands with a lottery: all that decides about joining it, read in one statement."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Row, TextClause, text

from app.core import clock
from app.core.db import db
from app.domain.lotteries import Condition, LotteryState, TicketRules, read_code, weight
from app.domain.lottery_spec import read_conditions, read_tickets
from app.services.lotteries.conditions import Known
from app.services.lotteries.door import ENTER
from app.services.lotteries.invites import COUNTED

# Subqueries rather than joins: PostgreSQL plans this at every press, and the order of seven joins costs more than they do.
_COLUMNS = """
SELECT l.id, l.tenant_id, l.bot_id, l.code, l.title, l.state, l.closes_at, l.max_entries, l.closes_when_full, l.conditions,
       l.tickets,
       (SELECT t.entries >= t.most FROM lottery_tally t WHERE t.lottery_id = l.id AND t.shard = 0) AS is_full,
       (SELECT ARRAY[m.id, CAST(floor(extract(epoch FROM m.first_seen_at)) AS bigint)] FROM member m
        WHERE m.tenant_id = l.tenant_id AND m.telegram_id = :telegram_id) AS member,
       (SELECT c.balance - c.held FROM credit_account c
        WHERE c.tenant_id = l.tenant_id AND c.telegram_id = :telegram_id) AS balance,
       (SELECT ARRAY[e.id, e.bought, e.boosts, e.paid] FROM lottery_entry e
        WHERE e.lottery_id = l.id AND e.telegram_id = :telegram_id) AS entry,
       (SELECT count(*) FROM lottery_invite i
        WHERE i.lottery_id = l.id AND i.inviter = :telegram_id AND {counted}) AS friends
FROM lottery l
""".replace("{counted}", COUNTED)
_OF_CODE = "WHERE l.code = :code AND l.state <> 'draft'"
# The row is locked last of all, so the door has been passed by then.
_THROUGH_DOOR = f"{_COLUMNS} CROSS JOIN LATERAL (SELECT {ENTER}) AS door"
_BY_CODE = text(f"{_COLUMNS} {_OF_CODE}")
_LOCKED = text(f"{_THROUGH_DOOR} WHERE l.id = :lottery_id FOR SHARE OF l")
_LOCKED_BY_CODE = text(f"{_THROUGH_DOOR} {_OF_CODE} FOR SHARE OF l")

_AT_POST = text("""
SELECT EXISTS (SELECT FROM lottery_post p WHERE p.lottery_id = :lottery_id
           AND (p.chat_id = :chat_id OR p.chat = CAST(:chat_id AS text) OR lower(p.chat) = :name)) AS posted,
       EXISTS (SELECT FROM bot_member t WHERE t.bot_id = :bot_id AND t.telegram_id = :telegram_id
           AND t.blocked_at IS NULL) AS reachable
""")


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody holds in a lottery."""

    id: int
    bought: int
    boosts: int
    paid: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A lottery's rules and one Telegram user; `member_id` None = the tenant does not know him."""

    lottery_id: int
    tenant_id: int
    bot_id: int
    """The lottery's own, which is in its channels; people may join by another bot of the tenant."""
    telegram_id: int
    code: str
    title: str
    state: LotteryState
    closes_at: datetime
    max_entries: int | None
    closes_when_full: bool
    is_full: bool
    conditions: tuple[Condition, ...]
    tickets: TicketRules
    member_id: int | None
    known: Known
    entry: Entry | None

    @property
    def takes_entries(self) -> bool:
        """Whether anybody may join or change his tickets now; the sweep may close it a moment later."""
        return self.state is LotteryState.OPEN and clock.now() < self.closes_at

    @property
    def weight(self) -> int:
        """His tickets as they are now."""
        held = self.entry or Entry(0, 0, 0, 0)
        return weight(self.tickets, friends=self.known.friends, boosts=held.boosts, bought=held.bought)


def find_by_code(code: str, telegram_id: int) -> Standing | None:
    """By the code of a link, in small or capital letters; drafts are nobody's business. Locks nothing."""
    return _by_code(_BY_CODE, code, telegram_id)


def lock_by_code(code: str, telegram_id: int) -> Standing | None:
    """The same with the lock of `lock`."""
    return _by_code(_LOCKED_BY_CODE, code, telegram_id)


def _by_code(query: TextClause, code: str, telegram_id: int) -> Standing | None:
    wanted = read_code(code)
    if wanted is None:
        return None
    row = db.session.execute(query, {"code": wanted, "telegram_id": telegram_id}).first()
    return _read(row, telegram_id) if row else None


def lock(lottery_id: int, telegram_id: int) -> Standing | None:
    """The same, while the lottery stays as it is until the transaction ends: closing it waits for that.

    The lottery's row must not be updated afterwards in this transaction: two who did so would wait for each other.
    """
    row = db.session.execute(_LOCKED, {"lottery_id": lottery_id, "telegram_id": telegram_id}).first()
    return _read(row, telegram_id) if row else None


def at_post(found: Standing, bot_id: int, chat_id: int, username: str) -> tuple[bool, bool]:
    """(whether the lottery was posted in this channel or group, whether the bot may write to the person)."""
    values = {
        "lottery_id": found.lottery_id,
        "chat_id": chat_id,
        "name": f"@{username.lower()}",
        "bot_id": bot_id,
        "telegram_id": found.telegram_id,
    }
    posted, reachable = db.session.execute(_AT_POST, values).one()
    return posted, reachable


def _read(row: Row[tuple[object, ...]], telegram_id: int) -> Standing:
    member_id, since = row.member or (None, None)
    return Standing(
        row.id,
        row.tenant_id,
        row.bot_id,
        telegram_id,
        row.code,
        row.title,
        LotteryState(row.state),
        row.closes_at,
        row.max_entries,
        row.closes_when_full,
        row.is_full is True,
        read_conditions(row.conditions),
        read_tickets(row.tickets),
        member_id,
        Known(row.friends, row.balance or 0, datetime.fromtimestamp(since, UTC) if since else None),
        Entry(*row.entry) if row.entry else None,
    )
