"""What a member's page says of his credits and orders, and where it leads."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import select

from app.core.db import db
from app.core.queue import transaction
from app.models import CreditAccount
from app.services import credits as ledger
from app.services.credits import holds
from tests.cast import Cast, sign_in
from tests.order_pages import a_member
from tests.shopping import BUYER, a_product, an_order

DETAILS = "/admin/members/details/"
EN = {"Accept-Language": "en"}


def test_the_page_leads_to_his_account_and_his_orders(app: Flask, cast: Cast):
    row, product = a_member(cast), a_product(cast.tenant)
    orders = [an_order(product, BUYER) for _ in range(6)]
    with transaction():
        ledger.post(cast.tenant.id, BUYER, 12_345, source="admin", reference="1", reason="a gift")
        holds.reserve(
            cast.tenant.id,
            BUYER,
            2_000,
            source="shop",
            reference="1",
            reason="a stay",
            lasts=timedelta(days=1),
        )
    page = sign_in(app, cast.owner).get(f"{DETAILS}?id={row.id}", headers=EN).text
    account = db.session.scalars(select(CreditAccount.id)).one()
    assert f"/admin/credits/details/?id={account}" in page
    assert all(number in page for number in ("12,345", "2,000", "10,345"))
    assert [f'/admin/orders/details/?id={one.id}"' in page for one in orders] == [False] + [True] * 5
    assert f"/admin/orders/?buyer={BUYER}" in page


def test_somebody_without_credits_and_orders_is_told_so(app: Flask, cast: Cast):
    row = a_member(cast)
    an_order(a_product(cast.other_tenant), BUYER)
    page = sign_in(app, cast.reader).get(f"{DETAILS}?id={row.id}", headers=EN).text
    assert "This person has no credits yet." in page
    assert "No orders yet" in page
    assert "/admin/credits/adjust/" not in page
