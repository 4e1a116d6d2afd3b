"""What a boss does with a product by a button: put it on sale, take it off, archive it."""

from collections.abc import Callable
from typing import Any, ClassVar

from flask import redirect, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from admin.acts import act, sent
from admin.base import PageView
from admin.menu import Group
from admin.product_parts import chosen_product
from app.core.queue import transaction
from app.domain.people import Role
from app.services.products import manage


class ProductActsView(PageView):
    """`/admin/product-acts/`: everything here is a POST."""

    role = Role.MANAGER
    group, menu_of = Group.BUSINESS, "products"
    roles: ClassVar[dict[str, Role | None]] = {}

    @expose("/")
    def index_view(self) -> Any:
        """Nothing stands here; the list of products does."""
        return redirect(url_for("products.index_view"))

    @expose("/put-on-sale/", methods=("POST",))
    def put_on_sale(self) -> Any:
        """From now on it can be bought."""
        return _do(manage.put_on_sale, gettext("It is on sale."))

    @expose("/take-off/", methods=("POST",))
    def take_off(self) -> Any:
        """Nobody can order it any more."""
        return _do(manage.take_off_sale, gettext("It is not on sale any more. Orders that were made go on."))

    @expose("/archive/", methods=("POST",))
    def archive(self) -> Any:
        """For good."""
        return _do(manage.archive, gettext("It is archived. Its orders stay."))


def _do(change: Callable[[int], object], said: str) -> Any:
    with transaction():
        product_id = chosen_product().id
    sent("id")
    act(lambda: change(product_id), said)
    return redirect(url_for("products.details_view", id=product_id), 303)


def views() -> list[Any]:
    """The views of this feature."""
    return [ProductActsView(_l("Products"), endpoint="product_acts", url="product-acts")]
