"""What can be wrong with a deployment, tried rather than assumed. Each check returns what is wrong, "" where all is well."""

import logging
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.core.crypto import CryptoError
from app.core.db import Base, db
from app.core.errors import Misconfigured
from app.core.queue import Queue
from app.core.settings import Settings
from app.core.tenancy import TenantOwned
from app.models import Bot
from app.services.credits import nightly

log = logging.getLogger(__name__)
POSTGRES = 150_000
REDIS = (6, 2)
NOBODY = text("SELECT set_config('laoban.tenant', '', true)")
ROLE = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
ABOVE_THE_LAW = "The role of DATABASE_URL is a superuser or has BYPASSRLS, so row-level security does not hold. Use an ordinary role."
OPEN_TABLES = text(
    "SELECT relname FROM pg_class WHERE relname = ANY(:names) AND relkind IN ('r', 'p')"
    " AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY relname"
)
FOREIGN_ROWS = text("SELECT EXISTS (SELECT 1 FROM membership)")


def settings_fault(settings: Settings) -> str:
    """Whether the settings fit together."""
    if settings.app_env != "production":
        return ""
    if settings.public_url and not settings.public_url.startswith("https://"):
        return "PUBLIC_URL must start with https://, or Telegram will not bring updates."
    if len(settings.secret_key.get_secret_value()) < 32:
        return "SECRET_KEY is shorter than 32 characters."
    return ""


def database_fault() -> str:
    """Whether PostgreSQL is new enough."""
    version = int(db.session.execute(text("SHOW server_version_num")).scalar_one())
    return "" if version >= POSTGRES else f"PostgreSQL 15 or newer is needed; this is {version // 10_000}."


def migrations_fault(folder: str) -> str:
    """Whether every migration has run."""
    newest = ScriptDirectory(folder).get_current_head()
    known = db.session.execute(text("SELECT to_regclass('alembic_version')")).scalar()
    at = known and db.session.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return "" if at == newest else f"Run `flask db upgrade`: at {at or 'none'}, newest is {newest}."


def isolation_fault() -> str:
    """Whether row-level security holds for the role that serves; needs the migrations."""
    if db.session.execute(ROLE).scalar():
        return ABOVE_THE_LAW
    names = [
        mapper.local_table.description
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, TenantOwned)
    ]
    open_tables = db.session.execute(OPEN_TABLES, {"names": names}).scalars().all()
    if open_tables:
        return f"Row-level security is off or not forced on: {', '.join(open_tables)}."
    db.session.execute(NOBODY)
    if db.session.execute(FOREIGN_ROWS).scalar():
        return "Rows of tenants are visible without a tenant: look at the policies of the tables."
    return ""


def refuse_unsafe_start(settings: Settings) -> None:
    """Stops a production process whose database role sees every tenant's rows. Raises Misconfigured.

    A database that can't be asked now is no reason to stay down: each new connection asks again about its role.
    """
    if settings.app_env != "production":
        return
    event.listen(db.engine, "connect", _refuse_role)
    try:
        fault = isolation_fault()
    except (OperationalError, ProgrammingError) as error:
        log.warning("row-level security not checked", extra={"reason": type(error.orig).__name__})
        return
    finally:
        db.session.rollback()
    if fault:
        raise Misconfigured(reason=fault)


def _refuse_role(connection: Any, _record: object) -> None:
    if connection.execute(ROLE.text).fetchone()[0]:
        raise Misconfigured(reason=ABOVE_THE_LAW)
    connection.rollback()


def keys_fault() -> str:
    """Whether the keys open what is stored, tried on the oldest and the newest bot."""
    try:
        for order in (Bot.id, Bot.id.desc()):
            db.session.scalars(db.select(Bot.token).order_by(order).limit(1)).first()
    except CryptoError:
        return "ENCRYPTION_KEYS does not open a stored secret: put the key back with which it was encrypted."
    return ""


def ledger_fault() -> str:
    """Whether every balance was the sum of its postings when that was last checked."""
    found = nightly.standing()
    if not found.mismatches:
        return ""
    return f"{found.mismatches} credit accounts of {found.tenants} tenants do not add up: see `flask credits check`."


def redis_fault(version: str, policy: str) -> str:
    """Whether this Redis is new enough and keeps what it is given."""
    if tuple(int(part) for part in version.split(".")[:2]) < REDIS:
        return f"Redis 6.2 or newer is needed; this is {version}."
    if policy not in {"", "noeviction"}:
        return f"Redis may forget task messages when it is full: set maxmemory-policy to noeviction (it is {policy})."
    return ""


def queues_fault(depths: dict[str, int], eaten: set[str]) -> str:
    """Whether something waits in a queue that nobody eats."""
    alone = [str(queue) for queue in Queue if depths.get(queue) and queue not in eaten]
    return f"Messages wait and no worker listens to: {', '.join(alone)}. Start one." if alone else ""
