"""Entrants and winners of a lottery as files."""

from typing import Any

from flask import request
from flask_admin import expose
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l

from admin.exports import download
from admin.lottery_base import LotteryPart
from admin.lottery_parts import chosen_lottery
from app.core.errors import NotFound
from app.core.queue import transaction
from app.domain.people import Role
from app.services import audit
from app.services.lotteries import exports
from app.services.lotteries.exports import Format, What


class LotteryFilesView(LotteryPart):
    """`/admin/lottery-files/`."""

    role = Role.MANAGER

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
    with transaction():
        lottery = chosen_lottery()
        # Whoever takes the list of entrants along is named in the log.
        audit.record(lottery.tenant_id, "lottery.exported", ("lottery", lottery.id, lottery.title))
        return download(
            lambda file: exports.write(lottery, what, kind, file, str(get_locale())),
            exports.MIME_TYPES[kind],
            exports.file_name(lottery, what, kind),
        )


def views() -> list[Any]:
    """The views of this feature."""
    return [LotteryFilesView(_l("Exports"), endpoint="lottery_files", url="lottery-files")]
