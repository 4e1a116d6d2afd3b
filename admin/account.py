"""One's own account: name, language, password, two-step sign-in, Telegram, and where one is signed in."""

from typing import Any

from flask import redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from admin.acts import act, sent
from admin.base import PageView
from admin.forms import AdminForm, CleanStringField
from admin.guard import find_viewer, tenant_id, viewer
from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import EN, ZH
from app.domain.people import Role, browser_name
from app.domain.tenants import MAX_NAME
from app.models import Membership, User
from app.services import bots, people

MOST_BOTS = 20


class AccountForm(AdminForm):
    """What a person may change about himself."""

    name = CleanStringField(_l("Your name"), [Length(max=MAX_NAME)])
    locale = SelectField(
        _l("Language"),
        choices=[
            SelectChoice("", _l("As the browser")),
            SelectChoice(ZH, "简体中文"),
            SelectChoice(EN, "English"),
        ],
    )


class AccountView(PageView):
    """`/admin/account/`; for everybody who is signed in, also an operator without a tenant."""

    icon = "user-cog"

    def is_visible(self) -> bool:
        """It is reached from the menu of the person, not from the list of pages."""
        return False

    def is_accessible(self) -> bool:
        """Whoever is signed in."""
        return find_viewer() is not None

    def check_role(self, needed: Role) -> None:
        """No role is needed for what is one's own."""
        del needed

    @expose("/")
    def index(self) -> Any:
        """Everything about oneself."""
        return self._page(AccountForm(obj=_me()))

    @expose("/save/", methods=("POST",))
    def save(self) -> Any:
        """Name and language."""
        form = AccountForm(request.form)
        if form.validate() and act(lambda: _save(form), gettext("Saved")):
            return redirect(url_for(".index"), 303)
        return self._page(form)

    @expose("/link/", methods=("POST",))
    def link(self) -> Any:
        """A one-time code for one's Telegram account."""
        sent()
        codes: list[str] = []
        act(lambda: codes.append(people.create_link_code(_membership())))
        return self._page(AccountForm(formdata=None, obj=_me()), code=codes[0])

    @expose("/unlink/", methods=("POST",))
    def unlink(self) -> Any:
        """Forgets the Telegram account."""
        sent()
        act(
            lambda: people.unlink(tenant_id(), _membership().id),
            gettext("Your Telegram account is no longer linked."),
        )
        return redirect(url_for(".index"), 303)

    @expose("/sessions/")
    def sessions(self) -> Any:
        """Where one is signed in."""
        rows = people.list_sessions(viewer().user_id)
        return self.render(
            "admin/account/sessions.html",
            sessions=rows,
            current=viewer().session_id,
            browser_name=browser_name,
        )

    @expose("/sessions/end/", methods=("POST",))
    def end_session(self) -> Any:
        """Signs one browser out."""
        (key,) = sent("id")
        act(lambda: people.end_session(viewer().user_id, key), gettext("Signed out there."))
        return redirect(url_for(".sessions"), 303)

    @expose("/sessions/end-others/", methods=("POST",))
    def end_others(self) -> Any:
        """Signs every other browser out."""
        sent()
        me = viewer()
        act(
            lambda: people.end_all_sessions(me.user_id, but=me.session_id),
            gettext("You are signed in only here now."),
        )
        return redirect(url_for(".sessions"), 303)

    def _page(self, form: AccountForm, **more: Any) -> Any:
        me = viewer()
        place = _membership() if me.membership_id else None
        names = (
            [bot.username for bot in bots.list_bots(tenant_id(), limit=MOST_BOTS) if bot.enabled]
            if place
            else []
        )
        return self.render(
            "admin/account/index.html",
            account_form=form,
            two_step=_me().tf_totp_secret is not None,
            place=place,
            bot_names=[name for name in names if name],
            **more,
        )


def _me() -> User:
    return db.session.get_one(User, viewer().user_id)


def _membership() -> Membership:
    found = db.session.get(Membership, viewer().membership_id or 0)
    if found is None:
        raise NotFound
    return found


def _save(form: AccountForm) -> None:
    people.rename(viewer().user_id, form.name.data or "")
    people.choose_locale(viewer().user_id, form.locale.data or None)


def views() -> list[Any]:
    """The views of this feature."""
    return [AccountView(_l("My account"), endpoint="account", url="account")]
