"""Which provider's account a payment is spoken about with. Read in a transaction, used after it."""

from app.core.db import db
from app.core.settings import get_settings
from app.domain.payments import Provider
from app.gateways.payments.base import Gateway
from app.gateways.payments.manual import Manual
from app.gateways.payments.pingpong import Credentials, PingPong
from app.gateways.payments.stars import Stars
from app.models import Bot, Order, Payment
from app.services import service_accounts
from app.services.service_accounts import PingPongAccount


def gateway_of(payment: Payment) -> Gateway | None:
    """The account that a payment was made with; None where it is not ours any more."""
    match payment.provider:
        case Provider.PINGPONG:
            account = service_accounts.pingpong_of_payment(
                payment.tenant_id, payment.account, own=payment.own_account
            )
            return pingpong_of(account) if account is not None else None
        case Provider.STARS:
            return _stars_of(payment.order_id)
        case Provider.MANUAL:
            return Manual()


def pingpong_of(account: PingPongAccount) -> PingPong:
    """The gateway of an account."""
    credentials = Credentials(account.client_id, account.acc_id, account.salt, account.scheme)
    return PingPong(credentials, get_settings().pingpong_api_url)


def notify_url() -> str:
    """Where PingPong calls back; "" where nobody reaches us, so that it is asked instead."""
    settings = get_settings()
    if settings.pingpong_notify_url:
        return settings.pingpong_notify_url
    return f"{settings.public_url}/webhook/pingpong" if settings.public_url else ""


def _stars_of(order_id: int) -> Stars | None:
    order = db.session.get(Order, order_id)
    bot = db.session.get(Bot, order.bot_id) if order is not None else None
    return Stars(bot.token) if bot is not None else None
