"""What tests of orders do and see in a chat."""

from app.core.db import db
from app.core.queue import transaction
from app.core.redis import quick
from app.models import Order, OrderForm, OutgoingMessage, Product, Tenant
from tests.sandbox_client import LIN
from tests.shopping import a_product, codes
from tests.talking import Talk

PAY = "✅ Pay ⭐150 by Telegram Stars"
FIELDS = [
    {"key": "who", "label": "Who is it for?", "kind": "text", "hint": "A name"},
    {"key": "size", "label": "Which size?", "kind": "choice", "choices": ["Small", "Large"]},
    {"key": "note", "label": "A wish?", "kind": "text", "required": False},
]


def a_mug(tenant: Tenant, **fields: object) -> Product:
    """A mug for 150 Stars with three questions, the last of which may be skipped."""
    values = {"name": "Mug", "providers": ["stars"], "stars": 150, "fields": FIELDS}
    return a_product(tenant, codes(9), **(values | fields))


def start(talk: Talk, product: Product, **more: int) -> str:
    """Opens the product's card and presses the button; the first question."""
    talk.say(f"/start p_{product.code}", **more)
    return talk.press(buy(talk, **more), **more)


def buy(talk: Talk, **more: int) -> str:
    return next(label for label in talk.labels(*more.values()) if label.startswith("🛒 Buy"))


def fill(talk: Talk, product: Product) -> str:
    """Answers everything; the summary."""
    start(talk, product)
    talk.say("Aunt Li")
    talk.press("Large")
    return talk.press("⏭ Skip")


def orders() -> list[Order]:
    db.session.rollback()
    return db.session.query(Order).order_by(Order.id).populate_existing().all()


def form() -> OrderForm | None:
    db.session.rollback()
    return db.session.query(OrderForm).populate_existing().one_or_none()


def queued() -> list[OutgoingMessage]:
    """What waits to be sent, the oldest first."""
    db.session.rollback()
    return db.session.query(OutgoingMessage).order_by(OutgoingMessage.id).all()


def change(product: Product, **fields: object) -> None:
    """The boss changes a product."""
    with transaction():
        for name, value in fields.items():
            setattr(db.session.get_one(Product, product.id), name, value)


def lose_redis() -> None:
    quick().flushdb()


def pay_data(talk: Talk, label: str = PAY) -> str:
    """The data of a button under the bot's last message."""
    last = next(m for m in reversed(talk.telegram.messages(talk.bot, LIN)) if m["from"]["is_bot"])
    rows = last["reply_markup"]["inline_keyboard"]
    return next(button["callback_data"] for row in rows for button in row if button["text"] == label)
