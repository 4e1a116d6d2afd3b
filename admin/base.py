"""The base of every page of the admin; `docs/pages.md` shows how a page is written.

`PageView` is a page of its own, `TenantView` lists and edits one model inside the open tenant, `OperatorView` does
the same over all tenants. Changes go through services: a view says which in `service_create`, `service_update` and
`service_delete`, which run inside `transaction()`; Flask-Admin's own commits are never used.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from flask import flash, request
from flask_admin import expose
from flask_admin.actions import action
from flask_admin.contrib.sqla import ModelView
from flask_admin.model.template import BaseListRowAction
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import func

from admin import formatters
from admin.changes import Changes, name_of
from admin.exports import CsvExport
from admin.filters import escape_like, filters_for
from admin.forms import AdminForm
from admin.guard import Guarded, find_viewer, tenant_id
from admin.lookups import Lookup, answer_lookup
from admin.queries import clean_list_args, row_key
from app.core.db import db
from app.core.errors import BadInput, NotAllowed, NotFound
from app.core.tenancy import TenantOwned, system_scope
from app.domain.people import Role

MAX_BATCH = 200
MAX_TERMS = 5


class PageView(Guarded):
    """A page of its own: expose view functions and `self.render` templates that extend `admin/base.html`."""

    def __init__(self, name: Any = None, endpoint: str | None = None, url: str | None = None) -> None:
        super().__init__(name=name, endpoint=endpoint, url=url)


class RowForm(AdminForm):
    """The base of the small forms that Flask-Admin makes itself: delete and batch action."""

    also_posted = frozenset({"rowid", "id", "action"})


class ListView(Guarded, Changes, CsvExport, ModelView):
    """What lists of all kinds share: roles per act, hostile arguments, forms that name their fields."""

    create_role: ClassVar[Role | None] = None
    edit_role: ClassVar[Role | None] = None
    delete_role: ClassVar[Role | None] = None
    export_role: ClassVar[Role | None] = Role.MANAGER
    action_roles: ClassVar[dict[str, Role]] = {}
    """Roles for batch actions, by name; an action that is not named asks for `edit_role` or else MANAGER."""
    lookups: ClassVar[dict[str, Lookup]] = {}
    """What `SearchSelectField`s of the view's forms may search, by name."""
    secondary_columns: ClassVar[tuple[str, ...]] = ()
    """Columns that phones leave out."""
    number_columns: ClassVar[tuple[str, ...]] = ()
    create_label: ClassVar[Any] = ""
    """What the button for a new row says."""
    empty_title: ClassVar[Any] = _l("Nothing here yet")
    empty_text: ClassVar[Any] = ""
    empty_picture: ClassVar[str] = "list"

    form_base_class = RowForm
    form: Any = None
    list_template = "admin/model/list.html"
    can_view_details = True
    can_set_page_size = True
    page_size = 20
    page_size_options = (20, 50, 100)
    export_types = ["csv"]  # noqa: RUF012
    export_max_rows = 10_000
    column_auto_select_related = False
    column_type_formatters = formatters.LIST
    column_type_formatters_detail = formatters.DETAIL
    column_type_formatters_export = formatters.EXPORT

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in ("can_create", "can_edit", "can_delete", "can_export"):
            if name in vars(cls):
                raise TypeError(f"{cls.__name__}: set {name.removeprefix('can_')}_role instead of {name}")
        if vars(cls).get("column_editable_list"):
            raise TypeError(
                f"{cls.__name__}: changes go through forms and services, not through cells of a list"
            )

    def __init__(
        self, model: Any, name: Any = None, endpoint: str | None = None, url: str | None = None
    ) -> None:
        if self.form is None and (self.create_role or self.edit_role):
            raise TypeError(f"{type(self).__name__}: a view that creates or edits names its form")
        super().__init__(model, db, name=name, endpoint=endpoint, url=url)
        if not isinstance(self._primary_key, str):
            raise TypeError(f"{type(self).__name__}: rows need a primary key of one column")

    # --- roles
    def _allowed(self, needed: Role | None) -> bool:
        found = find_viewer()
        return needed is not None and found is not None and self._reaches(needed)

    def _reaches(self, needed: Role) -> bool:
        found = find_viewer()
        return found is not None and found.may(needed)

    can_create = property(lambda self: self._allowed(self.create_role))
    can_edit = property(lambda self: self._allowed(self.edit_role))
    can_delete = property(lambda self: self._allowed(self.delete_role))
    can_export = property(lambda self: self._allowed(self.export_role))

    def role_for(self, name: str) -> Role | None:
        """The role that an act asks for."""
        acts = {
            "create_view": self.create_role,
            "edit_view": self.edit_role,
            "delete_view": self.delete_role,
            "export": self.export_role,
            "ajax_update": None,
            "details_view": self.role if self.can_view_details else None,
        }
        return acts[name] if name in acts else super().role_for(name)

    def is_action_allowed(self, name: str) -> bool:
        """Whether the viewer may run a batch action."""
        needed = (
            self.delete_role
            if name == "delete"
            else self.action_roles.get(name, self.edit_role or Role.MANAGER)
        )
        return self._allowed(needed)

    # --- forms: never made from the model, so a form has only the fields that its author named
    def get_form(self) -> Any:
        """The view's own form class."""
        return self.form or AdminForm

    def delete_form(self) -> Any:
        """From what was posted, never from the address."""
        return self._delete_form_class(request.form or None)

    @expose("/ajax/lookup/")
    def ajax_lookup(self) -> Any:
        """Answers a `SearchSelectField`."""
        return answer_lookup(self.lookups)

    # --- reading
    def get_one(self, id: Any) -> Any:  # noqa: A002 - the library's name
        """A row that the viewer may see; NotFound for everything else."""
        key = row_key(self.model, id)
        column = getattr(self.model, self._primary_key)
        row = self.get_query().filter(column == key).one_or_none()
        if row is None:
            raise NotFound
        return row

    def rows(self, ids: list[str]) -> list[Any]:
        """The rows of a batch action; NotFound when one of them is not the viewer's, BadInput for too many."""
        keys = {row_key(self.model, key) for key in ids}
        if not keys:
            raise BadInput
        if len(keys) > MAX_BATCH:
            raise BadInput
        found = self.get_query().filter(getattr(self.model, self._primary_key).in_(keys)).all()
        if len(found) != len(keys):
            raise NotFound
        return list(found)

    def title_of(self, row: Any) -> str:
        """The head of a row's own pages."""
        return name_of(row) or f"{self.name} {row.id}"

    def url_without_filter(self, index: int) -> str:
        """The list as it is now, with one filter fewer and on its first page."""
        kept = {
            name: value
            for name, value in request.args.items()
            if not name.endswith(f"_{index}") and name != "page"
        }
        return str(self.get_url(".index_view", **kept))

    def get_filters(self) -> Any:
        """Each filter knows its place, which is the name of its value in the address."""
        found = super().get_filters()
        for index, one in enumerate(found or ()):
            one.arg_index = index
        return found

    def filters_by_column(self) -> list[tuple[str, list[Any]]]:
        """The filters as the panel shows them: one line per column, in the view's order."""
        groups: dict[str, list[Any]] = {}
        for one in self._filters or ():
            groups.setdefault(str(one.name), []).append(one)
        return list(groups.items())

    def _get_list_extra_args(self) -> Any:
        return clean_list_args(super()._get_list_extra_args(), self.page_size)

    def scaffold_filters(self, name: Any) -> Any:
        """Our filters for a column of the view's table."""
        column = getattr(self.model, name)
        return filters_for(column, self.get_column_name(name), (self.column_choices or {}).get(name))

    def _apply_search(self, query: Any, count_query: Any, joins: Any, count_joins: Any, search: str) -> Any:
        terms = " ".join(escape_like(search).split()[:MAX_TERMS])
        return super()._apply_search(query, count_query, joins, count_joins, terms)

    def get_list_row_actions(self) -> list[BaseListRowAction]:
        """Only the view's own: our list template shows details, edit and delete itself."""
        return list(self.column_extra_row_actions or [])

    def handle_action(self, return_view: str | None = None) -> Any:
        """Runs a batch action; NotFound for an unknown one, NotAllowed where the role is too low."""
        name = request.form.get("action", "")
        if name not in self._actions_data:
            raise NotFound
        if not self.is_action_allowed(name):
            raise NotAllowed
        return super().handle_action(return_view)

    @action("delete", _l("Delete"), _l("Really delete the selected records? This cannot be undone."))
    def action_delete(self, ids: list[str]) -> None:
        """Deletes all of them or none."""
        rows = self.rows(ids)
        if self.change(lambda: [self.service_delete(row) for row in rows], "delete", *rows):
            flash(gettext("%(count)s deleted", count=len(rows)), "success")

    # --- changing: inside one transaction, through a service
    def create_model(self, form: Any) -> Any:
        """Asks `service_create`; errors of the service appear in the form."""
        return self.change(lambda: self.service_create(form), "create", form=form)

    def update_model(self, form: Any, model: Any) -> bool:
        """Asks `service_update`; errors of the service appear in the form."""
        return bool(
            self.change(lambda: self.service_update(model, form) or model, "update", model, form=form)
        )

    def delete_model(self, model: Any) -> bool:
        """Asks `service_delete`."""
        return bool(self.change(lambda: self.service_delete(model) or model, "delete", model))


