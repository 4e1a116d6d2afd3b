"""The audit log: who changed what. Written in the transaction of the change itself."""

from contextvars import ContextVar
from dataclasses import dataclass

from app.core.db import db
from app.models.tenants import AuditEvent


@dataclass(frozen=True)
class Actor:
    """Who acts: `kind` is user, api_key, operator, member or system."""

    kind: str
    id: int | None
    name: str
    as_operator: bool = False
    ip: str | None = None


SYSTEM_ACTOR = Actor("system", None, "system")
_actor: ContextVar[Actor] = ContextVar("actor", default=SYSTEM_ACTOR)


def act_as(actor: Actor) -> None:
    """Says who acts for the rest of this request, command or task."""
    _actor.set(actor)


def acting() -> Actor:
    """Who acts."""
    return _actor.get()


def record(
    tenant_id: int,
    action: str,
    target: tuple[str, int | str, str],
    changes: dict[str, object] | None = None,
) -> None:
    """Adds an event. `target` is (kind, id, name); `changes` maps a field to its new value or [old, new].

    Secrets never go into `changes`: pass what `crypto.mask` gives.
    """
    actor = _actor.get()
    kind, target_id, name = target
    db.session.info["recorded"] = recorded() + 1
    db.session.add(
        AuditEvent(
            tenant_id=tenant_id,
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_name=actor.name,
            as_operator=actor.as_operator,
            ip=actor.ip,
            action=action,
            target_kind=kind,
            target_id=str(target_id),
            target_name=name,
            changes=changes or {},
        )
    )


def recorded() -> int:
    """How many events this session has recorded so far; pages see by it that a service kept its own record."""
    count: int = db.session.info.get("recorded", 0)
    return count
