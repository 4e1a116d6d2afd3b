"""What partner projects and partners write stands on pages and in files as text: it runs nowhere."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.db import db
from app.core.queue import transaction
from app.domain.credit_sync import clean
from app.models import CreditAccount, CreditPartner, CreditPosting
from app.services import credits as ledger
from app.services.credit_clients import create_client
from app.services.credit_sync import drift, letters, partners
from app.services.credits import holds
from tests.cast import Cast, sign_in

WHO = 7_000_000_001
EVIL = [
    "<script>x</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}",
    "javascript:alert(1)",
    "</textarea><svg/onload=x>",
]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0"]
PAGES = [
    "credits/", "credit-overview/", "credit-postings/", "credit-holds/", "credit-settings/", "credit-clients/",
    "credit-partners/", "credit-partners/live/", "credit-drifts/", "credits/details/?id={account}",
    "credit-postings/details/?id={posting}", "credit-letters/?partner={partner}", "credit-drifts/details/?id={drift}",
    "credit-partners/details/?id={partner}", "credit-partners/details/live/?id={partner}", "credit-holds/void/?id={hold}",
    "credit-clients/details/?id={client}", "credit-postings/?search=%3Cscript%3E", "audit/", "",
]  # fmt: skip


@pytest.fixture
def ids(cast: Cast) -> dict[str, int]:
    """A ledger in which whoever may write anything has."""
    tenant_id, found = cast.tenant.id, {}
    with transaction():
        for number, evil in enumerate(EVIL + FORMULAS):
            ledger.post(
                tenant_id, WHO, 10, source="mall", reference=f"r{number}", reason=evil, details={evil: [evil]}
            )
        found["client"] = create_client(tenant_id, "mall", EVIL[1]).id
        hold = holds.reserve(
            tenant_id, WHO, 1, source="mall", reference="h", reason=EVIL[0], lasts=timedelta(hours=1)
        )
        made = partners.create(
            tenant_id, EVIL[0], "https://a.example/'\"><script>x</script>?javascript:", start="beginning"
        ).partner
        partner = db.session.get_one(CreditPartner, made.id)
        posting_ids = list(db.session.scalars(select(CreditPosting.id).order_by(CreditPosting.id)))
        letters.write_dead(partner, {each: clean(EVIL[0] + "\n\x00" + EVIL[1]) for each in posting_ids[:3]})
        partner.error = "status:500"
        found |= {"hold": hold.id, "partner": partner.id, "posting": posting_ids[0]}
        found["drift"] = drift.compare(tenant_id, EVIL[0], [(WHO, 1)], by="mall", partner_id=partner.id).id
        found["account"] = db.session.scalars(select(CreditAccount.id)).one()
    return found


def test_nothing_of_it_runs_on_a_page(app: Flask, cast: Cast, ids: dict[str, int]):
    boss = sign_in(app, cast.owner)
    for page in PAGES:
        answer = boss.get("/admin/" + page.format(**ids))
        assert answer.status_code == 200, page
        for bad in ("<script>x", "<img src=x", "<svg/onload", 'href="javascript:', ">49<"):
            assert bad not in answer.text, (page, bad)
        assert "script-src" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "file",
    [
        "credit-postings/export/csv/",
        "credit-holds/export/csv/",
        "credits/export/csv/",
        "credit-drifts/csv/?id={drift}",
    ],
)
def test_no_cell_of_a_file_is_a_formula(app: Flask, cast: Cast, ids: dict[str, int], file: str):
    with sign_in(app, cast.owner).get("/admin/" + file.format(**ids)) as answer:
        assert answer.status_code == 200
        text = answer.get_data().decode("utf-8-sig")
    cells = re.findall(r'(?:^|,)"?([^",\r\n]*)', text, re.MULTILINE)
    assert len(cells) > 5
    assert [cell for cell in cells if re.match(r"[=@\t\r]|[+-](?![0-9]+$)", cell)] == []
