"""Who works here: the staff, their roles, and invitations."""

from typing import Any, ClassVar

from flask import redirect, render_template, request, url_for
from flask_admin import expose
from flask_babel import force_locale, gettext
from flask_babel import lazy_gettext as _l
from wtforms import EmailField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from admin.acts import act, row_id, sent
from admin.base import PageView
from admin.forms import AdminForm
from admin.guard import tenant_id, viewer
from admin.menu import Group
from app.core.errors import BadInput
from app.core.settings import get_settings
from app.domain.people import Role
from app.services import mails, people, tenants

ROLES = {
    Role.OWNER: _l("Owner"),
    Role.MANAGER: _l("Manager"),
    Role.SUPPORT: _l("Support"),
    Role.READ_ONLY: _l("Read only"),
}
MEANINGS = {
    Role.OWNER: _l("Everything, also people, keys and money."),
    Role.MANAGER: _l("Runs the business: bots, lotteries, products. No people, no keys."),
    Role.SUPPORT: _l("Answers customers and orders."),
    Role.READ_ONLY: _l("Looks, changes nothing."),
}


class InviteForm(AdminForm):
    """An invitation."""

    email = EmailField(_l("E-mail"), [InputRequired()])
    role = SelectField(
        _l("Role"), choices=[SelectChoice(role, text) for role, text in ROLES.items()], default=Role.SUPPORT
    )


class PeopleView(PageView):
    """`/admin/people/`."""

    role = Role.MANAGER
    roles: ClassVar[dict[str, Role | None]] = dict.fromkeys(
        ("invite", "change_role", "remove", "revoke"), Role.OWNER
    )
    group, icon, order = Group.SETTINGS, "users-round", 30
    lead = _l("Who works here, and what each may do.")

    @expose("/")
    def index(self) -> Any:
        """Staff and open invitations."""
        return self._page(InviteForm())

    @expose("/invite/", methods=("POST",))
    def invite(self) -> Any:
        """Sends an invitation, or shows its link where no mail is set up."""
        form = InviteForm(request.form)
        link: list[str] = []
        if form.validate() and act(lambda: link.append(_invite(form.email.data, Role(form.role.data)))):
            if get_settings().mail_url:
                return redirect(url_for(".index"), 303)
            return self._page(InviteForm(formdata=None), link=link[0], invited=form.email.data)
        return self._page(form)

    @expose("/role/", methods=("POST",))
    def change_role(self) -> Any:
        """Another role for somebody."""
        key, name = sent("id", "role")
        role = _role(name)
        act(lambda: people.change_role(tenant_id(), row_id(key), role), gettext("Saved"))
        return redirect(url_for(".index"), 303)

    @expose("/remove/", methods=("POST",))
    def remove(self) -> Any:
        """Takes somebody out; holds from his next click on."""
        (key,) = sent("id")
        act(lambda: people.leave_or_remove(tenant_id(), row_id(key)), gettext("Removed"))
        return redirect(url_for(".index"), 303)

    @expose("/revoke/", methods=("POST",))
    def revoke(self) -> Any:
        """Makes an invitation useless."""
        (key,) = sent("id")
        act(lambda: people.revoke_invitation(tenant_id(), row_id(key)), gettext("The link no longer works."))
        return redirect(url_for(".index"), 303)

    def _page(self, form: InviteForm, **more: Any) -> Any:
        return self.render(
            "admin/people/index.html",
            staff=people.list_staff(tenant_id()),
            invitations=people.list_invitations(tenant_id()),
            invite_form=form,
            roles=ROLES,
            meanings=MEANINGS,
            may_change=viewer().may(Role.OWNER),
            mail=bool(get_settings().mail_url),
            **more,
        )


def _role(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise BadInput from None


def _invite(email: str, role: Role) -> str:
    """Makes the invitation, queues its letter, and returns the link."""
    invitation, token = people.invite(tenant_id(), email, role, viewer().user_id)
    base = get_settings().public_url or request.host_url.rstrip("/")
    link = f"{base}/invite/{token}"
    business = tenants.get(tenant_id())
    with force_locale(business.locale):
        subject = gettext("%(business)s invites you", business=business.name)
        body = render_template("security/email/invitation.txt", business=business.name, link=link)
    if get_settings().mail_url:
        mails.queue(invitation.email, subject, body)
    return link


def views() -> list[Any]:
    """The views of this feature."""
    return [PeopleView(_l("Staff"), endpoint="people", url="people")]
