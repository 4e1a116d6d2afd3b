"""What a boss allows with credits."""

from dataclasses import asdict, dataclass

from sqlalchemy import text

from app.core.db import UNHURRIED, db
from app.core.errors import BadInput
from app.domain.credits import MAX_AMOUNT
from app.models import CreditSettings
from app.services import audit

# In the order in which everybody locks accounts. Who is deeper in debt than a smaller overdraft allows keeps his floor
# where he stands, so that he can only rise.
_FLOORS = text("""
WITH wanted AS MATERIALIZED (
    SELECT id FROM credit_account
    WHERE tenant_id = :tenant_id AND floor <> LEAST(-CAST(:overdraft AS bigint), balance - held)
    ORDER BY telegram_id FOR NO KEY UPDATE
)
UPDATE credit_account SET floor = LEAST(-CAST(:overdraft AS bigint), balance - held)
FROM wanted WHERE credit_account.id = wanted.id
""")


@dataclass(frozen=True, slots=True)
class Settings:
    """`overdraft`: how far below zero a balance may fall. `transfer_daily`: None = as much as somebody has."""

    auto_create: bool = False
    overdraft: int = 0
    transfers: bool = False
    transfer_daily: int | None = None


def get(tenant_id: int) -> Settings:
    """A tenant's settings, or the defaults."""
    row = db.session.get(CreditSettings, tenant_id)
    return _settings(row) if row else Settings()


def _settings(row: CreditSettings) -> Settings:
    return Settings(row.auto_create, row.overdraft, row.transfers, row.transfer_daily)


def save(tenant_id: int, **changes: bool | int | None) -> Settings:
    """Changes some of the settings, by their names, and every account's floor with the overdraft. Raises BadInput."""
    old = get(tenant_id)
    new = Settings(**(asdict(old) | changes))
    daily = new.transfer_daily
    if not 0 <= new.overdraft <= MAX_AMOUNT or (daily is not None and not 0 < daily <= MAX_AMOUNT):
        raise BadInput
    if new == old:
        return new
    db.session.merge(CreditSettings(tenant_id=tenant_id, **asdict(new)))
    db.session.flush()
    if new.overdraft != old.overdraft:
        level(tenant_id)
    before = asdict(old)
    told: dict[str, object] = {
        name: [before[name], value] for name, value in asdict(new).items() if before[name] != value
    }
    audit.record(tenant_id, "credits.settings_changed", ("credits", "", ""), told)
    return new


def level(tenant_id: int) -> None:
    """Puts every floor where the overdraft has it, or where a deeper debt is. Locks the accounts that it moves."""
    db.session.execute(UNHURRIED)
    db.session.execute(_FLOORS, {"tenant_id": tenant_id, "overdraft": get(tenant_id).overdraft})
