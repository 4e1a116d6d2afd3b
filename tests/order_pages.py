"""What the tests of the boss's pages about orders and money share: rows to look at, and what was written down."""

from datetime import timedelta

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.domain.orders import OrderState, Phase
from app.domain.payments import Difference, MoneyStatus, Provider, RefundState
from app.domain.products import ProductKind
from app.domain.shop_alerts import AlertKind
from app.models import AuditEvent, Member, Order, Payment, ReconciliationLine, Refund, ShopAlert
from app.services import shop_alerts
from app.services.payments import transfers
from tests.cast import Cast
from tests.fulfilling import a_credit_product, paid
from tests.paying import a_payment, fresh
from tests.shopping import BUYER, a_product


def a_member(cast: Cast, name: str = "Chen", telegram_id: int = BUYER) -> Member:
    member = Member(tenant_id=cast.tenant.id, telegram_id=telegram_id, first_name=name, username="chen")
    with transaction():
        db.session.add(member)
    return member


def by_hand(cast: Cast) -> Order:
    """Waits for the boss to deliver it."""
    product = a_product(cast.tenant, kind=ProductKind.MANUAL, name="Advice")
    return paid(product, state=OrderState.GENERATING, phase=Phase.BY_HAND)


def failed(cast: Cast) -> Order:
    return paid(a_credit_product(cast.tenant), state=OrderState.FAILED, error="blocked_by_buyer")


def transferred(cast: Cast) -> Payment:
    """Confirmed by the boss: there is money to give back."""
    payment = a_payment(cast.tenant, Provider.MANUAL)
    with transaction():
        transfers.confirm_transfer(payment.id, "Owner")
    return fresh(payment)


def actions() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def refunds() -> list[tuple[int, RefundState]]:
    db.session.rollback()
    return [(one.amount_minor, one.state) for one in db.session.scalars(select(Refund).order_by(Refund.id))]


def an_alert(cast: Cast, kind: AlertKind = AlertKind.LOW_STOCK, key: str = "1", **about: object) -> ShopAlert:
    product = a_product(cast.tenant, name="Gold card")
    with transaction():
        shop_alerts.raise_alert(
            cast.tenant.id, kind, key, product_id=product.id, details={"left": 3, **about}
        )
    return db.session.scalars(select(ShopAlert).order_by(ShopAlert.id.desc())).first()


def a_line(cast: Cast, difference: Difference = Difference.UNPAID_HERE) -> ReconciliationLine:
    payment = a_payment(cast.tenant, Provider.PINGPONG)
    line = ReconciliationLine(
        tenant_id=cast.tenant.id,
        day=(clock.now() - timedelta(days=1)).date(),
        provider=Provider.PINGPONG,
        payment_id=payment.id,
        order_id=payment.order_id,
        theirs=MoneyStatus.SUCCESS,
        theirs_minor=1990,
        ours="pending",
        ours_minor=0,
        currency="USD",
        difference=difference,
    )
    with transaction():
        db.session.add(line)
    return line
