"""More tickets for credits. A purchase names how many the entrant had bought before, so that it can't happen twice."""

from dataclasses import dataclass

from sqlalchemy import text

from app.core.db import db
from app.core.errors import Conflict
from app.core.i18n import N_
from app.domain.credits import LOTTERY
from app.services import credits  # noqa: A004 - ours, not Python's
from app.services.lotteries.entries import lock_open
from app.services.lotteries.standing import Standing

_BUY = text("""
UPDATE lottery_entry SET bought = bought + :count, paid = paid + :price
WHERE lottery_id = :lottery_id AND telegram_id = :telegram_id AND bought = :had RETURNING id
""")


class NoTickets(Conflict):
    code = "no_tickets"
    message = N_("You cannot get more tickets in this lottery.")


@dataclass(frozen=True, slots=True)
class Bought:
    """Tickets bought so far, all that he holds now, the credits that are left. `again` = it had happened before."""

    bought: int
    weight: int
    balance: int
    again: bool = False


def on_offer(found: Standing) -> int:
    """How many tickets an entrant may buy now; 0 where they are not sold, or he holds as many as anybody may."""
    if found.entry is None or not found.tickets.price:
        return 0
    return max(0, found.tickets.most - found.weight)


def buy(lottery_id: int, telegram_id: int, *, had: int, count: int = 1) -> Bought:
    """Buys `count` tickets for somebody who had bought `had` when he was asked. Needs a transaction.

    Raises LotteryClosed, NoTickets, InsufficientCredits.
    """
    found = lock_open(lottery_id, telegram_id)
    if found.entry is None:
        raise NoTickets
    if found.entry.bought != had:
        return _bought(found, again=True)
    if not 0 < count <= on_offer(found):
        raise NoTickets
    price = found.tickets.price * count
    values = {
        "lottery_id": lottery_id,
        "telegram_id": telegram_id,
        "had": had,
        "count": count,
        "price": price,
    }
    if db.session.execute(_BUY, values).first() is None:
        # Another press was quicker; what that one did counts.
        return _bought(lock_open(lottery_id, telegram_id), again=True)
    reference = f"lottery:{lottery_id}:ticket:{telegram_id}:{had + 1}"
    credits.post(
        found.tenant_id, telegram_id, -price, source=LOTTERY, reference=reference, reason=found.title
    )
    return _bought(lock_open(lottery_id, telegram_id))


def _bought(found: Standing, *, again: bool = False) -> Bought:
    bought = found.entry.bought if found.entry else 0
    return Bought(bought, found.weight, found.known.balance, again)
