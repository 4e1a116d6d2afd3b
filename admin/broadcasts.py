"""Broadcasts: the list with how far each is, writing one, and its own page with everything that can be done to it."""

import contextlib
from collections.abc import Callable
from typing import Any, ClassVar

from flask import flash, jsonify, make_response, redirect, request, url_for
from flask_admin import expose
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l

from admin.acts import act, row_id, sent
from admin.base import PageView
from admin.broadcast_form import BroadcastForm, ButtonRow, audience_words, stored
from admin.broadcast_parts import (
    RESULTS,
    STATES,
    chosen_broadcast,
    eta_words,
    halted_words,
    moment_in,
    slices,
    titles,
    write_results,
)
from admin.exports import download
from admin.guard import tenant_id, viewer
from admin.menu import Group
from app.core.errors import AppError, BadInput, NotAllowed, NotFound
from app.core.queue import transaction
from app.domain.broadcasts import CHANGEABLE, BroadcastState, RecipientState
from app.domain.people import Role
from app.models import Broadcast
from app.services import audit, bots, broadcasts

PAGE = 20
RECIPIENTS = 50
PACE = {BroadcastState.RUNNING: "2", BroadcastState.SCHEDULED: "10", BroadcastState.PAUSED: "5"}
"""Seconds between looks at a broadcast's page; others change no more by themselves."""


