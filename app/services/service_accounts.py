"""Keys of outside services: the tenant's own, else the operator's from the settings.

What a key opens stays inside: pages get `shown`, which masks it, and the audit log gets no secret either.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import select

from app.core import clock, crypto
from app.core.db import db
from app.core.errors import BadInput
from app.core.i18n import N_
from app.core.settings import get_settings
from app.domain.payments import Service
from app.models import Picture, ServiceAccount
from app.services import audit

SALTED: Final = "salted-sha256"
SCHEMES: Final = (SALTED, "hmac-sha256")
MAX_SECRET: Final = 200
MAX_PUBLIC: Final = 2000
MAX_CAP: Final = 10_000
_FIELDS: Final[Mapping[Service, tuple[str, ...]]] = {
    Service.PINGPONG: ("client_id", "acc_id", "scheme"),
    Service.MANUAL: ("instructions",),
    Service.YUANFENJU: (),
    Service.DEEPSEEK: ("model", "buyer_daily_usd"),
}


class AccountNotValid(BadInput):
    code = "service_account_not_valid"
    message = N_("These details are not complete: %(field)s")


@dataclass(frozen=True, slots=True)
class PingPongAccount:
    """A merchant's account at PingPong. `own` = the tenant's, and not the operator's."""

    client_id: str
    acc_id: str
    salt: str = field(repr=False)
    scheme: str
    own: bool


@dataclass(frozen=True, slots=True)
class ManualAccount:
    """How buyers transfer money by hand: the boss's words and, where he has one, his QR code."""

    instructions: str
    picture_id: int | None


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A key and the service's address."""

    key: str = field(repr=False)
    url: str
    own: bool


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars per million tokens."""

    read: Decimal
    cached: Decimal
    written: Decimal


@dataclass(frozen=True, slots=True)
class DeepSeekKey:
    """A key, the service's address, the model, what it costs, and what a tenant lets each buyer cost on a day."""

    key: str = field(repr=False)
    url: str
    model: str
    prices: Prices
    own: bool
    buyer_daily_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page may show of an account. `operators` = without an own one, the operator's is used."""

    service: Service
    own: bool
    enabled: bool
    public: Mapping[str, str]
    secret: str
    picture_id: int | None
    changed_at: datetime | None
    operators: bool


def pingpong(tenant_id: int) -> PingPongAccount | None:
    """The account that new payments are made with."""
    own = _own(tenant_id, Service.PINGPONG)
    return _pingpong_of(own) if own is not None else operators_pingpong()


def operators_pingpong() -> PingPongAccount | None:
    """The account of the settings, where there is one."""
    settings = get_settings()
    salt = settings.pingpong_salt.get_secret_value()
    if not (settings.pingpong_acc_id and settings.pingpong_client_id and salt):
        return None
    return PingPongAccount(
        settings.pingpong_client_id, settings.pingpong_acc_id, salt, settings.pingpong_sign_scheme, own=False
    )


def pingpong_of_payment(tenant_id: int, acc_id: str, *, own: bool) -> PingPongAccount | None:
    """The account that a payment was made with, also where it is switched off by now; None when it is gone."""
    if not own:
        found = operators_pingpong()
    else:
        row = _row(tenant_id, Service.PINGPONG)
        found = _pingpong_of(row) if row is not None and row.secret else None
    return found if found is not None and found.acc_id == acc_id else None


def pingpongs_named(acc_id: str) -> list[tuple[int | None, PingPongAccount]]:
    """(tenant id, None for the operator; account) of everybody who entered this account; needs the system scope."""
    named = ServiceAccount.public["acc_id"].astext == acc_id
    query = select(ServiceAccount).where(ServiceAccount.service == Service.PINGPONG, named)
    found: list[tuple[int | None, PingPongAccount]] = [
        (row.tenant_id, _pingpong_of(row)) for row in db.session.scalars(query.limit(20)) if row.secret
    ]
    operators = operators_pingpong()
    if operators is not None and operators.acc_id == acc_id:
        found.append((None, operators))
    return found


def manual(tenant_id: int) -> ManualAccount | None:
    """How to pay by transfer, where the boss has written it down."""
    own = _own(tenant_id, Service.MANUAL)
    if own is None or not own.public.get("instructions"):
        return None
    return ManualAccount(str(own.public["instructions"]), own.picture_id)


def yuanfenju(tenant_id: int) -> ServiceKey | None:
    """The key for charts."""
    settings = get_settings()
    key, own = _key(tenant_id, Service.YUANFENJU, settings.yuanfenju_api_key.get_secret_value())
    return ServiceKey(key, settings.yuanfenju_api_url, own) if key else None


def deepseek(tenant_id: int) -> DeepSeekKey | None:
    """The key for texts."""
    settings = get_settings()
    key, own = _key(tenant_id, Service.DEEPSEEK, settings.deepseek_api_key.get_secret_value())
    if not key:
        return None
    row = _own(tenant_id, Service.DEEPSEEK)
    public = row.public if row is not None and own else {}
    cap = str(public.get("buyer_daily_usd") or "")
    read, cached, written = (Decimal(price) for price in settings.deepseek_prices.split(","))
    return DeepSeekKey(
        key,
        settings.deepseek_api_url,
        str(public.get("model") or settings.deepseek_model),
        Prices(read, cached, written),
        own,
        Decimal(cap) if cap else None,
    )


