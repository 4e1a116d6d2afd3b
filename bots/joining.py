"""Joining a lottery from a chat: look (commit), ask Telegram with no connection held, join (commit)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from app.core import clock
from app.core.errors import AppError, NotFound
from app.core.i18n import N_
from app.core.tenancy import plans_kept
from app.domain.bots import BotConfig, BotState
from app.domain.lotteries import ConditionKind
from app.services import directory
from app.services.lotteries import blind_chats, entries, standing
from app.services.lotteries.conditions import Checked, Missing, Result
from app.services.lotteries.entries import Joined
from app.services.lotteries.errors import AlreadyJoined, ConditionUnavailable, LotteryClosed, LotteryFull
from app.services.lotteries.standing import Standing
from bots.context import Context
from bots.telegram import membership

T = TypeVar("T")
WELCOME = N_("🎉 You are in! The draw is at %(time)s. Good luck!")
BLIND = N_(
    "The bot cannot check one of the conditions right now. Its owner has been told; please try again later."
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the press: what to tell him, and each condition where they were asked. `joined` = he is in."""

    note: str
    checked: Sequence[Checked] = ()
    joined: bool = False


def look_and_join(ctx: Context, code: str) -> tuple[Standing, Outcome]:
    """Joins by the code of a lottery; in one transaction where nobody outside has to be asked, as in a rush.

    Raises NotFound.
    """
    found: Standing | None = None
    try:
        with plans_kept(), ctx.transaction():
            found = standing.lock_by_code(code, ctx.person.telegram_id)
            if found is None:
                raise NotFound
            done = None if _asks_outside(found) else _enter_at_once(ctx, found)
    except AppError as error:
        if found is None:
            raise
        return found, _refused(ctx, error)
    return found, _welcome(ctx, found, done) if done else join(ctx, found)


def join(ctx: Context, found: Standing) -> Outcome:
    """Joins for the person; pressing again, or the same press once more, changes nothing. Sends nothing to him."""
    try:
        _refuse_early(found)
        results, boosts = ask(ctx, found), count_boosts(ctx, found)
        with plans_kept(), ctx.transaction():
            done = entries.join(found.lottery_id, found.telegram_id, ctx.config.id, results, boosts)
    except AppError as error:
        return _refused(ctx, error)
    return _welcome(ctx, found, done)


def _asks_outside(found: Standing) -> bool:
    kinds = {condition.kind for condition in found.conditions}
    return ConditionKind.CHANNEL in kinds or bool(found.tickets.per_boost)


def _enter_at_once(ctx: Context, found: Standing) -> Joined:
    _refuse_early(found)
    return entries.enter(found, ctx.config.id, {})


def _welcome(ctx: Context, found: Standing, done: Joined) -> Outcome:
    time = ctx.place.time(found.closes_at)
    return Outcome(ctx.t(WELCOME, time=time), done.checked, joined=True)


def _refused(ctx: Context, error: AppError) -> Outcome:
    """What he is told. Raises what may be different in a moment."""
    if isinstance(error, AlreadyJoined):
        return Outcome(error.text(ctx.locale), joined=True)
    if isinstance(error, Missing):
        return Outcome(error.text(ctx.locale), error.checked)
    if isinstance(error, ConditionUnavailable):
        return Outcome(ctx.t(BLIND))
    if error.retryable:
        raise error
    return Outcome(error.text(ctx.locale))


def ask(ctx: Context, found: Standing) -> dict[int, Result]:
    """Asks Telegram about the channels. No transaction may be open. Raises ConditionUnavailable."""
    return {
        place: (
            _see(ctx, found, membership.is_member_now, condition.chat),
            int(clock.now().timestamp()),
        )
        for place, condition in enumerate(found.conditions)
        if condition.kind is ConditionKind.CHANNEL
    }


def count_boosts(ctx: Context, found: Standing) -> int:
    """How often the person boosts the channel; 0 where that gives no tickets, or Telegram does not tell the bot."""
    if not found.tickets.per_boost:
        return 0
    try:
        return _see(ctx, found, membership.boosts, found.tickets.boost_chat)
    except ConditionUnavailable:
        return 0


def _see(ctx: Context, found: Standing, ask: Callable[[BotConfig, str, int], T], chat: str) -> T:
    """Asks; where Telegram does not tell the bot, the boss hears of it."""
    try:
        return ask(_in_the_channels(ctx, found), chat, found.telegram_id)
    except ConditionUnavailable:
        if blind_chats.note(found.lottery_id, chat):
            with ctx.transaction():
                blind_chats.tell(found, ctx.config.id, chat)
        raise


def _in_the_channels(ctx: Context, found: Standing) -> BotConfig:
    """The lottery's own bot, as at the draw; where that one is silent the one that was pressed may be in there too."""
    own = directory.find(found.bot_id)
    if own is None or not own.enabled or own.state is BotState.REVOKED:
        return ctx.config
    return own


def _refuse_early(found: Standing) -> None:
    """What is plain to see needs no questions to Telegram; the second look, under the lock, is the one that counts."""
    if found.entry is not None:
        raise AlreadyJoined
    if not found.takes_entries:
        raise LotteryClosed
    if found.is_full:
        raise LotteryFull
