"""The stock of a digital product: the list without what is in it, adding codes, links and files, removing free ones."""

from typing import Any, ClassVar

from flask import flash, make_response, redirect, request, url_for
from flask_admin import expose
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l

from admin.acts import act, row_id, sent
from admin.base import PageView
from admin.changes import refuse
from admin.guard import viewer
from admin.lotteries import page_number
from admin.lottery_parts import person
from admin.menu import Group
from admin.product_parts import STATES, STOCK_KINDS, STOCK_STATES, chosen_product
from app.core.errors import AppError, BadInput, NotFound
from app.core.queue import transaction
from app.domain.lottery_fields import BadSpec
from app.domain.people import Role
from app.domain.product_problems import told
from app.domain.products import MAX_FILE, MAX_STOCK_ROWS, ProductKind, StockKind, StockState
from app.domain.stock_lines import read_lines
from app.models import Product
from app.services import files
from app.services.products import manage, stock, stock_items
from app.services.products.stock import NewItem

MOST_NAMED = 20
"""Lines that were there already are named up to this number."""
MOST_FILES = 50
_FIELDS = {"csrf_token", "id", "lines"}


class ProductStockView(PageView):
    """`/admin/product-stock/?id=…`."""

    group, menu_of = Group.BUSINESS, "products"
    max_upload = MAX_FILE
    roles: ClassVar[dict[str, Role | None]] = dict.fromkeys(
        ("add", "remove", "remove_free", "reveal", "file"), Role.MANAGER
    )

    @expose("/")
    def index_view(self) -> Any:
        """The list."""
        return self._page(_digital())

    @expose("/add/", methods=("POST",))
    def add(self) -> Any:
        """Puts in what was pasted and uploaded; what is there already is told."""
        product = _digital()
        if set(request.form) - _FIELDS or set(request.files) - {"files"}:
            raise BadInput
        try:
            lines = read_lines(request.form.get("lines", ""))
            uploads = [one for one in request.files.getlist("files") if one.filename][:MOST_FILES]
            with transaction():
                items = [NewItem(line.kind, line.text) for line in lines]
                items += [_kept(product, one) for one in uploads]
                added = manage.add_stock(product.id, items)
        except BadSpec as error:
            locale = str(get_locale())
            flash(told(error.field, error.problem(locale), locale), "error")
            return self._page(product, pasted=request.form.get("lines", ""))
        except AppError as error:
            refuse(error)
            return self._page(product, pasted=request.form.get("lines", ""))
        finally:
            # Large uploads lie on the disk until they are closed.
            request.close()
        names = [str(line.number) for line in lines] + [str(one.filename) for one in uploads]
        _tell(added, names)
        return redirect(url_for(".index_view", id=product.id), 303)

    @expose("/remove/", methods=("POST",))
    def remove(self) -> Any:
        """Throws a free item away."""
        product = _digital()
        item_id = row_id(sent("id", "item")[1])
        act(lambda: stock_items.remove(product, item_id), gettext("Removed"))
        return redirect(url_for(".index_view", id=product.id), 303)

    @expose("/remove-free/", methods=("POST",))
    def remove_free(self) -> Any:
        """Throws all free items away."""
        product = _digital()
        sent("id")
        act(lambda: stock_items.remove_free(product), gettext("All free items are removed."))
        return redirect(url_for(".index_view", id=product.id), 303)

    @expose("/reveal/", methods=("POST",))
    def reveal(self) -> Any:
        """The list again, with what one item says; the audit log hears of it."""
        with transaction():
            product = _digital()
            item_id = row_id(sent("id", "item")[1])
            content = stock_items.reveal(product, item_id)
        return self._page(product, shown={item_id: content})

    @expose("/file/")
    def file(self) -> Any:
        """One file of the stock; the audit log hears of it."""
        with transaction():
            product = _digital()
            kept = files.read(stock_items.file_of(product, row_id(request.args.get("item", ""))))
        answer = make_response(kept.data)
        answer.content_type = "application/octet-stream"
        answer.headers.set("Content-Disposition", "attachment", filename=kept.name)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _page(self, product: Product, *, pasted: str = "", shown: dict[int, str] | None = None) -> Any:
        state = next((one for one in StockState if one == request.args.get("state")), None)
        page = stock_items.list_page(product, state, page_number())
        answer = make_response(
            self.render(
                "admin/products/stock.html",
                product=product,
                product_state=STATES[product.state],
                counts=stock.counts(product.id),
                rows=[(row, _who(row)) for row in page.items],
                page=page.number,
                more=page.more,
                state=state,
                states=STOCK_STATES,
                kinds=STOCK_KINDS,
                pasted=pasted,
                shown=shown or {},
                most_rows=MAX_STOCK_ROWS,
                most_megabytes=MAX_FILE >> 20,
                may_change=viewer().may(Role.MANAGER),
            )
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _digital() -> Product:
    product = chosen_product()
    if product.kind is not ProductKind.DIGITAL_GOODS:
        raise NotFound
    return product


def _who(row: stock_items.Listed) -> str:
    """Who has it."""
    return person(row.member, row.order.telegram_id) if row.order else ""


def _kept(product: Product, upload: Any) -> NewItem:
    data = upload.stream.read(MAX_FILE + 1)
    kept = files.keep(product.tenant_id, upload.filename, upload.mimetype or "", data)
    return NewItem(StockKind.FILE, file_id=kept.id, sha256=kept.sha256)


def _tell(added: stock.Added, names: list[str]) -> None:
    said = str(gettext("%(count)s added.", count=added.added))
    if added.known:
        known = [names[place] for place in added.known[:MOST_NAMED]]
        more = " …" if len(added.known) > MOST_NAMED else ""
        said += " " + gettext(
            "%(count)s left out, since they are or were in the stock already: %(names)s",
            count=len(added.known),
            names=", ".join(known) + more,
        )
    flash(said, "success" if added.added else "warning")


def views() -> list[Any]:
    """The views of this feature."""
    return [ProductStockView(_l("Stock"), endpoint="product_stock", url="product-stock")]