def shown(tenant_id: int, service: Service) -> Shown:
    """An account as pages may show it."""
    row = _row(tenant_id, service)
    public = row.public if row is not None else {}
    return Shown(
        service,
        own=row is not None,
        enabled=row.enabled if row is not None else False,
        public={name: str(public.get(name, "")) for name in _FIELDS[service]},
        secret=crypto.mask(row.secret) if row is not None and row.secret else "",
        picture_id=row.picture_id if row is not None else None,
        changed_at=row.changed_at if row is not None else None,
        operators=_operator_has(service),
    )


def save(
    tenant_id: int,
    service: Service,
    public: Mapping[str, str],
    *,
    secret: str | None = None,
    picture_id: int | None = None,
    enabled: bool = True,
) -> None:
    """Keeps a tenant's own account. `secret` None or "" keeps the one that is there. Raises AccountNotValid."""
    row = _row(tenant_id, service, lock=True)
    values = {name: public.get(name, "").strip()[:MAX_PUBLIC] for name in _FIELDS[service]}
    _check(service, values, secret or (row.secret if row is not None else ""))
    if picture_id is not None and not _has_picture(tenant_id, picture_id):
        raise AccountNotValid(field="picture_id")
    if row is None:
        row = ServiceAccount(tenant_id=tenant_id, service=service)
        db.session.add(row)
    changes: dict[str, object] = {**values, "enabled": enabled, "picture_id": picture_id}
    row.public, row.enabled, row.picture_id = dict(values), enabled, picture_id
    row.changed_at = clock.now()
    if secret:
        row.secret = secret.strip()
        changes["secret"] = crypto.mask(row.secret)
    db.session.flush()
    audit.record(
        tenant_id, "service_account.saved", ("service_account", service.value, service.value), changes
    )


def remove(tenant_id: int, service: Service) -> bool:
    """Forgets a tenant's own account; the operator's serves from then on. False when there was none."""
    row = _row(tenant_id, service, lock=True)
    if row is None:
        return False
    db.session.delete(row)
    db.session.flush()
    audit.record(tenant_id, "service_account.removed", ("service_account", service.value, service.value))
    return True


def _row(tenant_id: int, service: Service, *, lock: bool = False) -> ServiceAccount | None:
    query = select(ServiceAccount).where(
        ServiceAccount.tenant_id == tenant_id, ServiceAccount.service == service
    )
    return db.session.scalar(query.with_for_update() if lock else query)


def _own(tenant_id: int, service: Service) -> ServiceAccount | None:
    row = _row(tenant_id, service)
    return row if row is not None and row.enabled else None


def _key(tenant_id: int, service: Service, operators: str) -> tuple[str, bool]:
    """(key, whether it is the tenant's own)."""
    row = _own(tenant_id, service)
    return (row.secret, True) if row is not None and row.secret else (operators, False)


def _pingpong_of(row: ServiceAccount) -> PingPongAccount:
    public = row.public
    scheme = str(public.get("scheme") or SALTED)
    return PingPongAccount(
        str(public["client_id"]), str(public["acc_id"]), row.secret or "", scheme, own=True
    )


def _operator_has(service: Service) -> bool:
    settings = get_settings()
    match service:
        case Service.PINGPONG:
            return operators_pingpong() is not None
        case Service.YUANFENJU:
            return bool(settings.yuanfenju_api_key.get_secret_value())
        case Service.DEEPSEEK:
            return bool(settings.deepseek_api_key.get_secret_value())
        case Service.MANUAL:
            return False


def _has_picture(tenant_id: int, picture_id: int) -> bool:
    query = select(Picture.id).where(Picture.tenant_id == tenant_id, Picture.id == picture_id)
    return db.session.scalar(query) is not None


def _check(service: Service, values: dict[str, str], secret: str | None) -> None:
    if service is Service.MANUAL:
        needed = [] if values["instructions"] else ["instructions"]
    else:
        needed = [] if secret else ["secret"]
    if secret and (len(secret) > MAX_SECRET or not secret.isascii() or not secret.isprintable()):
        needed.append("secret")
    if service is Service.PINGPONG:
        values["scheme"] = values["scheme"] or SALTED
        needed += [name for name in ("client_id", "acc_id") if not values[name].isdecimal()]
        needed += [] if values["scheme"] in SCHEMES else ["scheme"]
        if not needed and not values["acc_id"].startswith(values["client_id"]):
            needed.append("acc_id")
    if service is Service.DEEPSEEK and values["buyer_daily_usd"] and not _is_cap(values["buyer_daily_usd"]):
        needed.append("buyer_daily_usd")
    if needed:
        raise AccountNotValid(field=", ".join(needed))


def _is_cap(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdigit() and 0 < Decimal(text) <= MAX_CAP
