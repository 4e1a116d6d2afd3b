"""People: guessing, roles, link codes, sessions."""

import threading

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.core.db import db
from app.core.errors import NotFound
from app.core.queue import transaction
from app.core.tenancy import system_scope, tenant_scope
from app.domain.people import Role, browser_name, is_email, network_of
from app.models import AuditEvent, LinkCode, Membership, Tenant, User
from app.services import people, tenants
from app.services.people import LastOwner, TooManyTries
from app.services.tenants import EmailTaken
from tests.cast import PASSWORD, Cast, make_user
from tests.clockwork import Clockwork

ACCOUNT, HOME, CAFE = "owner@a.example", "198.51.100.7", "203.0.113.9"


def place(user: User) -> Membership:
    return db.session.scalars(
        select(Membership).where(Membership.user_id == user.id).execution_options(populate_existing=True)
    ).one()


# --- guessing
def evaluated(ip: str) -> bool:
    try:
        with transaction():
            people.claim_try(ACCOUNT, ip)
    except TooManyTries:
        return False
    return True


@pytest.mark.usefixtures("app")
def test_of_ten_thousand_guesses_an_hour_less_than_200_are_looked_at(time: Clockwork):
    looked_at = 0
    for _ in range(1000):
        looked_at += evaluated(HOME)
        time.forward(seconds=0.36)
    assert looked_at * 10 < 200
    assert evaluated(CAFE)


@pytest.mark.usefixtures("app")
def test_many_guesses_at_once_count_as_many(app: Flask):
    results: list[bool] = []
    start = threading.Barrier(8)

    def guess() -> None:
        with app.app_context(), system_scope():
            start.wait()
            results.append(evaluated(HOME))
            db.session.remove()

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count(True) == 1


@pytest.mark.usefixtures("app")
def test_tries_are_forgotten_after_an_hour_of_quiet(time: Clockwork):
    for _ in range(6):
        evaluated(HOME)
        time.forward(seconds=31)
    time.forward(hours=2)
    evaluated(HOME)
    time.forward(seconds=1.5)
    assert evaluated(HOME)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "198.51.100.0/24"),
        ("2001:db8:1:23ff::1", "2001:db8:1:2300::/56"),
        ("fe80::1%eth0", "fe80::/56"),
        ("", "unknown"),
        (None, "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_neighbours_count_as_one(address: str | None, network: str):
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("a@b.example", True),
        ("admin@localhost", True),
        ("老板@例子.中国", True),
        ("a", False),
        ("a@", False),
        ("a b@c.example", False),
        ("a@b.example\nBcc: c@d.example", False),
        ("x" * 300 + "@b.example", False),
    ],
)
def test_what_is_an_address(text: str, good: bool):
    assert is_email(text) == good


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120 Safari/537.36 Edg/120",
            "Edge · Windows",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17 like Mac OS X) Version/17 Safari/604", "Safari · iPhone"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/120 MicroMessenger/8.0", "WeChat · Android"),
        ("curl/8", ""),
        (None, ""),
    ],
)
def test_a_browser_is_named_shortly(agent: str | None, shown: str):
    assert browser_name(agent) == shown


# --- becoming a boss
@pytest.mark.usefixtures("app")
def test_a_new_boss_is_made_wholly_or_not_at_all(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tenants.audit, "record", lambda *_args: 1 / 0)
    with pytest.raises(ZeroDivisionError), transaction():
        people.register("Tea", "new@boss.example", PASSWORD, confirmed=True)
    assert db.session.scalar(select(func.count()).select_from(User)) == 0
    assert db.session.scalar(select(func.count()).select_from(Tenant)) == 0