class TenantView(ListView):
    """Lists, and where roles say so edits, the open tenant's rows of one model. Every way in is narrowed to it."""

    def __init__(
        self, model: Any, name: Any = None, endpoint: str | None = None, url: str | None = None
    ) -> None:
        if not issubclass(model, TenantOwned):
            raise TypeError(f"{model.__name__} belongs to no tenant: use OperatorView")
        super().__init__(model, name, endpoint, url)

    def get_query(self) -> Any:
        """The tenant's rows."""
        return super().get_query().filter(self.model.tenant_id == tenant_id())

    def get_count_query(self) -> Any:
        """Their number."""
        return (
            db.session.query(func.count()).select_from(self.model).filter(self.model.tenant_id == tenant_id())
        )

    def audited_tenant(self, model: Any) -> int:
        """Whose audit log gets a change."""
        del model
        return tenant_id()


class OperatorView(ListView):
    """The same over all tenants, for operators only."""

    def is_accessible(self) -> bool:
        """Operators only."""
        found = find_viewer()
        return found is not None and found.is_operator

    def check_role(self, needed: Role) -> None:
        """An operator may do whatever an operator's view offers."""
        del needed

    def _reaches(self, needed: Role) -> bool:
        del needed
        return self.is_accessible()

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with system_scope():
            return super()._run_view(fn, *args, **kwargs)

    def audited_tenant(self, model: Any) -> int | None:
        """Whose audit log gets a change: the row's tenant, where it has one."""
        owner: int | None = getattr(model, "tenant_id", None)
        return owner
