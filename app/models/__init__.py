"""Every table, so that Alembic and the factory see all of them."""

from app.models.affiliates import (
    AffiliateSettings,
    CommissionEntry,
    Promoter,
    PromoterAccount,
    PromoterBinding,
    PromoterTouch,
    Withdrawal,
)
from app.models.bots import Bot, BotAlert, BotHour, BotMenuItem, BotText
from app.models.broadcasts import Broadcast, BroadcastRecipient
from app.models.credits import CreditAccount, CreditCheck, CreditPosting
from app.models.draws import LotteryCandidate, LotteryChunk, LotteryDraw, LotteryWinner
from app.models.files import StoredFile
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
from app.models.orders import (
    Order,
    OrderEvent,
    OrderForm,
    OrderStep,
    ProviderBreaker,
    ReportPrompt,
    ShopAlert,
    Spending,
)
from app.models.outbox import OutgoingMessage
from app.models.payments import (
    Payment,
    PaymentEvent,
    PaymentReceipt,
    ReconciliationLine,
    Refund,
    RefusedCallback,
    ServiceAccount,
)
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
from app.models.products import Product, ProductVisit, StockItem
from app.models.tenants import ApiKey, AuditEvent, Domain, Tenant

__all__ = [
    "AffiliateSettings",
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
    "CommissionEntry",
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
    "Order",
    "OrderEvent",
    "OrderForm",
    "OrderStep",
    "OutgoingMessage",
    "Payment",
    "PaymentEvent",
    "PaymentReceipt",
    "Picture",
    "PictureFile",
    "PlatformRole",
    "Product",
    "ProductVisit",
    "Promoter",
    "PromoterAccount",
    "PromoterBinding",
    "PromoterTouch",
    "ProviderBreaker",
    "ReconciliationLine",
    "Refund",
    "RefusedCallback",
    "ReportPrompt",
    "ServiceAccount",
    "ShardLease",
    "ShopAlert",
    "Spending",
    "StockItem",
    "StoredFile",
    "Tenant",
    "Update",
    "User",
    "UserSession",
    "Withdrawal",
]
