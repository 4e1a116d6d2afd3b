"""Every table, so that Alembic and the factory see all of them."""

from app.models.bots import Bot, BotAlert, BotHour, BotMenuItem, BotText
from app.models.broadcasts import Broadcast, BroadcastRecipient
from app.models.credits import CreditAccount, CreditCheck, CreditPosting
from app.models.draws import LotteryCandidate, LotteryChunk, LotteryDraw, LotteryWinner
from app.models.inbox import CronRun, Junk, ShardLease, Update
from app.models.lotteries import (
    Lottery,
    LotteryEntry,
    LotteryEvent,
    LotteryInvite,
    LotteryPost,
    LotteryPrize,
    LotteryTally,
    LotteryTemplate,
)
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
from app.models.pictures import Picture, PictureFile
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
    "Broadcast",
    "BroadcastRecipient",
    "CreditAccount",
    "CreditCheck",
    "CreditPosting",
    "CronRun",
    "Domain",
    "Invitation",
    "Junk",
    "LinkCode",
    "LoginThrottle",
    "Lottery",
    "LotteryCandidate",
    "LotteryChunk",
    "LotteryDraw",
    "LotteryEntry",
    "LotteryEvent",
    "LotteryInvite",
    "LotteryPost",
    "LotteryPrize",
    "LotteryTally",
    "LotteryTemplate",
    "LotteryWinner",
    "Mail",
    "Member",
    "Membership",
    "OutgoingMessage",
    "Picture",
    "PictureFile",
    "PlatformRole",
    "ShardLease",
    "Tenant",
    "Update",
    "User",
    "UserSession",
]
