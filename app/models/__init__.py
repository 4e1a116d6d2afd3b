"""Every table, so that Alembic and the factory see all of them."""

from app.models.bots import Bot, BotAlert, BotHour, BotMenuItem, BotText
from app.models.inbox import CronRun, Junk, ShardLease, Update
from app.models.members import BotMember, Member
from app.models.outbox import OutgoingMessage
from app.models.people import (
    Invitation,
    LinkCode,
    LoginThrottle,
    Mail,
    Membership,
    PlatformRole,
    User,
    UserSession,
)
from app.models.tenants import ApiKey, AuditEvent, Domain, Tenant

__all__ = [
    "ApiKey",
    "AuditEvent",
    "Bot",
    "BotAlert",
    "BotHour",
    "BotMember",
    "BotMenuItem",
    "BotText",
    "CronRun",
    "Domain",
    "Invitation",
    "Junk",
    "LinkCode",
    "LoginThrottle",
    "Mail",
    "Member",
    "Membership",
    "OutgoingMessage",
    "PlatformRole",
    "ShardLease",
    "Tenant",
    "Update",
    "User",
    "UserSession",
]
