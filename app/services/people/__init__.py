"""People: accounts, signed-in browsers, roles in tenants, invitations, and their Telegram accounts."""

from app.services.people.accounts import RESET_AFTER, choose_locale, find_by_email, register, rename
from app.services.people.invitations import (
    InvitationGone,
    accept,
    accept_as_new,
    find_invitation,
    invite,
    list_invitations,
    revoke_invitation,
)
from app.services.people.links import create_link_code, linked_members, unlink, use_link_code
from app.services.people.sessions import (
    close_tenant,
    confirm_session,
    end_all_sessions,
    end_session,
    find_session,
    list_sessions,
    open_as_operator,
    open_session,
    open_tenant,
    prune,
)
from app.services.people.staff import LastOwner, change_role, leave_or_remove, list_staff, memberships_of
from app.services.people.throttle import TooManyTries, claim_try, forget_tries

__all__ = [
    "RESET_AFTER",
    "InvitationGone",
    "LastOwner",
    "TooManyTries",
    "accept",
    "accept_as_new",
    "change_role",
    "choose_locale",
    "claim_try",
    "close_tenant",
    "confirm_session",
    "create_link_code",
    "end_all_sessions",
    "end_session",
    "find_by_email",
    "find_invitation",
    "find_session",
    "forget_tries",
    "invite",
    "leave_or_remove",
    "linked_members",
    "list_invitations",
    "list_sessions",
    "list_staff",
    "memberships_of",
    "open_as_operator",
    "open_session",
    "open_tenant",
    "prune",
    "register",
    "rename",
    "revoke_invitation",
    "unlink",
    "use_link_code",
]
