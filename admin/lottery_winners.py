"""Prizes after the draw: handed over, not handed over after all, drawn again."""

from typing import Any, ClassVar

from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from admin.acts import row_id, sent
from admin.lottery_base import LotteryPart
from app.domain.people import Role
from app.services.lotteries import winners


class LotteryWinnersView(LotteryPart):
    """`/admin/lottery-winners/`: everything here is a POST."""

    role = Role.SUPPORT
    roles: ClassVar[dict[str, Role | None]] = {"redraw": Role.MANAGER}

    @expose("/hand-over/", methods=("POST",))
    def hand_over(self) -> Any:
        """The winner has his prize; the note is the boss's own."""
        slot, note = sent("id", "slot", "note")[1:]
        return self.do(
            lambda lottery: winners.hand_over(lottery.id, row_id(slot), note),
            gettext("Marked as handed over."),
            "slot",
            "note",
        )

    @expose("/undo/", methods=("POST",))
    def undo(self) -> Any:
        """He has not, after all."""
        slot = row_id(sent("id", "slot")[1])
        return self.do(
            lambda lottery: winners.undo_hand_over(lottery.id, slot),
            gettext("Marked as not handed over."),
            "slot",
        )

    @expose("/redraw/", methods=("POST",))
    def redraw(self) -> Any:
        """An unclaimed prize goes to the next in the draw's order; public, with the reason."""
        slot, reason = sent("id", "slot", "reason")[1:]
        return self.do(
            lambda lottery: winners.redraw(lottery.id, row_id(slot), reason),
            gettext("The prize is being drawn again."),
            "slot",
            "reason",
        )


def views() -> list[Any]:
    """The views of this feature."""
    return [LotteryWinnersView(_l("Winners"), endpoint="lottery_winners", url="lottery-winners")]
