"""Products on sale whose ways to pay are gone: the boss is warned."""

from flask import Flask

from app.core.queue import transaction
from app.domain.payments import Service
from app.services import service_accounts
from tests.cast import Cast, sign_in
from tests.shopping import a_product, codes


def test_a_product_that_nobody_can_pay_is_marked(app: Flask, cast: Cast):
    boss = sign_in(app, cast.owner)
    product = a_product(cast.tenant, codes(3), name="Tea", providers=["manual"])
    page = f"/admin/products/details/?id={product.id}"
    assert "无法付款" in boss.get("/admin/products/").text
    assert "现在没人能买。" in boss.get(page).text
    with transaction():
        service_accounts.save(cast.tenant.id, Service.MANUAL, {"instructions": "Pay to 42"})
    assert "无法付款" not in boss.get("/admin/products/").text
    assert "现在没人能买。" not in boss.get(page).text
