"""The base of all forms: through services, inside one transaction, recorded; and what their authors are told."""

import pytest
from sqlalchemy import select

from admin.base import TenantView
from admin.forms import AdminForm
from app.core.db import db
from app.domain.people import Role
from app.models import BotMenuItem, Tenant
from tests.admin.conftest import BUTTONS, labels, last_event

# --- forms


def test_creating_goes_through_the_service_and_is_recorded(browser, bots, cast):
    answer = browser().post(f"{BUTTONS}new/", {"label": "Menu", "bot_id": bots[0].id})
    assert answer.status_code == 302
    assert labels(cast.tenant) == {"Menu"}
    event = last_event()
    assert event.action == "botmenuitem.create"
    assert event.changes["label"] == "Menu"
    assert "csrf_token" not in event.changes


def test_an_error_of_the_service_appears_at_its_field(browser, bots, cast):
    answer = browser().post(f"{BUTTONS}new/", {"label": "taken", "bot_id": bots[0].id})
    assert answer.status_code == 200
    assert 'id="label-error"' in answer.text
    assert labels(cast.tenant) == set()
    assert last_event() is None


@pytest.mark.parametrize("field", ["tenant_id", "role", "balance", "is_paid", "id"])
def test_unknown_fields_are_refused(browser, bots, cast, field):
    answer = browser().post(f"{BUTTONS}new/", {"label": "x", "bot_id": bots[0].id, field: "999"})
    assert answer.status_code == 400
    assert labels(cast.tenant) == set()


def test_editing_keeps_what_the_form_does_not_name(browser, buttons):
    browser().post(f"{BUTTONS}edit/?id={buttons[0].id}", {"label": "New", "bot_id": buttons[0].bot_id})
    db.session.refresh(buttons[0])
    assert buttons[0].label == "New"
    assert last_event().action == "botmenuitem.update"


def test_without_the_token_nothing_happens(browser, buttons, cast):
    for path, data in (
        (f"{BUTTONS}delete/", {"id": buttons[0].id}),
        (f"{BUTTONS}action/", {"action": "delete", "rowid": buttons[0].id}),
    ):
        assert browser().post(path, data, token=False).status_code == 403
    assert labels(cast.tenant) == {"Button a"}


def test_another_site_cannot_send_a_form(browser, buttons):
    answer = browser().post(
        f"{BUTTONS}delete/", {"id": buttons[0].id}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403


def test_deleting_is_recorded(browser, buttons, cast):
    assert browser().post(f"{BUTTONS}delete/", {"id": buttons[0].id}).status_code == 302
    assert labels(cast.tenant) == set()
    assert last_event().action == "botmenuitem.delete"


def test_deleting_several_works_with_integer_keys(browser, buttons, cast, bots):
    db.session.add(BotMenuItem(tenant_id=cast.tenant.id, bot_id=bots[0].id, label="Second"))
    db.session.commit()
    ids = list(db.session.scalars(select(BotMenuItem.id).where(BotMenuItem.tenant_id == cast.tenant.id)))
    assert browser().post(f"{BUTTONS}action/", {"action": "delete", "rowid": ids}).status_code == 302
    assert labels(cast.tenant) == set()


def test_a_batch_is_all_or_nothing(browser, buttons, cast, bots):
    db.session.add(BotMenuItem(tenant_id=cast.tenant.id, bot_id=bots[0].id, label="stays"))
    db.session.commit()
    ids = list(db.session.scalars(select(BotMenuItem.id).where(BotMenuItem.tenant_id == cast.tenant.id)))
    browser().post(f"{BUTTONS}action/", {"action": "delete", "rowid": ids})
    assert labels(cast.tenant) == {"Button a", "stays"}


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"action": "nope", "rowid": 1}, 404),
        ({"action": "shout"}, 400),
        ({"action": "shout", "rowid": "abc"}, 404),
    ],
)
def test_strange_batches_are_refused(browser, buttons, data, status):
    assert browser().post(f"{BUTTONS}action/", data).status_code == status


def test_a_batch_has_a_limit(browser, buttons):
    assert (
        browser().post(f"{BUTTONS}action/", {"action": "shout", "rowid": list(range(1, 203))}).status_code
        == 400
    )


def test_times_are_entered_in_the_tenants_zone(browser):
    answer = browser().post("/admin/clock/", {"at": "2026-03-02T09:30"})
    assert answer.text == "2026-03-02 01:30:00+00:00"


def test_a_cleaned_text_has_no_hidden_characters(browser, bots, cast):
    browser().post(f"{BUTTONS}new/", {"label": " Menu\u202e\u0007 ", "bot_id": bots[0].id})
    assert labels(cast.tenant) == {"Menu"}


# --- authors are told


def test_a_view_that_edits_names_its_form():
    class Careless(TenantView):
        edit_role = Role.OWNER

    with pytest.raises(TypeError, match="names its form"):
        Careless(BotMenuItem, endpoint="careless")


def test_roles_are_set_by_their_own_names():
    with pytest.raises(TypeError, match="edit_role"):
        type("Careless", (TenantView,), {"can_edit": True})


def test_inline_edit_is_refused():
    with pytest.raises(TypeError, match="services"):
        type("Careless", (TenantView,), {"column_editable_list": ("label",)})


def test_tenant_views_need_models_of_tenants():
    with pytest.raises(TypeError, match="OperatorView"):
        TenantView(Tenant, endpoint="careless")


def test_every_form_of_ours_refuses_unknown_fields():
    assert AdminForm.also_posted == frozenset()
