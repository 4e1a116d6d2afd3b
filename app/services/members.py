"""Telegram users of a tenant: who they are, their language, whether they block a bot, and finding them on pages."""

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, text, true, update

from app.core.bells import Bell, Listener
from app.core.db import db
from app.core.queue import ring
from app.domain.members import Person, read_number, read_username
from app.models import Bot, BotMember, Member

FRESH_SECONDS = 600.0
"""A member seen this recently and unchanged is not written again."""
_MOST = 50_000
MAX_WORDS = 5

_SEEN = text("""
WITH person AS (
    INSERT INTO member (tenant_id, telegram_id, first_name, last_name, username, language_code)
    VALUES (:tenant_id, :telegram_id, :first_name, :last_name, :username, :language_code)
    ON CONFLICT (tenant_id, telegram_id) DO UPDATE SET first_name = excluded.first_name,
        last_name = excluded.last_name, username = excluded.username, language_code = excluded.language_code,
        last_seen_at = now()
    RETURNING locale
), talk AS (
    INSERT INTO bot_member (tenant_id, bot_id, telegram_id)
    SELECT :tenant_id, :bot_id, :telegram_id WHERE :private
    ON CONFLICT (bot_id, telegram_id) DO UPDATE SET last_seen_at = now(), blocked_at = NULL
)
SELECT locale FROM person
""")
_BLOCK = text("""
UPDATE bot_member SET blocked_at = now()
WHERE tenant_id = :tenant_id AND bot_id = :bot_id AND telegram_id = :telegram_id AND blocked_at IS NULL
""")


@dataclass(frozen=True, slots=True)
class _Known:
    person: Person
    private: bool
    locale: str | None
    until: float


_Memory = dict[tuple[int, int], _Known]


def find_known(bot_id: int, person: Person, *, private: bool) -> tuple[str | None] | None:
    """(chosen locale,) of a member whom this process wrote lately and who has not changed; None = write him."""
    known = _memory(os.getpid()).get((bot_id, person.telegram_id))
    if known is None or known.until < time.monotonic() or known.person != person or known.private < private:
        return None
    return (known.locale,)


def see(tenant_id: int, bot_id: int, person: Person, *, private: bool) -> str | None:
    """Writes down that somebody talked with a bot, and returns the locale that he chose, if he did.

    `private` = he wrote to the bot itself and not in a group, so the bot may write to him.
    """
    row = db.session.execute(
        _SEEN,
        {
            "tenant_id": tenant_id,
            "bot_id": bot_id,
            "telegram_id": person.telegram_id,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "username": person.username,
            "language_code": person.language_code,
            "private": private,
        },
    ).one()
    locale: str | None = row[0]
    _remember(bot_id, _Known(person, private, locale, time.monotonic() + FRESH_SECONDS))
    return locale


def _remember(bot_id: int, known: _Known) -> None:
    memory = _memory(os.getpid())
    if len(memory) >= _MOST:
        memory.clear()
    memory[bot_id, known.person.telegram_id] = known


def find(tenant_id: int, telegram_id: int) -> Member | None:
    """Somebody whom the tenant knows."""
    return db.session.scalar(
        select(Member).where(Member.tenant_id == tenant_id, Member.telegram_id == telegram_id)
    )


def get(tenant_id: int, member_id: int) -> Member | None:
    """A member by our own number."""
    return db.session.scalar(select(Member).where(Member.tenant_id == tenant_id, Member.id == member_id))


def named(tenant_id: int, username: str) -> Sequence[Member]:
    """Up to two members who had this username when they were last seen: it may have changed hands since."""
    query = select(Member).where(
        Member.tenant_id == tenant_id, func.lower(Member.username) == username.lower()
    )
    return db.session.scalars(query.order_by(Member.last_seen_at.desc()).limit(2)).all()


def set_locale(tenant_id: int, telegram_id: int, locale: str) -> None:
    """Keeps the language that a member chose; other processes hear of it."""
    db.session.execute(
        update(Member)
        .where(Member.tenant_id == tenant_id, Member.telegram_id == telegram_id)
        .values(locale=locale)
    )
    ring(Bell.MEMBERS, telegram_id)


