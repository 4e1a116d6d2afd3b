"""How a tenant's promoting works: whether it is on, how long a binding holds, the least withdrawal."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.bells import Bell
from app.core.db import db
from app.core.errors import BadInput
from app.core.i18n import N_
from app.core.queue import ring
from app.domain.affiliates import DEFAULT_WINDOW_DAYS, MAX_TERMS, MAX_WINDOW_DAYS, CommissionKind
from app.domain.money import EXPONENTS, Money, exponent
from app.domain.products import ProductState
from app.models import AffiliateSettings, Bot, Product, PromoterAccount
from app.services import audit

DEFAULT_CURRENCY = "CNY"


class WindowNotValid(BadInput):
    code = "window_not_valid"
    message = N_("The binding lasts a whole number of days from 1 to %(most)s.")


class TermsTooLong(BadInput):
    code = "terms_too_long"
    message = N_("The terms have %(count)s characters; at most %(most)s are allowed.")


class LeastNotValid(BadInput):
    code = "least_not_valid"
    message = N_("The least withdrawal of %(currency)s can't be below zero.")


@dataclass(frozen=True, slots=True)
class Terms:
    """A tenant's settings, or the defaults. `least` are minor units by currency."""

    enabled: bool = True
    window_days: int = DEFAULT_WINDOW_DAYS
    least: Mapping[str, int] = field(default_factory=dict)
    words: str = ""
    """What a promoter reads before he becomes one; empty where the boss wrote nothing."""

    def least_of(self, currency: str) -> int:
        """Minor units below which nothing is paid out; 1 where the boss set nothing."""
        return max(self.least.get(currency, 0), 1)


def load(tenant_id: int) -> Terms:
    """The tenant's terms."""
    row = db.session.get(AffiliateSettings, tenant_id)
    if row is None:
        return Terms()
    least = {currency: amount for currency, amount in row.least_withdrawal.items() if isinstance(amount, int)}
    return Terms(row.enabled, row.window_days, least, row.terms)


def is_offered(tenant_id: int) -> bool:
    """Whether people are invited to promote: it is on, and something on sale pays a commission."""
    paying = exists().where(
        Product.tenant_id == tenant_id,
        Product.state == ProductState.ON_SALE,
        Product.commission["kind"].astext != CommissionKind.NONE.value,
    )
    return load(tenant_id).enabled and bool(db.session.scalar(select(paying)))


def currencies(tenant_id: int) -> list[str]:
    """In which there is, or may be, something to withdraw: those of products, of balances and of the terms."""
    products = select(Product.currency).where(Product.tenant_id == tenant_id)
    accounts = select(PromoterAccount.currency).where(PromoterAccount.tenant_id == tenant_id)
    known = {*db.session.scalars(products.union(accounts)), *load(tenant_id).least}
    return [currency for currency in EXPONENTS if currency in known] or [DEFAULT_CURRENCY]


def save(tenant_id: int, new: Terms) -> None:
    """Keeps the terms and notes in the log what changed. Raises BadInput with the reason."""
    if not 1 <= new.window_days <= MAX_WINDOW_DAYS:
        raise WindowNotValid(most=MAX_WINDOW_DAYS)
    if len(new.words) > MAX_TERMS:
        raise TermsTooLong(count=len(new.words), most=MAX_TERMS)
    for currency, amount in new.least.items():
        exponent(currency)
        if amount < 0:
            raise LeastNotValid(currency=currency)
    before = load(tenant_id)
    if new == before:
        return
    values: dict[str, object] = {
        "enabled": new.enabled,
        "window_days": new.window_days,
        "least_withdrawal": {currency: amount for currency, amount in new.least.items() if amount},
        "terms": new.words,
    }
    query = insert(AffiliateSettings).values(tenant_id=tenant_id, **values)
    db.session.execute(query.on_conflict_do_update(index_elements=["tenant_id"], set_=values))
    db.session.expire_all()
    if new.enabled != before.enabled:
        _renew_menus(tenant_id)
    audit.record(tenant_id, "promoting.changed", ("tenant", tenant_id, ""), _changes(before, new))


def _renew_menus(tenant_id: int) -> None:
    """Another version of the bots makes every process draw their menus anew."""
    changed = db.session.execute(
        update(Bot).where(Bot.tenant_id == tenant_id).values(version=Bot.version + 1).returning(Bot.id)
    )
    for bot_id in changed.scalars():
        ring(Bell.BOTS, bot_id)


def _changes(before: Terms, new: Terms) -> dict[str, object]:
    pairs = {
        "enabled": (before.enabled, new.enabled),
        "window_days": (before.window_days, new.window_days),
        "least_withdrawal": (_shown(before.least), _shown(new.least)),
        "terms": (before.words, new.words),
    }
    return {name: [old, now] for name, (old, now) in pairs.items() if old != now}


def _shown(least: Mapping[str, int]) -> str:
    return ", ".join(str(Money(minor, currency)) for currency, minor in least.items() if minor)