class BroadcastsView(PageView):
    """`/admin/broadcasts/`."""

    group, icon, order = Group.GROWTH, "megaphone", 30
    lead = _l("One message to many of your members, at the pace that Telegram allows.")
    roles: ClassVar[dict[str, Role | None]] = dict.fromkeys(
        (
            "create_view",
            "edit_view",
            "size",
            "test",
            "start",
            "schedule",
            "unschedule",
            "pause",
            "resume",
            "cancel",
            "again",
            "export",
        ),
        Role.MANAGER,
    )

    # --- looking
    @expose("/")
    def index_view(self) -> Any:
        """All of them, newest first."""
        return self.render("admin/broadcasts/list.html", **self._rows())

    @expose("/live/")
    def list_live(self) -> Any:
        """The list alone."""
        page = make_response(self.render("admin/broadcasts/_list.html", **(rows := self._rows())))
        running = any(row.state is BroadcastState.RUNNING for row in rows["rows"])
        page.headers["Live-Every"] = "2" if running else "10"
        return page

    @expose("/details/")
    def details_view(self) -> Any:
        """One of them: what is sent, how far it is, and who got it."""
        broadcast = chosen_broadcast()
        state = _result()
        after = row_id(request.args.get("after", "0"))
        people = broadcasts.list_recipients(broadcast, state, limit=RECIPIENTS + 1, after=after)
        return self.render(
            "admin/broadcasts/details.html",
            people=people[:RECIPIENTS],
            more=people[RECIPIENTS - 1].telegram_id if len(people) > RECIPIENTS else None,
            chosen=state,
            after=after,
            size=_size(broadcast) if broadcast.state in CHANGEABLE else None,
            content=broadcasts.content_of(broadcast),
            **_facts(broadcast),
        )

    @expose("/details/live/")
    def details_live(self) -> Any:
        """How far it is."""
        broadcast = chosen_broadcast()
        page = make_response(self.render("admin/broadcasts/_progress.html", **_facts(broadcast)))
        page.headers["Live-Every"] = PACE.get(broadcast.state, "0")
        return page

    @expose("/results/")
    def export(self) -> Any:
        """Who got it and who did not, as a CSV file."""
        broadcast, state = chosen_broadcast(), _result()
        with transaction():
            # Whoever takes the list of customers along is named in the log.
            audit.record(tenant_id(), "broadcast.exported", ("broadcast", broadcast.id, broadcast.name))
            return download(
                lambda file: write_results(file, broadcasts.all_recipients(broadcast, state)),
                "text/csv",
                f"broadcast-{broadcast.id}.csv",
            )

    # --- writing
    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """A new one."""
        mine = bots.list_bots(tenant_id(), limit=1)
        form = BroadcastForm(request.form or None, data={"bot_id": mine[0].id} if mine else None)
        if request.method == "POST" and (made := self._save(form)) is not None:
            flash(gettext("Saved. Nothing is sent yet: look at it, then send it."), "success")
            return self._back(made.id)
        return self._form(form, None)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        """One that has not begun."""
        broadcast = chosen_broadcast()
        if broadcast.state not in CHANGEABLE:
            flash(gettext("It has begun, so it stays as it is."), "warning")
            return self._back(broadcast.id)
        form = BroadcastForm(request.form or None, data=stored(broadcast))
        if request.method == "POST" and self._save(form, broadcast) is not None:
            flash(gettext("Saved"), "success")
            return self._back(broadcast.id)
        return self._form(form, broadcast)

    @expose("/size/", methods=("POST",))
    def size(self) -> Any:
        """How many the audience in the form is right now."""
        form = BroadcastForm(request.form)
        number = 0
        if form.bot_id.validate(form) and form.kind.validate(form):
            with contextlib.suppress(BadInput):
                number = broadcasts.size(tenant_id(), form.bot_id.data, form.audience())
        return jsonify(size=number, text=gettext("%(count)s people right now", count=f"{number:,}"))

    def _save(self, form: Any, broadcast: Broadcast | None = None) -> Broadcast | None:
        if not form.validate():
            return None
        try:
            with transaction():
                if broadcast is None:
                    return broadcasts.create(tenant_id(), form.bot_id.data, form.draft())
                return broadcasts.change(broadcast.id, form.draft())
        except (NotFound, NotAllowed):
            raise
        except AppError as error:
            form.add_error(error.text(str(get_locale())), form.place(error.params.get("field")))
        return None

    def _form(self, form: Any, broadcast: Broadcast | None) -> Any:
        mine = bots.list_bots(tenant_id(), limit=100)
        if not mine:
            return self.render("admin/broadcasts/none.html")
        blank = ButtonRow(prefix="buttons-__index__-")
        return self.render(
            "admin/broadcasts/form.html", form=form, broadcast=broadcast, bots=mine, blank=blank
        )

    # --- doing
    @expose("/test/", methods=("POST",))
    def test(self) -> Any:
        """To the boss's own Telegram account."""
        return self._do(broadcasts.send_test, gettext("On its way to your own Telegram account."))

    @expose("/start/", methods=("POST",))
    def start(self) -> Any:
        """Sends it now."""
        return self._do(broadcasts.start, gettext("It is being sent."))

    @expose("/schedule/", methods=("POST",))
    def schedule(self) -> Any:
        """Sends it later."""
        at = moment_in(sent("id", "at")[1])

        def do(id_: int) -> None:
            if at is None:
                raise broadcasts.TooEarly
            broadcasts.schedule(id_, at)

        return self._do(do, gettext("Scheduled. It starts by itself."), "at")

    @expose("/unschedule/", methods=("POST",))
    def unschedule(self) -> Any:
        """Makes it a draft again."""
        return self._do(broadcasts.back_to_draft, gettext("It is a draft again."))

    @expose("/pause/", methods=("POST",))
    def pause(self) -> Any:
        """Stops it for now."""
        return self._do(broadcasts.pause, gettext("Paused. Nobody else gets it until you resume."))

    @expose("/resume/", methods=("POST",))
    def resume(self) -> Any:
        """Goes on."""
        return self._do(broadcasts.resume, gettext("It goes on where it stopped."))

    @expose("/cancel/", methods=("POST",))
    def cancel(self) -> Any:
        """Ends it for good."""
        return self._do(broadcasts.cancel, gettext("Cancelled. Who got it keeps it."))

    @expose("/again/", methods=("POST",))
    def again(self) -> Any:
        """Sends once more what is unclear."""
        return self._do(broadcasts.send_again, gettext("It is sent again to those."))

    # --- helpers
    def _do(self, do: Callable[[int], object], said: str, *fields: str) -> Any:
        with transaction():
            broadcast = chosen_broadcast()
        sent("id", *fields)
        act(lambda: do(broadcast.id), said)
        return self._back(broadcast.id)

    @staticmethod
    def _back(broadcast_id: int) -> Any:
        return redirect(url_for(".details_view", id=broadcast_id), 303)

    @staticmethod
    def _rows() -> dict[str, Any]:
        before = row_id(request.args.get("before", "0"))
        rows = broadcasts.list_broadcasts(tenant_id(), limit=PAGE + 1, before=before or 2**62)
        shown = rows[:PAGE]
        return {
            "rows": shown,
            "states": STATES,
            "progress_of": broadcasts.progress_of,
            "audience": _audiences(shown),
            "bot_names": {bot.id: bots.label(bot) for bot in bots.list_bots(tenant_id(), limit=500)},
            "before": before,
            "more": shown[-1].id if len(rows) > PAGE else None,
            "may_change": viewer().may(Role.MANAGER),
        }


def _result() -> RecipientState | None:
    asked = request.args.get("result", "")
    try:
        return RecipientState(asked) if asked else None
    except ValueError:
        raise NotFound from None


def _size(broadcast: Broadcast) -> int:
    return broadcasts.size(broadcast.tenant_id, broadcast.bot_id, broadcasts.audience_of(broadcast))


def _audiences(rows: Any) -> dict[int, str]:
    kept = {row.id: broadcasts.audience_of(row) for row in rows}
    named = titles(kept.values())
    return {id_: audience_words(one, named.get(one, "")) for id_, one in kept.items()}


def _facts(broadcast: Broadcast) -> dict[str, Any]:
    progress = broadcasts.progress_of(broadcast)
    return {
        "broadcast": broadcast,
        "bot": bots.get(broadcast.bot_id),
        "audience": _audiences([broadcast])[broadcast.id],
        "state": STATES[broadcast.state],
        "progress": progress,
        "eta": eta_words(progress.seconds_left),
        "halted": halted_words(broadcast.error),
        "results": RESULTS,
        "slices": slices(progress),
        "may_change": viewer().may(Role.MANAGER),
    }


def views() -> list[Any]:
    """The views of this feature."""
    return [BroadcastsView(_l("Broadcasts"), endpoint="broadcasts", url="broadcasts")]
