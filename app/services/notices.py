"""Who is told what goes on in a tenant, and by which bot."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.core.db import db
from app.domain.bots import BotState
from app.domain.people import Role
from app.models import Bot, BotMember, Membership, Tenant


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who is told, by Telegram, mail or both."""

    telegram_id: int | None
    email: str
    locale: str


def readers(tenant_id: int) -> list[Reader]:
    """The tenant's owners and managers."""
    locale = db.session.scalar(select(Tenant.locale).where(Tenant.id == tenant_id)) or ""
    query = (
        select(Membership)
        .where(Membership.tenant_id == tenant_id, Membership.role.in_([Role.OWNER, Role.MANAGER]))
        .options(selectinload(Membership.user))
        .order_by(Membership.user_id)
    )
    return [
        Reader(row.telegram_id, row.user.email, row.user.locale or locale)
        for row in db.session.scalars(query)
    ]


def carrier(tenant_id: int, telegram_id: int | None, prefer_bot_id: int | None = None) -> int | None:
    """The id of the bot that brings him news: the preferred one where it can send, else another he talks with."""
    if telegram_id is None:
        return None
    query = (
        select(Bot.id)
        .join(BotMember, BotMember.bot_id == Bot.id)
        .where(
            Bot.tenant_id == tenant_id,
            BotMember.telegram_id == telegram_id,
            BotMember.blocked_at.is_(None),
            Bot.enabled,
            Bot.removed_at.is_(None),
            Bot.state.in_([BotState.RUNNING, BotState.STARTING, BotState.CONFLICT]),
        )
        # Its own news first; then whoever is well.
        .order_by((Bot.id != (prefer_bot_id or 0)), (Bot.state != BotState.RUNNING), Bot.id)
        .limit(1)
    )
    return db.session.scalar(query)
