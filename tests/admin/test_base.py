"""The base of all pages, door by door: roles, tenants, hostile addresses, forms, exports."""

import pytest
from sqlalchemy import select

from admin.base import TenantView
from admin.forms import AdminForm
from app.core.db import db
from app.domain.people import Role
from app.models import AuditEvent, BotMenuItem, Member, Tenant
from tests.admin.conftest import BUTTONS, ButtonView

HUGE = 2**63
ROLES_BELOW_SUPPORT = [Role.READ_ONLY]


def labels(tenant):
    return set(db.session.scalars(select(BotMenuItem.label).where(BotMenuItem.tenant_id == tenant.id)))


def last_event():
    return db.session.scalar(select(AuditEvent).order_by(AuditEvent.id.desc()))


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


# --- hostile addresses


@pytest.mark.parametrize(
    "query",
    [
        "page=-1", f"page={HUGE}", "page=abc", "page_size=-5", "page_size=1000000", "sort=99", "sort=-1", "desc=x",
        "search=%25_%5C", "search=%F0%9F%98%80", "search=" + "a+" * 200, "flt0_0=abc", f"flt0_0={HUGE}", "flt0_0=%00",
        "flt9_9=1", "flt0_0=1&flt1_1=2", "search=^x", "search=%3Dx", "search='%3B+drop+table+bot%3B--",
    ],
)  # fmt: skip
def test_strange_list_arguments_are_answered(browser, buttons, query):
    assert browser().get(f"{BUTTONS}?{query}").status_code == 200


def test_a_null_byte_in_a_search_is_refused(browser):
    assert browser().get(f"{BUTTONS}?search=%00").status_code == 400


def test_search_takes_wildcards_as_plain_text(browser, buttons):
    assert "Button a" not in browser().get(f"{BUTTONS}?search=%25").text
    assert "Button a" in browser().get(f"{BUTTONS}?search=utto").text


def test_filters_narrow(browser, buttons):
    assert "Button a" in browser().get(f"{BUTTONS}?flt3_3=Button").text
    assert "Button a" not in browser().get(f"{BUTTONS}?flt3_3=nope").text


def test_days_are_the_tenants_days(browser, cast):
    late = "2026-03-01T17:00:00+00:00"  # in Shanghai it is the second of March already
    db.session.add(Member(tenant_id=cast.tenant.id, telegram_id=1, first_name="Wang", first_seen_at=late))
    db.session.commit()
    assert "Wang" in browser().get("/admin/customers/?flt0_0=2026-03-02&flt1_1=2026-03-02").text
    assert "Wang" not in browser().get("/admin/customers/?flt1_1=2026-03-01").text


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


# --- output


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "\uff1d1+1"]
)
def test_no_cell_is_a_formula(browser, buttons, cell):
    buttons[0].label = cell
    db.session.commit()
    line = browser().get(f"{BUTTONS}export/csv/").text.splitlines()[1]
    assert line.lstrip('"').startswith("'")


def test_exports_stop_at_their_limit(browser, buttons, bots, cast, monkeypatch):
    monkeypatch.setattr(ButtonView, "export_max_rows", 2)
    db.session.add_all(
        BotMenuItem(tenant_id=cast.tenant.id, bot_id=bots[0].id, label=f"B{n}") for n in range(5)
    )
    db.session.commit()
    assert len(browser().get(f"{BUTTONS}export/csv/").text.splitlines()) == 3


def test_csv_opens_as_chinese_in_spreadsheets(browser, buttons):
    assert browser().get(f"{BUTTONS}export/csv/").data.startswith("\ufeff".encode())


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "javascript:alert(1)"],
)
def test_names_from_outside_are_shown_as_text(browser, buttons, name):
    buttons[0].label = name
    db.session.commit()
    for path in ("", f"details/?id={buttons[0].id}", f"edit/?id={buttons[0].id}"):
        page = browser().get(BUTTONS + path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "49" not in page.split("</main>")[0].split("<main")[1] or "7*7" in page


def test_pages_have_no_inline_handlers_or_styles(browser, buttons):
    for path in (
        "/",
        "/admin/",
        BUTTONS,
        f"{BUTTONS}new/",
        f"{BUTTONS}edit/?id={buttons[0].id}",
        "/admin/audit/",
        "/nope",
    ):
        page = browser().get(path).text
        for forbidden in (
            " onclick=",
            " onsubmit=",
            " style=",
            "javascript:",
            "<style",
            "http://cdn",
            "https://cdn",
        ):
            assert forbidden not in page, (path, forbidden)


def test_a_list_page_asks_the_database_little(browser, buttons, count_queries):
    with count_queries() as queries:
        browser().get(BUTTONS)
    assert len(queries) <= 4


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
