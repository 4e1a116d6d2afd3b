"""Making and changing a product: choosing what to sell, the form with its live preview."""

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l

from admin.acts import MOST_DIGITS, row_id
from admin.base import PageView
from admin.changes import refuse
from admin.guard import tenant_id
from admin.menu import Group
from admin.product_fields import ProductForm, QuestionRow, filled
from admin.product_parts import KINDS, STATES, WAYS, chosen_product
from admin.product_presets import PRESET_OF, PRESETS, Preset, body_of
from admin.product_preview import example, typed_card
from app.core.errors import AppError, BadInput, NotFound
from app.core.i18n import ZH
from app.core.queue import transaction
from app.domain import product_spec
from app.domain.payments import Provider
from app.domain.people import Role
from app.domain.product_problems import BadProduct
from app.domain.products import ProductKind, ProductState
from app.models import Product
from app.services import bots, tenants
from app.services.products import lookup, manage, stock, ways
from app.services.products.spec import body

_SALE = "sale"


class ProductFormView(PageView):
    """`/admin/product-form/`."""

    role = Role.MANAGER
    group, menu_of = Group.BUSINESS, "products"
    roles: ClassVar[dict[str, Role | None]] = {}

    @expose("/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """A new one; `preset` or `copy` say what it is."""
        preset, data = _beginning()
        if preset is None:
            return self.render("admin/products/choose.html", presets=PRESETS)
        form = ProductForm(request.form or None, data=data)
        if request.method == "POST" and (made := self._save(form, preset.kind)) is not None:
            return self._done(made)
        return self._page(form, preset.kind, None)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        """One that is there."""
        product = chosen_product()
        if product.state is ProductState.ARCHIVED:
            flash(gettext("It is archived and stays as it is. You can make a copy."), "warning")
            return redirect(url_for("products.details_view", id=product.id), 303)
        form = ProductForm(request.form or None, data=filled(body(product)))
        if request.method == "POST" and (made := self._save(form, product.kind, product)) is not None:
            return self._done(made)
        return self._page(form, product.kind, product)

    @expose("/preview/", methods=("POST",))
    def preview(self) -> Any:
        """The card of what stands in the form."""
        preset = PRESETS.get(request.form.get("preset", ""))
        if preset is None:
            raise BadInput
        form = ProductForm(request.form)
        return self.render("admin/products/_card.html", **_sight(form, preset.kind))

    def _save(self, form: ProductForm, kind: ProductKind, product: Product | None = None) -> Product | None:
        """The saved product, or None when something in the form is to be mended."""
        if not form.validate():
            return None
        try:
            spec = product_spec.read(form.written(kind))
            with transaction():
                if product is None:
                    product = manage.create(tenant_id(), spec)
                else:
                    product = manage.update(product.id, spec, _version(), keep_stock=form.stock_unchanged())
                if request.form.get("then") == _SALE:
                    manage.put_on_sale(product.id)
                return product
        except BadProduct as error:
            form.place(error, str(get_locale()))
        except AppError as error:
            if isinstance(error, NotFound):
                raise
            refuse(error, form)
        return None

    @staticmethod
    def _done(product: Product) -> Any:
        on_sale = product.state is ProductState.ON_SALE
        flash(gettext("Saved. It is on sale.") if on_sale else gettext("Saved"), "success")
        if on_sale and product.kind is ProductKind.DIGITAL_GOODS and not _has_stock(product):
            return redirect(url_for("product_stock.index_view", id=product.id), 303)
        return redirect(url_for("products.details_view", id=product.id), 303)

    def _page(self, form: ProductForm, kind: ProductKind, product: Product | None) -> str:
        ready = ways.set_up(tenant_id())
        return self.render(
            "admin/products/form.html",
            form=form,
            kind=kind,
            kind_words=KINDS[kind][1],
            preset=PRESET_OF[kind],
            product=product,
            version=request.form.get("version") or (product.version if product else 0),
            state=STATES[product.state] if product else None,
            blank_question=QuestionRow(prefix="questions-__index__-"),
            ways=[(way, *WAYS[way], way in ready) for way in Provider],
            bots=bots.list_bots(tenant_id(), limit=2),
            **_sight(form, kind),
        )


def _sight(form: ProductForm, kind: ProductKind) -> dict[str, Any]:
    """What the preview shows."""
    written = form.written(kind)
    locale = tenants.get(tenant_id()).locale
    return {
        "card": typed_card(written, locale),
        "picture": form.picture.data,
        "example": example(written),
    }


def _beginning() -> tuple[Preset | None, dict[str, Any]]:
    """What a new form holds; no preset as long as nobody has said what is to be sold."""
    copied = request.args.get("copy")
    if copied:
        original = lookup.get(row_id(copied))
        if original.tenant_id != tenant_id():
            raise NotFound
        return PRESETS[PRESET_OF[original.kind]], filled(body(original))
    preset = PRESETS.get(request.values.get("preset", ""))
    if preset is None:
        return None, {}
    ready = [way.value for way in Provider if way in ways.set_up(tenant_id())]
    return preset, filled(body_of(preset, ready, _currency(ready)))


def _currency(ready: list[str]) -> str:
    """What a new product costs its price in: cards are charged in dollars, Chinese bosses reckon in yuan."""
    chinese = tenants.get(tenant_id()).locale == ZH
    return "CNY" if chinese and Provider.PINGPONG.value not in ready else "USD"


def _version() -> int:
    raw = request.form.get("version", "")
    if not (raw.isascii() and raw.isdigit()) or len(raw) > MOST_DIGITS:
        raise BadInput
    return int(raw)


def _has_stock(product: Product) -> bool:
    return stock.available(product) != 0


def views() -> list[Any]:
    """The views of this feature."""
    return [ProductFormView(_l("New product"), endpoint="product_form", url="product-form")]
