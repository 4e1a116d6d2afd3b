"""How a product can be paid: what the boss chose, and what of it is set up."""

from collections.abc import Set as AbstractSet

from app.domain.payments import Provider
from app.models import Product
from app.services import service_accounts


def set_up(tenant_id: int) -> frozenset[Provider]:
    """What buyers of this tenant can pay with; Stars need no account."""
    ways = {Provider.STARS}
    if service_accounts.pingpong(tenant_id) is not None:
        ways.add(Provider.PINGPONG)
    if service_accounts.manual(tenant_id) is not None:
        ways.add(Provider.MANUAL)
    return frozenset(ways)


def of(product: Product, ready: AbstractSet[Provider] | None = None) -> list[Provider]:
    """The ways that a buyer of this product is offered, in the boss's order; `ready` is what `set_up` said."""
    ready = set_up(product.tenant_id) if ready is None else ready
    chosen = [Provider(str(one)) for one in product.providers]
    return [way for way in chosen if way in ready and (way is not Provider.STARS or product.stars)]
