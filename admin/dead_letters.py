"""Messages that were set aside: what they were, why, and the choice to try again or let go."""

from typing import Any, ClassVar

from flask import flash, redirect, request
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from admin.base import MAX_BATCH, PageView
from admin.forms import AdminForm
from admin.guard import tenant_id
from admin.menu import Group
from app.core.errors import BadInput
from app.core.queue import transaction
from app.domain.people import Role
from app.services import dead_letters

MAX_ID = 2**63 - 1
KINDS = {
    "callback_query": _l("Button press"),
    "channel_post": _l("Channel post"),
    "chat_member": _l("Member change"),
    "edited_message": _l("Edited message"),
    "inline_query": _l("Inline query"),
    "message": _l("Message"),
    "my_chat_member": _l("Member change"),
    "unknown": _l("Unknown"),
}


class ActForm(AdminForm):
    """What the list's batch bar and the buttons of a row send."""

    also_posted = frozenset({"action", "rowid"})


class DeadLettersView(PageView):
    """`/admin/dead_letters/`, reached from the home page when there are any."""

    group = Group.MAIN
    icon = "inbox"
    order = 45
    role = Role.SUPPORT
    roles: ClassVar[dict[str, Role | None]] = {"act": Role.SUPPORT}
    lead = _l("Messages that made the bot fail five times. Nothing else of the chat waits for them.")

    def is_visible(self) -> bool:
        """Not in the menu: a calm day has none."""
        return False

    @expose("/")
    def index(self) -> Any:
        """The list, latest first."""
        before = request.args.get("before", type=int)
        sane = before if before is not None and 0 < before <= MAX_ID else None
        letters = dead_letters.list_letters(tenant_id(), before=sane)
        more = len(letters) == dead_letters.PAGE
        return self.render(
            "admin/dead_letters.html", letters=letters, kinds=KINDS, more=more, first=sane is None
        )

    @expose("/act/", methods=("POST",))
    def act(self) -> Any:
        """Tries the chosen ones again, or lets go of them; all of them where none is named."""
        ActForm(request.form)
        ids = request.form.getlist("rowid")
        keys = [read_key(text) for text in ids[: MAX_BATCH + 1]] or None
        name = request.form.get("action")
        if name not in {"replay", "discard"} or len(ids) > MAX_BATCH:
            raise BadInput
        with transaction():
            done = (dead_letters.replay if name == "replay" else dead_letters.discard)(tenant_id(), keys)
        words = (
            gettext("%(count)s are tried again", count=done)
            if name == "replay"
            else gettext("%(count)s let go", count=done)
        )
        flash(words, "success")
        return redirect(self.get_url(".index"))


def read_key(text: str) -> dead_letters.Key:
    """`<bot id>-<update id>`; BadInput for everything else."""
    bot, _, update = text.partition("-")
    if not all(
        part.isascii() and part.isdigit() and len(part) <= 19 and int(part) <= MAX_ID
        for part in (bot, update)
    ):
        raise BadInput
    return int(bot), int(update)


def views() -> list[Any]:
    """The view of this feature."""
    return [DeadLettersView(_l("Set aside"), endpoint="dead_letters")]
