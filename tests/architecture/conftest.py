"""A tenant with a row of most kinds, for attacks on them."""

import pytest

from app.core.queue import transaction
from app.core.tenancy import tenant_scope
from app.domain.people import Role
from app.services import api_keys, audit, people
from tests.architecture.filled import CODE, MARK, fill
from tests.cast import Cast


@pytest.fixture
def filled(cast: Cast) -> dict[str, object]:
    """Tenant A has a row of most kinds, each with MARK in it; returns what names them."""
    with tenant_scope(cast.tenant.id), transaction():
        bot = fill(cast)
        api_keys.create(cast.tenant.id, MARK)
        people.invite(cast.tenant.id, f"{MARK}@new.example", Role.MANAGER, cast.owner.id)
        audit.record(cast.tenant.id, "bot.created", ("bot", bot.id, MARK), {"name": MARK})
    return {
        "id": bot.id,
        "public_id": bot.public_id,
        "code": CODE,
        "slot": 1,
        "tenant_id": cast.tenant.id,
        "export_type": "csv",
    }
