"""Between a product's row and what a boss decides about it."""

from app.domain.affiliates import Commission, CommissionKind, read_commission
from app.domain.forms import fields_json
from app.domain.money import Money
from app.domain.product_spec import ProductSpec, commission_words
from app.models import Product


def columns(spec: ProductSpec) -> dict[str, object]:
    """The columns of a row; not its kind, which stays, and not its stock, which orders change too."""
    return {
        "bot_id": spec.bot_id,
        "name": spec.name,
        "description": spec.description,
        "price_minor": spec.price.minor,
        "currency": spec.price.currency,
        "stars": spec.stars,
        "providers": [one.value for one in spec.providers],
        "picture_id": spec.picture_id,
        "position": spec.position,
        "fields": fields_json(spec.fields),
        "options": dict(spec.options),
        "commission": commission_json(spec.commission),
    }


def body(product: Product) -> dict[str, object]:
    """The product as in `product.json`."""
    return {
        "name": product.name,
        "kind": product.kind.value,
        "description": product.description,
        "price": str(Money(product.price_minor, product.currency).decimal()),
        "currency": product.currency,
        "stars": product.stars,
        "providers": list(product.providers),
        "picture_id": product.picture_id,
        "bot_id": product.bot_id,
        "position": product.position,
        "stock": product.stock,
        "fields": list(product.fields),
        "commission": commission_words(read_commission(product.commission), product.currency),
        **product.options,
    }


def commission_json(commission: Commission) -> dict[str, object]:
    """As products and orders keep it: basis points, or minor units of the price's currency."""
    if commission.kind is CommissionKind.NONE:
        return {}
    return {"kind": commission.kind.value, "first": commission.first, "second": commission.second}
