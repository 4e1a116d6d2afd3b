"""What the views behind a lottery's page share: they have no page and no menu line of their own."""

from collections.abc import Callable
from typing import Any

from flask import redirect, url_for
from flask_admin import expose

from admin.acts import act, sent
from admin.base import PageView
from admin.lottery_parts import chosen_lottery
from admin.menu import Group
from app.core.queue import transaction
from app.models import Lottery


class LotteryPart(PageView):
    """Buttons or files of one lottery, which `id` names."""

    group, menu_of = Group.GROWTH, "lotteries"

    @expose("/")
    def index_view(self) -> Any:
        """Nothing stands here; the list of lotteries does."""
        return redirect(url_for("lotteries.index_view"))

    @staticmethod
    def do(change: Callable[[Lottery], object], said: str, *fields: str) -> Any:
        """Runs a change of one lottery and goes back to its page. The form holds `fields` beside the id."""
        with transaction():
            lottery = chosen_lottery()
        sent("id", *fields)
        act(lambda: change(lottery), said)
        return back(lottery)


def back(lottery: Lottery) -> Any:
    """To the lottery's page."""
    return redirect(url_for("lotteries.details_view", id=lottery.id), 303)
