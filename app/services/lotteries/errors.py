"""What can go wrong with a lottery, for the boss and for who joins."""

from collections.abc import Mapping, Sequence

from app.core.errors import AppError, BadInput, Conflict, Unavailable
from app.core.i18n import N_, translate
from app.domain.lotteries import Condition, LotteryState
from app.domain.lottery_csv import Line
from app.domain.lottery_fields import BadSpec

__all__ = [
    "AlreadyJoined",
    "BadReason",
    "BadRows",
    "BadSpec",
    "BotGone",
    "BotStopped",
    "ConditionMissing",
    "ConditionUnavailable",
    "IllegalMove",
    "LotteryClosed",
    "LotteryFull",
    "PostsRefused",
    "TooLate",
]

_STATES: Mapping[LotteryState, str] = {
    LotteryState.DRAFT: N_("This is not possible: the lottery is still a draft."),
    LotteryState.SCHEDULED: N_("This is not possible: the lottery is published and waits for its opening."),
    LotteryState.OPEN: N_("This is not possible: the lottery is open."),
    LotteryState.DRAWING: N_("This is not possible any more: the lottery is being drawn."),
    LotteryState.DRAWN: N_("This is not possible any more: the lottery has been drawn."),
    LotteryState.CANCELLED: N_("This is not possible any more: the lottery was cancelled."),
}


class IllegalMove(Conflict):
    """The lottery is in a state that this can't be done from; nothing was changed."""

    code = "illegal_move"

    def __init__(self, state: LotteryState) -> None:
        self.state = state
        super().__init__(_STATES[state])


class TooLate(Conflict):
    code = "too_late"
    message = N_("The closing time has passed. Choose a later one.")


class BotGone(Conflict):
    code = "bot_gone"
    message = N_("The bot of this lottery was removed. Choose another bot.")


class BotStopped(Conflict):
    code = "bot_stopped"
    message = N_("The bot %(bot)s does not run. Start it first.")


class BadReason(BadInput):
    code = "bad_reason"
    message = N_("Please give a reason of 1 to %(most)s characters. Everybody can read it.")


class BadRows(BadInput):
    """Some lines of a file are wrong, so nothing was made; `lines` are those."""

    code = "bad_rows"
    message = N_(
        "%(count)s lines of the file are wrong, so nothing was created. The first is line %(line)s: %(problem)s"
    )

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = tuple(lines)
        super().__init__(count=len(lines), line=lines[0].number, problem=str(lines[0].error))

    def text(self, locale: str) -> str:
        """With the first line's problem in the same language."""
        first = self.lines[0]
        params = {**self.params, "problem": first.error.text(locale) if first.error else ""}
        return translate(locale, self.message, **params)


class LotteryClosed(Conflict):
    code = "lottery_closed"
    message = N_("This lottery takes no more entries.")


class LotteryFull(Conflict):
    code = "lottery_full"
    message = N_("This lottery is full.")


class AlreadyJoined(Conflict):
    code = "already_joined"
    message = N_("You have already joined.")


class ConditionMissing(AppError):
    """`conditions` are those that the entrant does not meet yet, in their order."""

    code = "condition_missing"
    status = 403
    message = N_("Something is still missing before you can join.")

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self.conditions = tuple(conditions)
        super().__init__()


class ConditionUnavailable(Unavailable):
    """Telegram does not let the bot see who is in `chat`; the boss has to mend it."""

    code = "condition_unavailable"
    message = N_("The bot cannot see who is in %(chat)s. Make it an administrator there.")


class PostsRefused(Conflict):
    """No chat takes the lottery's post; `message` says why the first one does not."""

    code = "posts_refused"

    def __init__(self, chat: str, message: str, **params: object) -> None:
        self.chat = chat
        super().__init__(message, **params)

    def text(self, locale: str) -> str:
        """The chat, and what is wrong there."""
        return translate(locale, N_("%(chat)s: %(problem)s"), chat=self.chat, problem=super().text(locale))
