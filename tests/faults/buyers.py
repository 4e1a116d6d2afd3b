"""People who order in a stack, all in one process.

They go through the services, as the bot does when somebody confirms an order.
"""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final

from app.core.db import db
from app.core.i18n import EN
from app.core.queue import TaskName, send, transaction
from app.domain.bots import Mode
from app.domain.members import Person
from app.domain.money import Money
from app.domain.payments import Provider, Service
from app.domain.plans import Plan
from app.domain.products import ProductKind
from app.models import Product
from app.services import affiliates, bots, members, service_accounts, tenants
from app.services.affiliates import promoters
from app.services.orders import create, retry
from app.services.payments import begin
from tests.faults.answering import serve
from tests.fulfilling import BIRTH
from tests.shopping import a_product, codes

TEN_PERCENT: Final = {"kind": "percent", "first": 1000}
REPORT: Final = {"chart": "auto", "late_zi_next_day": False, "true_solar_time": False}
_numbers = count(1)


def open_shop(token: str, stock: int) -> dict[str, int]:
    """Ids of a new tenant, its bot, and what it sells for 19.90 USD each: so many codes, and reports."""
    checked = bots.check_token(token)
    with transaction():
        email = f"boss{checked.telegram_id}@example.com"
        tenant = tenants.create("Boss", email, "correct horse battery", Plan.ENTERPRISE, EN).tenant
        bot = bots.create(tenant.id, checked, mode=Mode.WEBHOOK)
    fields: dict[str, object] = {"providers": [Provider.PINGPONG.value], "commission": TEN_PERCENT}
    goods = a_product(tenant, codes(stock), name="Card", **fields)
    report = a_product(tenant, name="BaZi report", kind=ProductKind.BAZI_REPORT, options=REPORT, **fields)
    return {"tenant": tenant.id, "bot": bot.id, "goods": goods.id, "report": report.id}


def set_token(bot_id: int, token: str) -> None:
    """The boss pastes his bot's new token."""
    checked = bots.check_token(token)
    with transaction():
        bots.update_token(bot_id, checked)


def recommend(bot_id: int, tenant_id: int, promoter: int, friends: list[int]) -> int:
    """The id of a promoter who brings so many friends."""
    with transaction():
        for person in (promoter, *friends):
            members.see(tenant_id, bot_id, Person(person, "Friend", "", None, "en"), private=True)
        made = promoters.become(tenant_id, promoter)
        for friend in friends:
            affiliates.touch(tenant_id, made.code, friend)
    return made.id


def order(product_id: int, bot_id: int, buyers: list[int], name: str) -> list[int]:
    """Everybody orders; the ids of the orders."""
    product = db.session.get_one(Product, product_id)
    return [_order(product, bot_id, buyer, name) for buyer in buyers]


def _order(product: Product, bot_id: int, buyer: int, name: str) -> int:
    answers: Mapping[str, object] = {}
    if product.kind is ProductKind.BAZI_REPORT:
        answers = {**BIRTH, "name": name}
    price = Money(product.price_minor, product.currency)
    wish = create.Wish(
        bot_id, buyer, "en", Provider.PINGPONG, price, answers, made_by=f"buyers:{next(_numbers)}"
    )
    with transaction():
        made = create.create(product, wish)
        begin.begin(made)
    return made.id


def try_again(order_id: int) -> None:
    """The boss has it tried again."""
    with transaction():
        retry.retry(order_id, "boss")


def set_key(tenant_id: int, key: str) -> None:
    """The tenant's own key for texts."""
    with transaction():
        service_accounts.save(tenant_id, Service.DEEPSEEK, {}, secret=key)


def ring(name: str) -> None:
    """As the beat does."""
    send(TaskName(name))


def check(tenant_id: int) -> list[int]:
    """Of the promoters' ledger: its accounts, its entries, its mistakes."""
    with transaction():
        found = affiliates.check(tenant_id)
    return [found.accounts, found.entries, len(found.mismatches)]


ANSWERS: Final[Mapping[str, Callable[..., Any]]] = {
    each.__name__: each for each in (open_shop, set_token, recommend, order, try_again, set_key, ring, check)
}


if __name__ == "__main__":
    serve(ANSWERS)
