"""The base of all pages: who may, and whose rows."""

import pytest

from app.domain.people import Role
from tests.admin.conftest import BUTTONS, labels

HUGE = 2**63


# --- who may


def test_anonymous_is_asked_to_sign_in(browser):
    assert browser(None).get(BUTTONS).status_code in {302, 401}


def test_a_live_region_of_an_anonymous_gets_401_and_no_page(browser):
    assert browser(None).get(BUTTONS, headers={"Live": "1"}).status_code == 401


def test_a_reader_sees_the_list_without_ways_to_change_it(browser, buttons):
    page = browser(Role.READ_ONLY).get(BUTTONS).text
    assert "Button a" in page
    assert "/new/" not in page
    assert "/delete/" not in page


@pytest.mark.parametrize("path", ["new/", "edit/?id={id}"])
def test_a_role_too_low_gets_403(browser, buttons, path):
    answer = browser(Role.READ_ONLY).get(BUTTONS + path.format(id=buttons[0].id))
    assert answer.status_code == 403


def test_a_role_too_low_cannot_delete(browser, buttons, cast):
    answer = browser(Role.SUPPORT).post(f"{BUTTONS}delete/", {"id": buttons[0].id})
    assert answer.status_code == 403
    assert labels(cast.tenant) == {"Button a"}


def test_a_role_too_low_cannot_run_a_batch_action(browser, buttons):
    answer = browser(Role.SUPPORT).post(f"{BUTTONS}action/", {"action": "delete", "rowid": [buttons[0].id]})
    assert answer.status_code == 403


def test_what_no_role_may_do_is_not_there(browser):
    assert browser().get("/admin/customers/new/").status_code == 404
    assert browser().post(f"{BUTTONS}ajax/update/", {"list_form_pk": 1}).status_code == 404


def test_a_manager_may_not_export_what_only_owners_may(browser):
    assert browser(Role.MANAGER).get("/admin/customers/export/csv/").status_code == 403


def test_operators_see_all_tenants_and_nobody_else_does(browser, buttons):
    page = browser(operator=True).get("/admin/all_buttons/").text
    assert "Button a" in page
    assert "Button b" in page
    assert browser().get("/admin/all_buttons/").status_code == 403


def test_the_menu_names_only_what_the_viewer_may_open(browser):
    assert "All buttons" not in browser().get(BUTTONS).text
    assert "Buttons" in browser().get(BUTTONS).text


# --- whose rows


def test_lists_show_the_own_tenant_alone(browser, buttons, cast):
    assert "Button b" not in browser().get(BUTTONS).text
    assert "Button a" not in browser(tenant=cast.other_tenant).get(BUTTONS).text


@pytest.mark.parametrize("path", ["edit/", "details/"])
@pytest.mark.parametrize(
    "query",
    ["id={id}", "id={id}&id={id}", "id=abc", "id=1,2", f"id={HUGE}", "id=-1", "id=%00", "id[]=1&id=x"],
)
def test_strangers_and_nonsense_ids_are_not_found(browser, buttons, path, query):
    answer = browser().get(BUTTONS + path + "?" + query.format(id=buttons[1].id))
    assert answer.status_code == 404


def test_a_stranger_cannot_edit(browser, buttons, cast):
    answer = browser().post(f"{BUTTONS}edit/?id={buttons[1].id}", {"label": "mine"})
    assert answer.status_code == 404
    assert labels(cast.other_tenant) == {"Button b"}


def test_a_stranger_cannot_delete(browser, buttons, cast):
    assert browser().post(f"{BUTTONS}delete/", {"id": buttons[1].id}).status_code == 404
    assert labels(cast.other_tenant) == {"Button b"}


@pytest.mark.parametrize("name", ["delete", "shout"])
def test_a_batch_with_one_strange_row_changes_nothing(browser, buttons, cast, name):
    answer = browser().post(f"{BUTTONS}action/", {"action": name, "rowid": [b.id for b in buttons]})
    assert answer.status_code == 404
    assert labels(cast.tenant) == {"Button a"}
    assert labels(cast.other_tenant) == {"Button b"}


def test_choices_of_a_form_are_the_tenants_own(browser, bots):
    page = browser().get(f"{BUTTONS}new/").text
    assert "Bot a" in page
    assert "Bot b" not in page


def test_a_strangers_row_is_no_choice(browser, bots, cast):
    answer = browser().post(f"{BUTTONS}new/", {"label": "x", "bot_id": bots[1].id})
    assert answer.status_code == 200
    assert labels(cast.tenant) == set()


def test_lookups_find_the_tenants_rows_alone(browser, bots):
    found = browser().get(f"{BUTTONS}ajax/lookup/?name=bot&query=Bot").json
    assert found == [[bots[0].id, "Bot a"]]


@pytest.mark.parametrize(
    ("query", "status"),
    [("name=nope", 404), ("name=bot&query=%00", 400), ("name=bot&query=" + "x" * 101, 400)],
)
def test_lookups_refuse_nonsense(browser, query, status):
    assert browser().get(f"{BUTTONS}ajax/lookup/?{query}").status_code == status


def test_exports_hold_the_own_tenant_alone(browser, buttons):
    file = browser().get(f"{BUTTONS}export/csv/").text
    assert "Button a" in file
    assert "Button b" not in file
