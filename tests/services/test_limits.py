"""No list of a tenant grows without an end."""

import pytest

from app.core.queue import transaction
from app.domain.people import Role
from app.services import api_keys, people
from app.services.api_keys import TooManyKeys
from app.services.people import invitations
from tests.cast import Cast


def test_keys_have_a_limit_and_a_revoked_one_makes_room(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(api_keys, "MOST", 2)
    first, _ = (api_keys.create(cast.tenant.id, name) for name in "ab")
    with pytest.raises(TooManyKeys):
        api_keys.create(cast.tenant.id, "c")
    with transaction():
        api_keys.revoke(cast.tenant.id, first.row.id)
    assert api_keys.create(cast.tenant.id, "c")


def test_staff_and_invitations_have_a_limit_and_one_address_counts_once(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(invitations, "MOST", 4)
    for _ in range(2):
        people.invite(cast.tenant.id, "new@a.example", Role.SUPPORT, None)
    with pytest.raises(invitations.TooManyPeople):
        people.invite(cast.tenant.id, "other@a.example", Role.SUPPORT, None)
    assert people.invite(cast.other_tenant.id, "other@a.example", Role.SUPPORT, None)
