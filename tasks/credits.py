"""Credits: expired holds, and sending changes to partners."""

from celery import shared_task

from app.core.queue import TaskName, transaction
from app.core.tenancy import system_scope
from app.services.credits import holds

HOLDS_AT_ONCE = 500


@shared_task(name=TaskName.CREDITS_EXPIRE_HOLDS)
def expire_holds() -> None:
    """Frees holds whose time is over."""
    with system_scope(), transaction():
        holds.expire_due(HOLDS_AT_ONCE)
