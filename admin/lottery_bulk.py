"""Many lotteries out of one CSV file: looked at line by line first, then all of them made as drafts, or none."""

import csv
import io
from datetime import timedelta
from typing import Any, ClassVar

from flask import Response, flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import get_locale, ngettext
from flask_babel import lazy_gettext as _l
from wtforms import FileField

from admin.base import PageView
from admin.changes import refuse
from admin.forms import AdminForm, viewer_zone
from admin.guard import tenant_id
from admin.lottery_fields import bot_field
from admin.menu import Group
from app.core import clock
from app.core.errors import AppError, NotFound
from app.core.i18n import ZH
from app.core.queue import transaction
from app.domain.lottery_csv import COLUMNS, MAX_BYTES, MAX_ROWS, Line
from app.domain.people import Role
from app.services import bots
from app.services.lotteries import bulk
from app.services.lotteries.errors import BadRows

BYTE_ORDER_MARK = "\ufeff"
SAMPLES = {
    "title": (_l("Thank-you draw for everybody"), _l("Bring friends, win more")),
    "description": (_l("Three winners."), ""),
    "prizes": (_l("Red packet*3"), _l("First prize*1; 100 credits*5=100")),
    "max_entries": ("", "200"),
    "channels": ("", "t.me/your_channel"),
    "publish_to": ("t.me/your_channel", ""),
    "claim_hours": ("48", ""),
}


class BulkForm(AdminForm):
    """A file, and the bot that all of its lotteries belong to."""

    bot_id = bot_field()
    file = FileField(_l("CSV file"), render_kw={"accept": ".csv,text/csv"})

    def raw(self) -> bytes:
        """The file's bytes, one more than allowed where it is too large."""
        found = request.files.get("file")
        return found.stream.read(MAX_BYTES + 1) if found else b""


class LotteryBulkView(PageView):
    """`/admin/lottery-bulk/`."""

    role = Role.MANAGER
    group, menu_of = Group.GROWTH, "lotteries"
    roles: ClassVar[dict[str, Role | None]] = {}

    @expose("/", methods=("GET", "POST"))
    def index_view(self) -> Any:
        """Takes the file and makes drafts of all its lines."""
        found = bots.list_bots(tenant_id(), limit=2)
        form = BulkForm(request.form or None, data={"bot_id": found[0].id if found else None})
        lines: list[Line] = []
        if request.method == "POST" and form.validate():
            try:
                with transaction():
                    made = bulk.create_all(tenant_id(), form.bot_id.data, form.raw())
            except NotFound:
                raise
            except AppError as error:
                refuse(error, form)
                lines = list(error.lines) if isinstance(error, BadRows) else []
            else:
                said = ngettext("%(num)s draft was made.", "%(num)s drafts were made.", len(made))
                flash(said, "success")
                return redirect(url_for("lotteries.index_view", tab="draft"), 303)
        return self.render(
            "admin/lotteries/bulk.html", form=form, bots=found, most=MAX_ROWS, columns=COLUMNS, **shown(lines)
        )

    @expose("/preview/", methods=("POST",))
    def preview(self) -> Any:
        """The file's lines as a table, with what is wrong."""
        form = BulkForm(request.form)
        try:
            lines, error = bulk.preview(tenant_id(), form.raw()), ""
        except NotFound:
            raise
        except AppError as refused:
            lines, error = [], refused.text(str(get_locale()))
        return self.render("admin/lotteries/_bulk.html", error=error, **shown(lines))

    @expose("/sample/")
    def sample(self) -> Any:
        """A file to begin with, in the viewer's language."""
        file = io.StringIO()
        writer = csv.writer(file)
        names = COLUMNS.values() if str(get_locale()) == ZH else COLUMNS
        writer.writerow(names)
        closes = clock.now().astimezone(viewer_zone()) + timedelta(days=7)
        for place in range(2):
            cells = {name: str(texts[place]) for name, texts in SAMPLES.items()}
            cells["closes_at"] = f"{closes:%Y-%m-%d} 20:00"
            writer.writerow([cells.get(name, "") for name in COLUMNS])
        return Response(
            BYTE_ORDER_MARK + file.getvalue(),
            mimetype="text/csv",
            headers={"Content-Disposition": 'attachment; filename="lotteries.csv"'},
        )


def shown(lines: list[Line]) -> dict[str, Any]:
    """What the table needs."""
    locale = str(get_locale())
    return {
        "lines": [(line, line.error.text(locale) if line.error else "") for line in lines],
        "wrong": sum(line.error is not None for line in lines),
    }


def views() -> list[Any]:
    """The views of this feature."""
    return [LotteryBulkView(_l("Create many"), endpoint="lottery_bulk", url="lottery-bulk")]
