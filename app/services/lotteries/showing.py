"""Cards and results of lotteries that are in the database."""

from datetime import datetime

from sqlalchemy import select

from app.core.db import db
from app.core.settings import get_settings
from app.domain.lotteries import LotteryState, WinnerState
from app.domain.sending import MAX_CAPTION, MAX_TEXT
from app.domain.wording import Place
from app.models import Bot, Lottery, LotteryDraw, LotteryPrize, LotteryWinner, Member, Tenant
from app.services.lotteries import cards, lookup, spec
from app.services.lotteries.cards import Facts, Won

_CLOSED = frozenset({LotteryState.DRAWING, LotteryState.DRAWN})


def public_link(code: str) -> str:
    """The address of a lottery's public page; empty where the platform has none."""
    base = get_settings().public_url
    return f"{base}/l/{code}" if base else ""


def place_of(lottery: Lottery) -> Place:
    """The language and zone of a lottery's posts: the bot's language, else the tenant's."""
    query = (
        select(Bot.locale, Tenant.locale, Tenant.timezone)
        .join(Tenant, Tenant.id == Bot.tenant_id)
        .where(Bot.id == lottery.bot_id)
    )
    own, common, zone = db.session.execute(query).one()
    return Place(own or common, zone)


def card_of(lottery: Lottery, place: Place, *, now: datetime | None = None, caption: bool = False) -> str:
    """The card of a lottery as it is. `now` lets it say how much time is left; `caption` = it stands under a picture."""
    return card_with(lottery, lookup.entry_count(lottery.id), place, now=now, caption=caption)


def card_with(
    lottery: Lottery, entries: int, place: Place, *, now: datetime | None = None, caption: bool = False
) -> str:
    """The same for a count that is known already."""
    facts = Facts(
        state=lottery.state,
        entries=entries,
        commitment=lottery.commitment,
        root=root_of(lottery),
        link=public_link(lottery.code),
        now=now,
        cancel_reason=lottery.cancel_reason or "",
    )
    limit = MAX_CAPTION if caption else MAX_TEXT
    return cards.card(spec.of(lottery, lookup.prizes(lottery.id)), facts, place, limit)


def root_of(lottery: Lottery) -> str:
    """The root of the sealed list; empty before the closing."""
    if lottery.state not in _CLOSED:
        return ""
    query = select(LotteryDraw.root).where(LotteryDraw.lottery_id == lottery.id)
    return db.session.scalar(query) or ""


def result_of(lottery: Lottery, place: Place) -> str:
    """Who holds the prizes now, masked."""
    names: dict[int, list[str]] = {}
    for prize_id, name in _holders(lottery):
        names.setdefault(prize_id, []).append(name)
    prizes = lookup.prizes(lottery.id)
    won = [
        Won(one, names.get(row.id, []))
        for row, one in zip(prizes, spec.of(lottery, prizes).prizes, strict=True)
    ]
    entries = lookup.entry_count(lottery.id)
    return cards.result(lottery.title, won, entries, place, public_link(lottery.code))


def _holders(lottery: Lottery) -> list[tuple[int, str]]:
    """(prize, first name) in the order of the slots."""
    query = (
        select(LotteryPrize.id, Member.first_name)
        .select_from(LotteryWinner)
        .join(LotteryPrize, LotteryPrize.id == LotteryWinner.prize_id)
        .outerjoin(
            Member,
            (Member.tenant_id == LotteryWinner.tenant_id) & (Member.telegram_id == LotteryWinner.telegram_id),
        )
        .where(LotteryWinner.lottery_id == lottery.id, LotteryWinner.state != WinnerState.REPLACED)
        .order_by(LotteryWinner.slot)
    )
    return [(prize_id, name or "") for prize_id, name in db.session.execute(query)]
