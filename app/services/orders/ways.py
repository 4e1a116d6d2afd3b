"""The ways in which a product can be paid right now, and what it costs by each."""

from dataclasses import dataclass

from app.domain.money import STARS, Money
from app.domain.payments import Provider
from app.models import Product
from app.services.products.ways import has_account


@dataclass(frozen=True, slots=True)
class Way:
    """A way to pay, and the price by it."""

    provider: Provider
    price: Money


def price_of(product: Product, provider: Provider) -> Money | None:
    """What the product costs by this way of paying; None where it is not offered."""
    if provider not in product.providers:
        return None
    if provider is Provider.STARS:
        return Money(product.stars, STARS) if product.stars else None
    return Money(product.price_minor, product.currency)


def offered(product: Product) -> list[Way]:
    """In the boss's order, without those that he has no account for."""
    known = [Provider(str(one)) for one in product.providers if one in list(Provider)]
    priced = [(provider, price_of(product, provider)) for provider in known]
    return [
        Way(provider, price)
        for provider, price in priced
        if price is not None and has_account(product.tenant_id, provider)
    ]
