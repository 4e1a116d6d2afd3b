"""What a boss does with a lottery by a button: close, cancel, take back, add entrants, copy the work into a template."""

import re
from typing import Any

from flask import flash
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from admin.acts import act, row_id, sent
from admin.lottery_base import LotteryPart, back
from admin.lottery_parts import chosen_lottery
from app.core.errors import NotFound
from app.core.queue import transaction
from app.domain.people import Role
from app.models import Lottery
from app.services.lotteries import checks, figures, manage, posts

MOST_ADDED = 500


class LotteryActsView(LotteryPart):
    """`/admin/lottery-acts/`: everything here is a POST."""

    role = Role.MANAGER

    @expose("/back-to-draft/", methods=("POST",))
    def back_to_draft(self) -> Any:
        """Takes a scheduled one back."""
        return self.do(lambda lottery: manage.back_to_draft(lottery.id), gettext("It is a draft again."))

    @expose("/close/", methods=("POST",))
    def close(self) -> Any:
        """Ends the taking of entries now."""
        return self.do(lambda lottery: manage.close(lottery.id), gettext("Closed. The draw runs now."))

    @expose("/cancel/", methods=("POST",))
    def cancel(self) -> Any:
        """Ends it without a draw; the reason is public."""
        (reason,) = sent("id", "reason")[1:]
        return self.do(
            lambda lottery: manage.cancel(lottery.id, reason), gettext("The lottery is cancelled."), "reason"
        )

    @expose("/post-again/", methods=("POST",))
    def post_again(self) -> Any:
        """Tries a post that Telegram refused once more."""
        wanted = row_id(sent("id", "post")[1])

        def retry(lottery: Lottery) -> None:
            if wanted not in {post.id for post in posts.list_posts(lottery.id)}:
                raise NotFound
            posts.retry(wanted)

        return self.do(retry, gettext("It is being posted again."), "post")

    @expose("/drop-condition/", methods=("POST",))
    def drop_condition(self) -> Any:
        """Draws without a condition that Telegram does not answer; the reason is public."""
        place, reason = sent("id", "place", "reason")[1:]
        return self.do(
            lambda lottery: checks.drop_condition(lottery.id, row_id(place), reason),
            gettext("The draw goes on without this condition."),
            "place",
            "reason",
        )

    @expose("/add/", methods=("POST",))
    def add(self) -> Any:
        """Enters members by hand; flagged, and their number is public."""
        with transaction():
            lottery = chosen_lottery()
        words = re.split(r"[\s,\uff0c\u3001;\uff1b]+", sent("id", "people")[1])[:MOST_ADDED]
        added: list[manage.AddedByStaff] = []

        def enter() -> None:
            found = figures.find_people(lottery.tenant_id, words)
            added.append(manage.add_by_staff(lottery.id, found))

        if act(enter) and added:
            self._tell(added[0], len(set(filter(None, words))))
        return back(lottery)

    @staticmethod
    def _tell(done: manage.AddedByStaff, asked: int) -> None:
        unknown = asked - done.added - done.already
        said = gettext("Added: %(added)s. In already: %(already)s.", added=done.added, already=done.already)
        if unknown > 0:
            said += " " + gettext("Not known to your bots: %(count)s.", count=unknown)
        flash(said, "warning" if unknown > 0 or not done.added else "success")


def views() -> list[Any]:
    """The views of this feature."""
    return [LotteryActsView(_l("Lotteries"), endpoint="lottery_acts", url="lottery-acts")]
