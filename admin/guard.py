"""Who may open a page of the admin, and what happens to everybody else.

Anonymous: to the log-in page (401 for a live region, so that it does not swap a log-in form into itself).
A role too low: 403. What is somebody else's: 404, the same as what does not exist.
"""

from typing import Any, ClassVar

from flask import current_app, g, redirect, request, url_for
from flask_admin.base import BaseView

from admin.menu import Group, shell
from app.core.errors import NotAllowed, NotFound, NotSignedIn
from app.domain.people import Role, Viewer
from app.domain.pictures import MAX_BYTES


def viewer() -> Viewer:
    """Who looks at this page; NotSignedIn when nobody does."""
    found = find_viewer()
    if found is None:
        raise NotSignedIn
    return found


def find_viewer() -> Viewer | None:
    """Who looks at this page, if anybody has signed in."""
    found: Viewer | None = g.get("viewer")
    return found


def tenant_id() -> int:
    """The open tenant; NotAllowed where an operator has opened none."""
    opened = viewer().tenant_id
    if opened is None:
        raise NotAllowed
    return opened


class Guarded(BaseView):
    """What every view of ours has: a minimal role, a place in the menu, a head for its page."""

    role: ClassVar[Role] = Role.READ_ONLY
    """The least role that may open the view."""
    roles: ClassVar[dict[str, Role | None]] = {}
    """Higher roles for single view functions, by name; None closes one for everybody."""
    group: ClassVar[Group] = Group.MAIN
    icon: ClassVar[str] = "list"
    order: ClassVar[int] = 50
    phone_tab: ClassVar[bool] = False
    """Whether the view gets one of the four places in the tab bar of phones."""
    max_upload: ClassVar[int] = MAX_BYTES
    """Bytes of the largest file that the view's forms take."""
    menu_of: ClassVar[str] = ""
    """The endpoint of the view whose line of the menu is marked, where this one has none of its own."""
    lead: ClassVar[Any] = ""
    """One sentence below the title."""

    def is_visible(self) -> bool:
        """Whether the menu names the view; pages that are only reached from others are marked at those."""
        return not self.menu_of

    def menu_count(self) -> int:
        """How many things wait on the view's pages; the menu says so."""
        return 0

    def is_accessible(self) -> bool:
        """Whether the viewer's role is high enough."""
        found = find_viewer()
        return found is not None and found.may(self.role)

    def role_for(self, name: str) -> Role | None:
        """The least role for a view function; None means that nobody may."""
        return self.roles.get(name, self.role)

    def _handle_view(self, name: str, **kwargs: Any) -> Any:
        del kwargs
        if find_viewer() is None:
            return ask_to_sign_in()
        if not self.is_accessible():
            return self.refuse()
        needed = self.role_for(name)
        if needed is None:
            raise NotFound
        self.check_role(needed)
        return None

    def check_role(self, needed: Role) -> None:
        """NotAllowed when the viewer's role is lower than `needed`."""
        if not viewer().may(needed):
            raise NotAllowed

    def refuse(self) -> Any:
        """The answer to a person who is signed in but may not open this view."""
        if (
            viewer().tenant_id is None
            and viewer().is_operator
            and "tenants.index_view" in current_app.view_functions
        ):
            return redirect(url_for("tenants.index_view"))
        raise NotAllowed

    def _run_view(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        # The library calls again without arguments after a TypeError, which hides the real one.
        return fn(self, *args, **kwargs)

    def render(self, template: str, **kwargs: Any) -> str:
        """Renders with the frame's own variables."""
        page: str = super().render(template, shell=shell(self), **kwargs)
        return page


def ask_to_sign_in() -> Any:
    """To the log-in page and back; 401 for requests that no person made."""
    if (
        request.headers.get("Live")
        or request.method != "GET"
        or "security.login" not in current_app.view_functions
    ):
        raise NotSignedIn
    return redirect(url_for("security.login", next=request.full_path.rstrip("?")))
