"""Comparing balances by a file: what it says, what is wrong with it, the result and its table."""

from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from app.core.db import db
from app.core.queue import transaction
from app.models import CreditAccount, CreditDrift, CreditPartner
from app.services import credits as ledger
from app.services.credit_sync import drift, partners
from tests.cast import Cast, sign_in
from tests.order_pages import a_member, actions

DRIFTS = "/admin/credit-drifts/"
ANNA, BERT, CARL = 7_000_000_001, 7_000_000_002, 7_000_000_003


@pytest.fixture
def boss(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


@pytest.fixture
def ledger_of_three(cast: Cast) -> None:
    """Anna has 100, Bert 50, Carl 7."""
    a_member(cast, "Anna", ANNA)
    for telegram_id, amount in ((ANNA, 100), (BERT, 50), (CARL, 7)):
        with transaction():
            ledger.post(
                cast.tenant.id, telegram_id, amount, source="admin", reference=f"r{amount}", reason="gift"
            )


def upload(client: FlaskClient, text: str | bytes, encoding: str = "utf-8", **typed: object):
    raw = text if isinstance(text, bytes) else text.encode(encoding)
    file = FileStorage(BytesIO(raw), filename="balances.csv")
    # Encoded here, since the client would leave a file on the disk open.
    boundary, body = encode_multipart(
        MultiDict(
            {"name": "积分商城", "partner_id": "", "file": file} | {k: str(v) for k, v in typed.items()}
        )
    )
    content_type = f"multipart/form-data; boundary={boundary}"
    return client.post(f"{DRIFTS}new/", data=body, content_type=content_type)


def compared() -> CreditDrift:
    db.session.rollback()
    return db.session.scalars(select(CreditDrift)).one()


def test_without_comparisons_the_page_says_how_to_begin(boss: FlaskClient):
    assert f"{DRIFTS}new/" in boss.get(DRIFTS).text


@pytest.mark.parametrize("encoding", ["gbk", "utf-8-sig"])
def test_a_file_of_chinese_excel_is_compared(boss: FlaskClient, ledger_of_three: None, encoding: str):
    answer = upload(boss, f"昵称,telegram 编号,余额\n小明,{ANNA},100\n小红,{BERT},45\n王,999,3", encoding)
    made = compared()
    assert answer.location == f"{DRIFTS}details/?id={made.id}"
    assert (made.compared, made.differing, made.unknown_here, made.unknown_there) == (3, 2, 1, 0)
    assert made.by == "owner@a.example"


def test_a_whole_file_tells_who_is_missing_in_it(boss: FlaskClient, ledger_of_three: None):
    upload(boss, f"{ANNA},100\n{BERT},50", whole="y")
    assert (compared().differing, compared().unknown_there) == (1, 1)


def test_the_result_names_accounts_and_advises(boss: FlaskClient, cast: Cast, ledger_of_three: None):
    page = boss.get(upload(boss, f"{ANNA},90\n{BERT},50").location).text
    account = db.session.scalars(select(CreditAccount.id).where(CreditAccount.telegram_id == ANNA)).one()
    assert f"/admin/credits/details/?id={account}" in page
    assert "Anna" in page
    assert "+10" in page
    assert "drift-advice" in page
    assert "积分商城" in boss.get(DRIFTS).text


def test_what_is_still_on_the_way_explains_a_difference(boss: FlaskClient, cast: Cast, ledger_of_three: None):
    with transaction():
        mall = partners.create(cast.tenant.id, "Mall", "https://partner.example/", start="beginning").partner
    assert f'<option value="{mall.id}"' in boss.get(f"{DRIFTS}new/").text
    page = boss.get(upload(boss, f"{ANNA},0\n{BERT},1", partner_id=mall.id).location).text
    assert (compared().differing, compared().explained) == (2, 1)
    assert f"/admin/credit-partners/details/?id={mall.id}" in page


def test_equal_balances_need_nothing(boss: FlaskClient, ledger_of_three: None):
    page = boss.get(upload(boss, f"{ANNA},100").location).text
    assert "drift-advice" not in page
    assert "csv/" not in page


def test_a_comparison_of_the_api_is_shown_too(boss: FlaskClient, cast: Cast, ledger_of_three: None):
    with transaction():
        drift.compare(cast.tenant.id, "Shop's nightly check", [(ANNA, 99)], by="shop")
    assert "nightly check" in boss.get(DRIFTS).text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{ANNA},100\n{BERT},many\n{ANNA},5", ["2", "many", "3"]),
        ("7E+09,1", ["7E+09"]),
        ("1,2\n" * 30, ["29"]),
        ("用户,备注\n1,2", ["balance"]),
        ("", []),
        (b"\x81\xff\xff", []),
    ],
)
def test_what_is_wrong_with_a_file_is_said(boss: FlaskClient, text: str | bytes, said: list[str]):
    page = upload(boss, text)
    assert page.status_code == 200
    assert "note-bad" in page.text or 'id="file-error"' in page.text
    assert [word for word in said if word not in page.text] == []
    assert db.session.scalar(select(CreditDrift.id)) is None


def test_a_hundred_thousand_lines_are_compared(boss: FlaskClient, ledger_of_three: None):
    rows = b"".join(b"%d,0\n" % number for number in range(1, 100_001))
    assert upload(boss, rows).status_code == 303
    assert (compared().compared, compared().differing) == (100_000, 0)


def test_differences_are_taken_along_as_a_file(boss: FlaskClient, ledger_of_three: None):
    upload(boss, f"{ANNA},90\n999,3")
    with boss.get(f"{DRIFTS}csv/?id={compared().id}") as file:
        rows = file.data.decode("utf-8-sig").split()
    assert rows[1:] == ['"999","","3","-3","0","0"', f'"{ANNA}","100","90","10","0","0"']
    assert actions()[-1] == "credit_drift.exported"


@pytest.mark.parametrize("who", ["staff", "reader"])
def test_support_and_readers_compare_nothing(app: Flask, cast: Cast, who: str):
    client = sign_in(app, getattr(cast, who))
    assert {client.get(path).status_code for path in (DRIFTS, f"{DRIFTS}new/")} == {403}


def test_a_stranger_finds_nothing(app: Flask, cast: Cast, boss: FlaskClient, ledger_of_three: None):
    upload(boss, f"{ANNA},90")
    with transaction():
        mall: CreditPartner = partners.create(cast.tenant.id, "Mall", "https://partner.example/").partner
    client = sign_in(app, cast.stranger)
    for path in ("details", "csv"):
        assert client.get(f"{DRIFTS}{path}/?id={compared().id}").status_code == 404
    assert upload(client, "1,2", partner_id=mall.id).status_code == 200
    assert "积分商城" not in client.get(DRIFTS).text
    compared()
