"""Keys of a project: made, changed for a new one, ended. A key and its secret are shown once, in the answer that makes them."""

from typing import Any

from flask import redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from admin.acts import act, ask_password, sent
from admin.base import PageView
from admin.changes import tried
from admin.credit_client_parts import base_url, chosen, key_state, sdk_example, shown_once, works
from admin.credit_key_form import KeyForm, RotateForm
from admin.guard import viewer
from admin.menu import Group
from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.domain.people import Role
from app.models import CreditClient, CreditKey
from app.services.credit_clients import manage


class CreditKeysView(PageView):
    """`/admin/credit-keys/`, reached from a project's page."""

    role = Role.MANAGER
    group, menu_of, tab = Group.MONEY, "credit_overview", "credit_clients"

    @expose("/")
    def index_view(self) -> Any:
        """Keys are listed on the pages of their projects."""
        return redirect(url_for("credit_clients.index_view"))

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """A new key of a project."""
        client = chosen(CreditClient, "client")
        if (asked := ask_password(url_for(".create_view", client=client.id))) is not None:
            return asked
        form: Any = KeyForm(request.form or None)
        if request.method == "POST" and form.validate():
            made = tried(form, lambda: manage.create_key(client.id, **_wanted(form)))
            if made is not None:
                return self._shown(client, made)
        return self.render("admin/credit_clients/new_key.html", form=form, client=client)

    @expose("/rotate/", methods=("GET", "POST"))
    def rotate_view(self) -> Any:
        """A new key with the same rights; the old one goes on for a while."""
        key = chosen(CreditKey)
        if (asked := ask_password(url_for(".rotate_view", id=key.id))) is not None:
            return asked
        if not works(key, clock.now()):
            raise NotFound
        form: Any = RotateForm(request.form or None)
        client = db.session.get_one(CreditClient, key.client_id)
        if request.method == "POST" and form.validate():
            made = tried(form, lambda: manage.rotate(key.id, form.lasts(), viewer().user_id))
            if made is not None:
                return self._shown(client, made, old=key)
        return self.render(
            "admin/credit_clients/rotate.html",
            form=form,
            key=key,
            client=client,
            state=key_state(key, clock.now()),
        )

    @expose("/revoke/", methods=("POST",))
    def revoke(self) -> Any:
        """Ends a key at once."""
        key = chosen(CreditKey)
        sent("id")
        back = url_for("credit_clients.details_view", id=key.client_id)
        if (asked := ask_password(back)) is not None:
            return asked
        act(lambda: manage.revoke(key.id), gettext("The key no longer works."))
        return redirect(back, 303)

    def _shown(self, client: CreditClient, made: manage.NewKey, old: CreditKey | None = None) -> Any:
        return shown_once(
            self.render(
                "admin/credit_clients/made.html",
                client=client,
                made=made,
                old=old,
                base_url=base_url(),
                example=sdk_example(client, made.api_key, made.secret_key),
            )
        )


def _wanted(form: KeyForm) -> dict[str, Any]:
    return {
        "scopes": form.scopes(),
        "allow_v1": form.allow_v1.data,
        "networks": form.cidrs(),
        "expires_at": form.expires_at.data,
        "user_id": viewer().user_id,
    }


def views() -> list[Any]:
    """The views of this feature."""
    return [CreditKeysView(_l("Keys"), endpoint="credit_keys", url="credit-keys")]
