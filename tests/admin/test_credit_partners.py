"""Outgoing sync on the boss's pages: partners, how far each is, what was refused; the secret is shown once."""

import logging
import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from admin.credit_partner_parts import trouble_words
from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.core.safe_url import read_origin
from app.core.settings import get_settings
from app.domain.credit_sync import LetterState, PartnerState, Trouble
from app.models import AuditEvent, CreditLetter, CreditPartner, CreditPosting
from app.services import credits as ledger
from app.services.credit_clients import manage
from app.services.credit_sync import partners
from tests.cast import Cast, sign_in
from tests.order_pages import actions

PARTNERS = "/admin/credit-partners/"
LETTERS = "/admin/credit-letters/"
URL = "https://partner.example/credits"
NEW = {"name": "积分商城", "url": URL, "which": "all", "start": "now"}
ANNA = 7_000_000_001


@pytest.fixture
def boss(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


@pytest.fixture
def mall(cast: Cast) -> CreditPartner:
    with transaction():
        return partners.create(cast.tenant.id, "Mall", URL).partner


def post(cast: Cast, reference: str, amount: int = 10, telegram_id: int = ANNA) -> int:
    with transaction():
        posting = ledger.post(
            cast.tenant.id, telegram_id, amount, source="admin", reference=reference, reason="gift"
        )
    return posting.id


def letter(partner: CreditPartner, posting_id: int, state: LetterState, reason: str = "") -> CreditLetter:
    posting = db.session.get_one(CreditPosting, posting_id)
    made = CreditLetter(
        tenant_id=partner.tenant_id,
        partner_id=partner.id,
        posting_id=posting_id,
        account_id=posting.account_id,
        state=state,
        reason=reason,
    )
    with transaction():
        db.session.add(made)
    return made


@pytest.fixture
def refused(cast: Cast, mall: CreditPartner) -> list[CreditLetter]:
    """One that the partner refused, and a later one of the same account behind it."""
    first, second = post(cast, "a"), post(cast, "b", 5)
    with transaction():
        db.session.get_one(CreditPartner, mall.id).cursor = second
    return [
        letter(mall, first, LetterState.DEAD, "user <unknown>"),
        letter(mall, second, LetterState.BEHIND),
    ]


def fresh(row):
    db.session.rollback()
    db.session.refresh(row)
    return row


def shown(page: str, id_: str) -> str:
    return re.search(rf'<output id="{id_}"[^>]*>([^<]*)<', page)[1]


# --- partners
def test_without_partners_the_page_says_what_it_is_for(boss: FlaskClient):
    assert f"{PARTNERS}new/" in boss.get(PARTNERS).text


def test_a_partner_is_added_and_its_secret_shown_once(boss: FlaskClient, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    answer = boss.post(f"{PARTNERS}new/", data=NEW)
    made = db.session.scalars(select(CreditPartner)).one()
    secret = shown(answer.text, "secret-key")
    assert (made.secret, answer.headers["Cache-Control"]) == (secret, "no-store")
    example = answer.text.split('id="verifier-example">')[1].split("</code>")[0]
    assert secret in example
    compile(example.replace("&#34;", '"'), "example", "exec")
    pages = [boss.get(path).text for path in (PARTNERS, f"{PARTNERS}details/?id={made.id}", "/admin/audit/")]
    events = [str(one) for one in db.session.scalars(select(AuditEvent.changes))]
    assert not [text for text in (*pages, *events, caplog.text) if secret in text]


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"url": "http://partner.example/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://10.0.0.7/hook"}, "url"),
        ({"url": "https://user:pw@partner.example/"}, "url"),
        ({"url": "partner.example"}, "url"),
        ({"name": ""}, "name"),
        ({"which": "only"}, "which"),
        ({"which": "except"}, "which"),
        ({"which": "except", "except_source": "nobody"}, "which"),
        ({"which": "only", "sources": "nobody"}, "sources"),
        ({"start": "yesterday"}, "start"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(boss: FlaskClient, typed: dict[str, str], field: str):
    page = boss.post(f"{PARTNERS}new/", data=NEW | typed).text
    assert f'id="{field}-error"' in page
    assert db.session.scalar(select(CreditPartner.id)) is None


def test_an_address_that_the_operator_allows_is_taken(boss: FlaskClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(get_settings(), "outbound_origins", [read_origin("http://127.0.0.1:8081")])
    assert "secret-key" in boss.post(f"{PARTNERS}new/", data=NEW | {"url": "http://127.0.0.1:8081/x"}).text


def test_what_is_sent_and_from_when_is_kept(boss: FlaskClient, cast: Cast):
    post(cast, "old")
    with transaction():
        manage.create_client(cast.tenant.id, "mall", "Mall")
    boss.post(
        f"{PARTNERS}new/", data=NEW | {"which": "except", "except_source": "mall", "start": "beginning"}
    )
    boss.post(f"{PARTNERS}new/", data=NEW | {"which": "only", "sources": ["order", "lottery"]})
    first, second = db.session.scalars(select(CreditPartner).order_by(CreditPartner.id))
    assert (first.except_source, first.sources, first.cursor) == ("mall", [], 0)
    assert (second.except_source, second.sources, second.cursor > 0) == (None, ["lottery", "order"], True)


def test_name_address_and_filter_change(boss: FlaskClient, mall: CreditPartner):
    typed = {"id": mall.id, "name": "New", "url": f"{URL}/2", "which": "only", "sources": "admin"}
    assert boss.post(f"{PARTNERS}edit/", data=typed).status_code == 303
    fresh(mall)
    assert (mall.name, mall.url, mall.sources) == ("New", f"{URL}/2", ["admin"])
    page = boss.get(f"{PARTNERS}edit/?id={mall.id}").text
    assert {"only", "admin"} == set(re.findall(r'<input checked[^>]*value="([^"]*)"', page))


def test_it_is_paused_resumed_and_tried_at_once(boss: FlaskClient, mall: CreditPartner):
    boss.post(f"{PARTNERS}pause/", data={"id": mall.id})
    assert fresh(mall).state is PartnerState.PAUSED
    boss.post(f"{PARTNERS}resume/", data={"id": mall.id})
    with transaction():
        fresh(mall).next_at = clock.now() + timedelta(hours=1)
    boss.post(f"{PARTNERS}try-now/", data={"id": mall.id})
    assert fresh(mall).state is PartnerState.ACTIVE
    assert mall.next_at <= clock.now()


def test_a_new_secret_is_shown_once(boss: FlaskClient, mall: CreditPartner):
    old = mall.secret
    page = boss.post(f"{PARTNERS}secret/", data={"id": mall.id}).text
    assert shown(page, "secret-key") == fresh(mall).secret != old
    assert mall.secret not in boss.get(f"{PARTNERS}details/?id={mall.id}").text


def test_a_partner_is_removed(boss: FlaskClient, mall: CreditPartner, refused: list[CreditLetter]):
    assert boss.post(f"{PARTNERS}remove/", data={"id": mall.id}).status_code == 303
    assert db.session.scalar(select(CreditPartner.id)) is None
    assert actions()[-1] == "credit_partner.removed"


# --- how it is
def test_lag_and_trouble_are_told_here_and_on_the_home_page(
    boss: FlaskClient, cast: Cast, mall: CreditPartner
):
    post(cast, "waits")
    with transaction():
        fresh(mall).failing_since, mall.error = clock.now(), "status:503"
        mall.failures, mall.next_at = 3, clock.now() + timedelta(minutes=5)
    for path in (PARTNERS, f"{PARTNERS}details/?id={mall.id}", f"{PARTNERS}live/", "/admin/", "/admin/live/"):
        page = boss.get(path).text
        assert "Mall" in page, path
        assert "503" in page, path
    assert "503" in boss.get(f"{PARTNERS}details/live/?id={mall.id}").text


def test_the_home_page_of_others_says_nothing_of_it(app: Flask, cast: Cast, mall: CreditPartner):
    for who in (cast.staff, cast.reader, cast.stranger):
        assert "Mall" not in sign_in(app, who).get("/admin/").text


@pytest.mark.parametrize("kind", list(Trouble))
def test_every_trouble_has_words(app: Flask, kind: Trouble):
    with app.test_request_context():
        for what in ("401", "404", "503", "302", "timeout", "dns"):
            assert "%(" not in trouble_words(f"{kind.value}:{what}")


# --- dead letters
def test_letters_tell_what_was_refused_and_what_waits(
    boss: FlaskClient, mall: CreditPartner, refused: list[CreditLetter]
):
    page = boss.get(f"{LETTERS}?partner={mall.id}").text
    assert "user &lt;unknown&gt;" in page
    assert "+10" in page
    assert f"/admin/credits/details/?id={refused[0].account_id}" in page
    assert LETTERS in boss.get(f"{PARTNERS}details/?id={mall.id}").text


def test_without_letters_the_page_says_so(boss: FlaskClient, mall: CreditPartner):
    assert "<table" not in boss.get(f"{LETTERS}?partner={mall.id}").text


@pytest.mark.parametrize("deed", ["replay", "replay-all"])
def test_letters_are_sent_again_with_what_is_behind(
    boss: FlaskClient, mall: CreditPartner, refused: list[CreditLetter], deed: str
):
    data = {"id": refused[0].id} if deed == "replay" else {"partner": mall.id}
    assert boss.post(f"{LETTERS}{deed}/", data=data).status_code == 303
    assert {fresh(one).state for one in refused} == {LetterState.REPLAYING}
    assert actions()[-1] == "credit_letter.replayed"


def test_a_letter_is_let_go_and_the_next_one_is_sent(boss: FlaskClient, refused: list[CreditLetter]):
    boss.post(f"{LETTERS}dismiss/", data={"id": refused[0].id})
    assert [fresh(one).state for one in refused] == [LetterState.DISMISSED, LetterState.REPLAYING]


# --- who may
@pytest.mark.parametrize("who", ["staff", "reader"])
def test_support_and_readers_see_none_of_it(app: Flask, cast: Cast, mall: CreditPartner, who: str):
    client = sign_in(app, getattr(cast, who))
    for path in (PARTNERS, f"{PARTNERS}details/?id={mall.id}", f"{LETTERS}?partner={mall.id}"):
        assert client.get(path).status_code == 403


def test_a_stranger_finds_nothing(app: Flask, cast: Cast, mall: CreditPartner, refused: list[CreditLetter]):
    client = sign_in(app, cast.stranger)
    for path in ("details", "edit", "secret", "details/live"):
        assert client.get(f"{PARTNERS}{path}/?id={mall.id}").status_code == 404
    for path in ("pause", "resume", "try-now", "remove", "secret"):
        assert client.post(f"{PARTNERS}{path}/", data={"id": mall.id}).status_code == 404
    for path in ("replay", "dismiss"):
        assert client.post(f"{LETTERS}{path}/", data={"id": refused[0].id}).status_code == 404
    assert client.post(f"{LETTERS}replay-all/", data={"partner": mall.id}).status_code == 404
    assert "Mall" not in client.get(PARTNERS).text


def test_an_old_password_is_asked_for_again(boss: FlaskClient, mall: CreditPartner, time):
    time.forward(minutes=16)
    for path in (f"{PARTNERS}new/", f"{PARTNERS}edit/?id={mall.id}", f"{PARTNERS}secret/?id={mall.id}"):
        assert "/verify" in boss.get(path).location
    boss.post(f"{PARTNERS}remove/", data={"id": mall.id})
    assert fresh(mall).id
