"""How a product can be paid: what the boss chose, and what of it is set up."""

from collections.abc import Collection

from app.domain.payments import Provider
from app.models import Product
from app.services import service_accounts


def set_up(tenant_id: int) -> frozenset[Provider]:
    """What buyers of this tenant can pay with; Stars need no account."""
    return frozenset(way for way in Provider if has_account(tenant_id, way))


def has_account(tenant_id: int, provider: Provider) -> bool:
    """Whether money can come in this way."""
    match provider:
        case Provider.PINGPONG:
            return service_accounts.pingpong(tenant_id) is not None
        case Provider.MANUAL:
            return service_accounts.manual(tenant_id) is not None
        case Provider.STARS:
            return True


def works(product: Product, ready: Collection[Provider] | None = None) -> bool:
    """Whether there is a way to pay it that the boss chose and that is set up; `ready` is that, where it is known."""
    ready = set_up(product.tenant_id) if ready is None else ready
    chosen = [Provider(str(one)) for one in product.providers]
    return any(way in ready and (way is not Provider.STARS or bool(product.stars)) for way in chosen)
