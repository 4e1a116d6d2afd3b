"""Entrants and winners of a lottery as files."""

from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO, Any, ClassVar, cast

from flask import redirect, request, send_file, url_for
from flask_admin import expose
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l

from admin.base import PageView
from admin.lottery_parts import chosen_lottery
from admin.menu import Group
from app.core.errors import NotFound
from app.core.queue import transaction
from app.domain.people import Role
from app.services import audit
from app.services.lotteries import exports
from app.services.lotteries.exports import Format, What


class LotteryFilesView(PageView):
    """`/admin/lottery-files/`."""

    role = Role.MANAGER
    group, menu_of = Group.GROWTH, "lotteries"
    roles: ClassVar[dict[str, Role | None]] = {}

    @expose("/")
    def index_view(self) -> Any:
        """Files have no page of their own."""
        return redirect(url_for("lotteries.index_view"))

    @expose("/entries/")
    def entries(self) -> Any:
        """Everybody who joined."""
        return _file(What.ENTRIES)

    @expose("/winners/")
    def winners(self) -> Any:
        """Everybody who holds or held a prize."""
        return _file(What.WINNERS)


def _file(what: What) -> Any:
    if request.args.get("kind") not in list(Format):
        raise NotFound
    kind = Format(request.args["kind"])
    with transaction(), ExitStack() as stack:
        lottery = chosen_lottery()
        # On the disk, so that a million rows need no memory; the answer closes it.
        file: IO[bytes] = stack.enter_context(cast("IO[bytes]", TemporaryFile()))  # noqa: SIM115
        exports.write(lottery, what, kind, file, str(get_locale()))
        # Whoever takes the list of entrants along is named in the log.
        audit.record(lottery.tenant_id, "lottery.exported", ("lottery", lottery.id, lottery.title))
        stack.pop_all()
    file.seek(0)
    answer = send_file(
        file,
        mimetype=exports.MIME_TYPES[kind],
        as_attachment=True,
        download_name=exports.file_name(lottery, what, kind),
        max_age=0,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def views() -> list[Any]:
    """The views of this feature."""
    return [LotteryFilesView(_l("Exports"), endpoint="lottery_files", url="lottery-files")]
