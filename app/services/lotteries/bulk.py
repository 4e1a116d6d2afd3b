"""Many lotteries at once, out of a CSV file: looked at first, then all of them made or none."""

from app.domain import lottery_csv
from app.domain.lottery_csv import Line
from app.models import Lottery
from app.services.lotteries import manage
from app.services.lotteries.errors import BadRows
from app.services.lotteries.spec import zone


def preview(tenant_id: int, raw: bytes) -> list[Line]:
    """What the file holds, line by line, with what is wrong. Raises BadFile."""
    return lottery_csv.parse(raw, tz=zone(tenant_id))


def create_all(tenant_id: int, bot_id: int, raw: bytes) -> list[Lottery]:
    """Drafts of all lotteries of the file. Raises BadFile, BadRows when any line is wrong, BotGone, NotFound."""
    lines = preview(tenant_id, raw)
    wrong = [line for line in lines if line.error]
    if wrong:
        raise BadRows(wrong)
    return [manage.create(tenant_id, bot_id, line.spec) for line in lines if line.spec]