def test_two_who_register_one_address_at_once_make_one_account(app: Flask):
    results: list[str] = []
    start = threading.Barrier(4)

    def register() -> None:
        with app.app_context(), system_scope():
            start.wait()
            try:
                with transaction():
                    people.register("Tea", "New@boss.example", PASSWORD, confirmed=True)
                results.append("made")
            except EmailTaken:
                results.append("taken")
            db.session.remove()

    threads = [threading.Thread(target=register) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["made", "taken", "taken", "taken"]
    assert db.session.scalar(select(func.count()).select_from(Tenant)) == 1


# --- roles
def test_two_owners_who_demote_each_other_leave_one(app: Flask, cast: Cast):
    with transaction():
        people.change_role(cast.tenant.id, place(cast.staff).id, Role.OWNER)
    tenant_id, ids = cast.tenant.id, [place(cast.owner).id, place(cast.staff).id]
    start, refused = threading.Barrier(2), []

    def demote(membership_id: int) -> None:
        with app.app_context(), system_scope():
            start.wait()
            try:
                with transaction():
                    people.change_role(tenant_id, membership_id, Role.SUPPORT)
            except LastOwner:
                refused.append(membership_id)
            db.session.remove()

    threads = [threading.Thread(target=demote, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    owners = select(func.count()).where(Membership.tenant_id == tenant_id, Membership.role == Role.OWNER)
    assert db.session.scalar(owners) == 1


def test_role_changes_are_recorded(cast: Cast):
    with transaction():
        people.change_role(cast.tenant.id, place(cast.staff).id, Role.MANAGER)
    event = db.session.scalars(select(AuditEvent)).one()
    assert (event.action, event.changes) == ("staff.role_changed", {"role": ["support", "manager"]})


# --- Telegram
@pytest.fixture
def code(cast: Cast) -> str:
    with transaction():
        return people.create_link_code(place(cast.owner))


def use(cast: Cast, code: str, telegram_id: int = 42, *, foreign: bool = False) -> Membership | None:
    tenant = cast.other_tenant if foreign else cast.tenant
    with tenant_scope(tenant.id), transaction():
        return people.use_link_code(tenant.id, code, telegram_id, "Wang")


def test_a_code_links_once(cast: Cast, code: str):
    assert use(cast, f" {code.lower()} ")
    assert use(cast, code, 43) is None
    assert [one.telegram_id for one in people.linked_members(cast.tenant.id)] == [42]


def test_a_code_is_worth_nothing_in_another_tenant(cast: Cast, code: str):
    assert use(cast, code, foreign=True) is None
    assert use(cast, code)


def test_a_code_ends_after_15_minutes(cast: Cast, code: str, time: Clockwork):
    time.forward(minutes=16)
    assert use(cast, code) is None


def test_a_new_code_replaces_the_old_one(cast: Cast, code: str):
    with transaction():
        newer = people.create_link_code(place(cast.owner))
    assert use(cast, code) is None
    assert use(cast, newer)
    assert db.session.scalar(select(func.count()).select_from(LinkCode)) == 1


def test_one_telegram_account_is_one_person_of_a_tenant(cast: Cast, code: str):
    use(cast, code)
    with transaction():
        second = people.create_link_code(place(cast.staff))
    use(cast, second)
    assert [one.user_id for one in people.linked_members(cast.tenant.id)] == [cast.staff.id]


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize("made_up", ["", "x", "BCDFGHJKMN", "' OR 1=1", "\0"])
def test_made_up_codes_link_nobody(cast: Cast, made_up: str):
    assert use(cast, made_up) is None


# --- sessions
def test_old_sessions_and_counts_are_forgotten(cast: Cast, time: Clockwork):
    with transaction():
        people.open_session(cast.owner.id, ip=None, agent=None, tenant_id=None)
        people.claim_try(ACCOUNT, HOME)
    time.forward(hours=13)
    with transaction():
        assert people.prune() == 2


def test_nobody_ends_a_session_of_somebody_else(cast: Cast):
    with transaction():
        token = people.open_session(cast.owner.id, ip=None, agent="x" * 500, tenant_id=None)
    with pytest.raises(NotFound), transaction():
        people.end_session(cast.stranger.id, people.session_id(token))
    assert people.find_session(token)


def test_a_session_opens_a_tenant_of_ones_own_only(cast: Cast):
    with transaction():
        people.open_session(cast.owner.id, ip=None, agent=None, tenant_id=cast.other_tenant.id)
    assert people.list_sessions(cast.owner.id)[0].open_tenant_id == cast.tenant.id


def test_somebody_without_a_tenant_can_sign_in(app: Flask):
    user = make_user("lonely@a.example", "")
    db.session.flush()
    token = people.open_session(user.id, ip=None, agent=None, tenant_id=None)
    found = people.find_session(token)
    assert found
    assert found[0].open_tenant_id is None