def forget(telegram_id: int | None = None) -> None:
    """Drops what this process remembers of one Telegram user, or of all."""
    memory = _memory(os.getpid())
    for key in [key for key in list(memory) if telegram_id in {None, key[1]}]:
        memory.pop(key, None)


def mark_blocked(tenant_id: int, bot_id: int, telegram_id: int) -> None:
    """The user has blocked the bot or is gone; he counts as blocked until he writes again."""
    values = {"tenant_id": tenant_id, "bot_id": bot_id, "telegram_id": telegram_id}
    db.session.execute(_BLOCK, values)
    _memory(os.getpid()).pop((bot_id, telegram_id), None)


@cache
def _memory(pid: int) -> _Memory:
    """Who was seen lately: one memory per process, also after a fork, with a thread that hears of other processes."""
    threading.Thread(target=_listen, name=f"members-{pid}", daemon=True).start()
    return {}


def _listen() -> None:
    listener = Listener(Bell.MEMBERS)
    while True:
        for _, message in listener.wait(60):
            with contextlib.suppress(ValueError):
                forget(int(message))


@dataclass(frozen=True, slots=True)
class Standing:
    """With how many bots somebody has talked in private, and how many of them he blocks."""

    bots: int = 0
    blocked: int = 0


def matching(words: str) -> ColumnElement[bool]:
    """Members whom up to 5 words fit, each of them: parts of names, `@name`, `t.me/name`, or the Telegram number."""
    return and_(true(), *(_fits(word) for word in words.split()[:MAX_WORDS]))


def _fits(word: str) -> ColumnElement[bool]:
    username = read_username(word)
    if username is not None:
        return Member.username.istartswith(username, autoescape=True)
    # Chinese names are written family name first and without a blank.
    whole = func.concat_ws(
        " ", Member.first_name, Member.last_name, Member.username, Member.last_name + Member.first_name
    )
    named, number = whole.icontains(word, autoescape=True), read_number(word)
    return named if number is None else or_(Member.telegram_id == number, named)


def speaking(language: str) -> ColumnElement[bool]:
    """Members whose chosen language, or else that of their Telegram, is this one (`zh`, `en`)."""
    return func.coalesce(Member.locale, Member.language_code, "").istartswith(language)


def talked_with(bot_id: int) -> ColumnElement[bool]:
    """Members who wrote to this bot in private."""
    return _talk(BotMember.bot_id == bot_id)


def blocking() -> ColumnElement[bool]:
    """Members who block at least one bot."""
    return _talk(BotMember.blocked_at.is_not(None))


def _talk(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    mine = and_(BotMember.tenant_id == Member.tenant_id, BotMember.telegram_id == Member.telegram_id)
    return exists().where(mine, condition)


def active_since(moment: datetime) -> ColumnElement[bool]:
    """Members who were seen at that moment or later, to 10 minutes."""
    return Member.last_seen_at >= moment


def standings(tenant_id: int, telegram_ids: Iterable[int]) -> dict[int, Standing]:
    """How some members stand with the tenant's bots; who was seen in groups only is not among them."""
    bots = select(Bot.id).where(Bot.tenant_id == tenant_id)
    rows = db.session.execute(
        select(BotMember.telegram_id, func.count(), func.count(BotMember.blocked_at))
        .where(BotMember.bot_id.in_(bots), BotMember.telegram_id.in_(list(telegram_ids)))
        .group_by(BotMember.telegram_id)
    )
    return {telegram_id: Standing(talks, blocked) for telegram_id, talks, blocked in rows}


def talks(member: Member) -> Sequence[tuple[BotMember, Bot]]:
    """The bots that a member wrote to in private, latest first, removed ones too."""
    found = db.session.execute(
        select(BotMember, Bot)
        .join(Bot, Bot.id == BotMember.bot_id)
        .where(BotMember.tenant_id == member.tenant_id, BotMember.telegram_id == member.telegram_id)
        .order_by(BotMember.last_seen_at.desc())
    )
    return [(talk, bot) for talk, bot in found]
