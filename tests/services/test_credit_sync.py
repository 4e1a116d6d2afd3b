"""Partners that changes are sent to: setting them up, changing them, and how far they are behind."""

import pytest
from sqlalchemy import select, text

from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.queue import transaction
from app.core.safe_url import UnsafeUrl
from app.core.tenancy import tenant_scope
from app.domain.credit_sync import LetterState, PartnerState
from app.models import AuditEvent, CreditDrift, CreditLetter, CreditPartner
from app.services import retention
from app.services.credit_sync import lag, letters, partners
from tests.cast import Cast
from tests.statements import Statements
from tests.syncing import ANN, BEN, erase, post

URL = "https://partner.example/in?x=1"


def create(cast: Cast, **options: object) -> partners.NewPartner:
    with transaction():
        return partners.create(cast.tenant.id, "Shop", URL, **options)


def letter(
    cast: Cast, partner_id: int, posting_id: int, state: LetterState = LetterState.DEAD
) -> CreditLetter:
    account_id = db.session.scalar(
        text("SELECT account_id FROM credit_posting WHERE id = :id"), {"id": posting_id}
    )
    row = CreditLetter(
        tenant_id=cast.tenant.id,
        partner_id=partner_id,
        posting_id=posting_id,
        account_id=account_id,
        state=state,
        reason="x",
    )
    db.session.add(row)
    db.session.commit()
    return row


def test_a_partners_secret_is_shown_once_and_kept_encrypted(cast: Cast):
    new = create(cast)
    assert (len(new.secret_key), new.key_id) == (43, new.partner.key_id)
    stored = db.session.scalar(text("SELECT secret FROM credit_partner"))
    assert new.secret_key not in stored
    event = db.session.scalar(select(AuditEvent))
    assert (event.action, event.changes["url"]) == ("credit_partner.created", URL)
    assert new.secret_key not in str(event.changes)


@pytest.mark.parametrize(
    "url", ["http://partner.example/", "https://127.0.0.1/", "https://partner.example:8443/", "partner", ""]
)
def test_an_address_that_is_not_public_https_is_refused(cast: Cast, url: str):
    with pytest.raises(UnsafeUrl), transaction():
        partners.create(cast.tenant.id, "Shop", url)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("", {}),
        ("x" * 81, {}),
        ("a\nb", {}),
        ("Shop", {"sources": ["a:b"]}),
        ("Shop", {"except_source": "a b"}),
    ],
)
def test_a_wrong_partner_is_refused(cast: Cast, name: str, options: dict):
    with pytest.raises(BadInput), transaction():
        partners.create(cast.tenant.id, name, URL, **options)


def test_there_are_not_too_many(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(partners, "MOST", 1)
    create(cast)
    with pytest.raises(partners.TooManyPartners):
        create(cast)


def test_a_change_is_recorded_field_by_field(cast: Cast):
    partner_id = create(cast, sources=["shop"]).partner.id
    with transaction():
        partners.change(partner_id, name=" Store ", sources=["b", "a", "a"], except_source=None)
    row = db.session.get(CreditPartner, partner_id)
    assert (row.name, row.sources) == ("Store", ["a", "b"])
    event = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert event.changes == {"name": ["Shop", "Store"], "sources": ["shop", "a, b"]}


def test_another_address_fences_the_call_that_is_under_way(cast: Cast):
    partner_id = create(cast).partner.id
    with transaction():
        partners.change(partner_id, url="https://new.example/in")
    assert db.session.get(CreditPartner, partner_id).lease_token == 1


def test_pausing_and_resuming(cast: Cast):
    partner_id = create(cast).partner.id
    with transaction():
        assert partners.pause(partner_id).state is PartnerState.PAUSED
    with transaction():
        assert partners.resume(partner_id).state is PartnerState.ACTIVE
    events = db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert events == ["credit_partner.created", "credit_partner.paused", "credit_partner.resumed"]


def test_another_tenants_partner_is_not_found(cast: Cast):
    partner_id = create(cast).partner.id
    for act in (
        partners.get,
        partners.pause,
        partners.resume,
        partners.remove,
        partners.new_secret,
        letters.replay,
    ):
        with pytest.raises(NotFound), tenant_scope(cast.other_tenant.id), transaction():
            act(partner_id)


def test_another_tenants_letter_is_not_found(cast: Cast):
    dead = letter(cast, create(cast).partner.id, post(cast.tenant, "r1"))
    db.session.expunge_all()
    with pytest.raises(NotFound), tenant_scope(cast.other_tenant.id), transaction():
        letters.dismiss(dead.id)


def test_lag_counts_what_the_filter_wants_and_letters_beside_it(cast: Cast):
    partner_id = create(cast, start="beginning", except_source="shop").partner.id
    post(cast.tenant, "own")
    for n in range(3):
        number = post(cast.tenant, f"r{n}", source="game")
    letter(cast, partner_id, number)
    with Statements() as statements:
        (found,) = lag.lags(cast.tenant.id)
    assert statements.count <= 3
    assert (found.waiting, found.dead, found.letters) == (2, 1, 1)
    assert found.oldest_at is not None
    assert lag.lags(cast.other_tenant.id) == []


def test_counting_a_lag_ends_somewhere(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lag, "MOST", 2)
    create(cast, start="beginning")
    for n in range(4):
        post(cast.tenant, f"r{n}")
    assert lag.lags(cast.tenant.id)[0].waiting == 2


def test_a_partner_who_has_everything(cast: Cast):
    post(cast.tenant, "r1")
    create(cast)
    (found,) = lag.lags(cast.tenant.id)
    assert (found.waiting, found.oldest_at) == (0, None)


def test_who_is_erased_leaves_no_letter(cast: Cast):
    letter(cast, create(cast).partner.id, post(cast.tenant, "r1"))
    erase(cast.tenant, ANN)
    assert db.session.query(CreditLetter).count() == 0


def test_letters_come_in_pages(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(letters, "PAGE", 2)
    partner_id = create(cast).partner.id
    for n in range(3):
        letter(cast, partner_id, post(cast.tenant, f"r{n}", BEN))
    first, second = letters.list_open(partner_id), letters.list_open(partner_id, 1)
    assert [one.reference for one in first.letters + second.letters] == ["r0", "r1", "r2"]
    assert (first.more, second.more, first.total) == (True, False, 3)


def test_old_comparisons_and_closed_letters_are_forgotten(cast: Cast):
    new = create(cast)
    closed = letter(cast, new.partner.id, post(cast.tenant, "r1"), LetterState.DONE)
    db.session.add(CreditDrift(tenant_id=cast.tenant.id, name="x", by="x"))
    db.session.flush()
    db.session.execute(text("UPDATE credit_letter SET closed_at = now() - interval '91 days'"))
    db.session.execute(text("UPDATE credit_drift SET created_at = now() - interval '91 days'"))
    db.session.commit()
    forget()
    assert (db.session.query(CreditDrift).count(), db.session.query(CreditLetter).count()) == (0, 1)
    new.partner.cursor = closed.posting_id
    db.session.commit()
    forget()
    assert db.session.query(CreditLetter).count() == 0


def forget() -> None:
    for kind in ("drift lines", "drifts", "letters of partners"):
        with transaction():
            retention.forget_some(kind)
