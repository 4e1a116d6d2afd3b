"""The demo boss's other project: it posts with a key of its own, and the sandbox plays the partner that gets his changes."""

from dataclasses import dataclass
from typing import Final

from app.cli.dev import outside
from app.core.settings import get_settings
from app.models import CreditClient, CreditPartner
from app.services.credit_clients import manage
from app.services.credit_sync import partners

SOURCE: Final = "mall"
NAME: Final = "演示商城"


@dataclass(frozen=True)
class Place:
    """Where the sandbox plays the partner, and whether it still has the project's key."""

    sandbox: str
    has_key: bool

    @property
    def page(self) -> str:
        """What people look at."""
        return f"{self.sandbox}/partner/{SOURCE}"

    @property
    def url(self) -> str:
        """Where changes are sent."""
        return f"{self.page}/credits"


def look(sandbox: str) -> Place:
    """Asks the sandbox; the partner is there from now on."""
    told = outside.partner_keys(sandbox, {"name": SOURCE})
    return Place(sandbox, has_key=told["has_api_key"] is True)


def make(tenant_id: int, place: Place) -> dict[str, str]:
    """The project with its key and the partner; what `tell` passes on. What the boss removed stays away."""
    client = manage.find_client(tenant_id, SOURCE)
    is_new = client is None
    if client is None:
        client = manage.create_client(tenant_id, SOURCE, NAME)
    keys = {} if place.has_key else _key(client)
    return keys | _partner(tenant_id, place, is_new=is_new)


def tell(place: Place, keys: dict[str, str]) -> None:
    """Hands the keys to the sandbox, whose page shows them. They are printed nowhere."""
    outside.partner_keys(place.sandbox, {"name": SOURCE, **keys})


def _key(client: CreditClient) -> dict[str, str]:
    """A new key: the one before was lost together with the sandbox's data."""
    for key in manage.list_keys(client.id):
        if key.user_id is None and key.revoked_at is None:
            manage.revoke(key.id)
    made = manage.create_key(client.id)
    site = get_settings().public_url
    return {"site": site, "source": SOURCE, "api_key": made.api_key, "api_secret": made.secret_key}


def _partner(tenant_id: int, place: Place, *, is_new: bool) -> dict[str, str]:
    """The sandbox may listen on another port than at the last start."""
    suffix = place.url.removeprefix(place.sandbox)
    partner: CreditPartner | None = next(
        (one for one in partners.list_(tenant_id) if one.url.endswith(suffix)), None
    )
    if partner is None and not is_new:
        return {}
    if partner is None:
        partner = partners.create(
            tenant_id, f"{NAME}（沙盒）", place.url, sources=(), start="beginning"
        ).partner
    elif partner.url != place.url:
        partners.change(partner.id, url=place.url)
    return {"key_id": partner.key_id, "secret_key": partner.secret}
