"""The shop's rows for attacks: a product with its stock, an order that was paid, its money, and news about it."""

from datetime import timedelta

from app.core import clock
from app.core.db import db
from app.domain.orders import Actor, OrderState, Phase, Step, StepState
from app.domain.payments import MoneyStatus, PaymentState, Provider, RefundState, Service, Verdict
from app.domain.products import ProductKind, ProductState, StockKind, StockState
from app.domain.shop_alerts import AlertKind
from app.models import (
    Order,
    OrderEvent,
    OrderForm,
    OrderStep,
    Payment,
    PaymentEvent,
    PaymentReceipt,
    Product,
    ReconciliationLine,
    Refund,
    ReportPrompt,
    ServiceAccount,
    ShopAlert,
    StockItem,
    StoredFile,
)

ORDER_CODE = "SECRETORDER"


def fill_shop(numbered: dict[str, int], number: int, person: int, mark: str) -> None:
    """Waits for delivery by hand, with a refund that is made by hand, so that most of it may be changed."""
    owned = {"tenant_id": numbered["tenant_id"]}
    now = clock.now()
    db.session.add_all(
        [
            Product(
                **numbered,
                code="SECRETPRODUCT",
                name=mark,
                description=mark,
                kind=ProductKind.DIGITAL_GOODS,
                state=ProductState.ON_SALE,
                price_minor=1990,
                currency="USD",
                picture_id=number,
                providers=["manual"],
            ),
            StoredFile(**numbered, sha256="f" * 64, name=mark, mime="text/plain", data=mark.encode()),
            ServiceAccount(**owned, service=Service.MANUAL, public={"instructions": mark}),
            ReportPrompt(**owned, key="advice", locale="en", body=mark),
        ]
    )
    db.session.flush()
    db.session.add(
        Order(
            **numbered,
            code=ORDER_CODE,
            bot_id=number,
            product_id=number,
            telegram_id=person,
            locale="en",
            state=OrderState.GENERATING,
            phase=Phase.BY_HAND,
            provider=Provider.MANUAL,
            amount_minor=1990,
            currency="USD",
            value_minor=1990,
            value_currency="USD",
            product={
                "name": mark,
                "kind": "manual",
                "options": {},
                "commission": {},
                "code": "SECRETPRODUCT",
            },
            inputs={"q1": mark},
            made_by=mark,
            expires_at=now + timedelta(minutes=30),
            paid_at=now,
        )
    )
    db.session.flush()
    _work_of(owned | {"order_id": number}, numbered, number, person, mark)
    _money_of(numbered, number, mark)


def _work_of(of_it: dict[str, int], numbered: dict[str, int], number: int, person: int, mark: str) -> None:
    now = clock.now()
    owned = {"tenant_id": numbered["tenant_id"]}
    db.session.add_all(
        [
            StockItem(
                **numbered,
                product_id=number,
                kind=StockKind.CODE,
                content=mark,
                fingerprint=mark,
                state=StockState.FREE,
            ),
            OrderEvent(
                **of_it, to_state=OrderState.PENDING, actor=Actor.STAFF, actor_name=mark, why="created"
            ),
            OrderStep(
                **of_it, step=Step.CONFIRM, state=StepState.DONE, source=mark, started_at=now, done_at=now
            ),
            OrderForm(
                **owned, bot_id=number, telegram_id=person, product_id=number, field="q1", expires_at=now
            ),
            ShopAlert(
                **numbered,
                kind=AlertKind.MANUAL_ORDER,
                order_id=number,
                dedupe_key=mark,
                details={"about": mark},
            ),
        ]
    )


def _money_of(numbered: dict[str, int], number: int, mark: str) -> None:
    owned = {"tenant_id": numbered["tenant_id"]}
    db.session.add(
        Payment(
            **numbered,
            order_id=number,
            provider=Provider.MANUAL,
            reference=mark,
            transaction=mark,
            amount_minor=1990,
            currency="USD",
            state=PaymentState.PAID,
        )
    )
    db.session.flush()
    _books_of(owned, numbered, number, mark)
    db.session.add(
        Refund(
            **numbered,
            order_id=number,
            receipt_id=number,
            reference=mark,
            amount_minor=100,
            currency="USD",
            state=RefundState.BY_HAND,
            reason=mark,
            asked_by=f"staff:{mark}",
        )
    )


def _books_of(owned: dict[str, int], numbered: dict[str, int], number: int, mark: str) -> None:
    money = {"provider": Provider.MANUAL, "amount_minor": 1990, "currency": "USD"}
    db.session.add_all(
        [
            PaymentReceipt(
                **numbered,
                **money,
                order_id=number,
                payment_id=number,
                transaction=mark,
                accepted=True,
                refunded_minor=100,
                told_by=f"staff:{mark}",
            ),
            PaymentEvent(
                **owned,
                payment_id=number,
                provider=Provider.PINGPONG,
                transaction=mark,
                kind=mark,
                sha256="a" * 64,
                raw=mark.encode(),
                verdict=Verdict.NOTED,
            ),
            ReconciliationLine(
                **numbered,
                day=clock.now().date() - timedelta(days=1),
                provider=Provider.PINGPONG,
                payment_id=number,
                order_id=number,
                theirs=MoneyStatus.SUCCESS,
                theirs_minor=1990,
                ours="pending",
                ours_minor=0,
                currency="USD",
                difference="unpaid_here",
            ),
        ]
    )
    db.session.flush()
