"""Shops in a stack: bosses with bots and products, buyers, what became of their orders, and what must hold of all."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from tests.e2e.stack import Stack
from tests.faults.asking import Helper
from tests.sandbox_client import Json
from tests.waiting import wait_for

NAME = "Canaryname"
"""What buyers of reports call themselves; it is to be found nowhere but in PostgreSQL and at Telegram."""
_SCHEDULED = ("orders.sweep", "payments.ask", "telegram.sweep_outbox")
_EARLIER = (
    "UPDATE orders SET paid_at = paid_at - %s WHERE state IN ('paid', 'generating')",
    "UPDATE orders SET not_before = not_before - %s WHERE state = 'paid'",
    "UPDATE outbox SET not_before = not_before - %s WHERE state = 'queued'",
    "UPDATE payment SET created_at = created_at - %s WHERE query_at IS NOT NULL",
    "UPDATE payment SET query_at = query_at - %s",
    "UPDATE provider_breaker SET probe_at = probe_at - %s",
)


class Buyers(Helper):
    """The process of `buyers.py`."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack, "tests.faults.buyers")


@dataclass
class Shop:
    """A tenant with a bot in webhook mode, its products, and people whom it knows, from `first` on."""

    stack: Stack
    buyers: Buyers
    tenant_id: int
    bot_id: int
    telegram: Json
    goods: int
    report: int
    first: int
    met: int = 0

    def people(self, number: int) -> list[int]:
        """So many who have not ordered yet."""
        found = range(self.first + self.met, self.first + self.met + number)
        self.met += number
        return [*found]

    def order(self, product: int, buyers: Iterable[int]) -> list[int]:
        """They order; ids of the orders."""
        made: list[int] = self.buyers.ask("order", product, self.bot_id, [*buyers], NAME)
        return made

    def ordered(self, product: int, number: int) -> list[int]:
        """So many order, and everybody sees his button."""
        made = self.order(product, self.people(number))
        wait_for(lambda: self._pages(made) == number, seconds=30, what="the buttons")
        return made

    def _pages(self, orders: list[int]) -> int:
        pages = "SELECT count(*) FROM payment WHERE order_id = ANY(%s) AND state = 'open'"
        return int(self.stack.sql(pages, orders)[0][0])

    def pay(self, orders: list[int]) -> None:
        """The buyers pay at PingPong."""
        for reference in self.references(orders):
            self.stack.sandbox.pay(reference)

    def references(self, orders: list[int]) -> list[str]:
        """What the payments are called at PingPong."""
        found = "SELECT reference FROM payment WHERE order_id = ANY(%s) ORDER BY order_id"
        return [row[0] for row in self.stack.sql(found, orders)]

    def buyer(self, order_id: int) -> int:
        """Who ordered."""
        return int(self.stack.sql("SELECT telegram_id FROM orders WHERE id = %s", order_id)[0][0])

    def states(self, orders: list[int]) -> dict[str, int]:
        """Number of orders by state."""
        found = "SELECT state, count(*) FROM orders WHERE id = ANY(%s) GROUP BY state"
        return dict(self.stack.sql(found, orders))

    def wait(self, orders: list[int], state: str = "completed", *, seconds: float = 30) -> None:
        """Until all of them are there."""
        wait_for(
            lambda: self.states(orders) == {state: len(orders)},
            seconds=seconds,
            what=f"{len(orders)} orders to be {state}; they are {self.states(orders)}",
        )

    def texts(self, order_id: int) -> list[str]:
        """What the buyer reads, documents by their captions."""
        return self.stack.sandbox.texts(self.telegram, self.buyer(order_id))

    def brought(self, orders: list[int]) -> set[int]:
        """How many codes and documents the buyers have in their chats, each of the numbers that there are."""
        chats = [self.stack.sandbox.messages(self.telegram, self.buyer(one), limit=500) for one in orders]
        return {sum("document" in one or "CODE-" in one.get("text", "") for one in chat) for chat in chats}

    def let_pass(self, minutes: float) -> None:
        """So much time is over for everything that waits, and what is done now and then is done."""
        for statement in _EARLIER:
            self.stack.sql(statement, timedelta(minutes=minutes))
        self.stack.sql("DELETE FROM cron_run WHERE job = ANY(%s)", [*_SCHEDULED])
        for name in _SCHEDULED:
            self.buyers.ask("ring", name)


def a_shop(stack: Stack, buyers: Buyers, first: int, people: int, stock: int) -> Shop:
    """A new tenant's. What people said before its bot was ours is fetched away, so that nobody is answered."""
    telegram = stack.sandbox.create_bot(f"shop{first}_bot")
    said = stack.sandbox.crowd([telegram["username"]], users=people, text="hi", first_user=first)
    stack.sandbox.api(telegram, "getUpdates", offset=max(said["update_ids"]) + 1, timeout=0)
    made = buyers.ask("open_shop", telegram["token"], stock)
    return Shop(stack, buyers, made["tenant"], made["bot"], telegram, made["goods"], made["report"], first)


# What must hold of all orders, whatever happened; each query names those of which it does not.

BOOKS = {
    "paid by exactly one receipt": """
        SELECT o.id FROM orders o LEFT JOIN payment_receipt r ON r.order_id = o.id AND r.accepted
        WHERE o.state IN ('paid', 'generating', 'completed', 'failed', 'refunded') GROUP BY o.id HAVING count(r.id) <> 1
    """,
    "unpaid without one": """
        SELECT o.id FROM orders o JOIN payment_receipt r ON r.order_id = o.id AND r.accepted
        WHERE o.state IN ('pending', 'expired')
    """,
    "no more goes back than came in": """
        SELECT r.order_id FROM payment_receipt r LEFT JOIN refund f ON f.receipt_id = r.id AND f.state <> 'failed'
        GROUP BY r.id HAVING coalesce(sum(f.amount_minor), 0) > r.amount_minor OR r.refunded_minor > r.amount_minor
    """,
    "a history without gaps": """
        SELECT e.order_id FROM (
            SELECT order_id, id, from_state, lag(to_state) OVER (PARTITION BY order_id ORDER BY id) AS before
            FROM order_event) e
        WHERE e.from_state IS DISTINCT FROM e.before
    """,
    "a history that ends where the order is": """
        SELECT o.id FROM orders o JOIN LATERAL (
            SELECT to_state FROM order_event e WHERE e.order_id = o.id ORDER BY id DESC LIMIT 1) last ON true
        WHERE last.to_state <> o.state
    """,
    "each code sold to one order, and one to each": """
        SELECT i.order_id FROM stock_item i WHERE i.state = 'sold' GROUP BY i.order_id HAVING count(*) <> 1
    """,
    "a commission for whom somebody brought": """
        SELECT o.id FROM orders o LEFT JOIN commission_entry c ON c.order_id = o.id
        WHERE o.state = 'completed' AND o.promoter_id IS NOT NULL GROUP BY o.id
        HAVING coalesce(sum(c.amount), 0) <> 199
    """,
    "balances that are the sum of their entries": """
        SELECT a.id FROM promoter_account a LEFT JOIN commission_entry c ON c.account_id = a.id
        GROUP BY a.id HAVING coalesce(sum(c.amount), 0) <> a.balance
    """,
}


def broken(stack: Stack) -> dict[str, list[int]]:
    """What does not hold, with the orders of which it does not."""
    found = {name: [row[0] for row in stack.sql(query)] for name, query in BOOKS.items()}
    return {name: ids for name, ids in found.items() if ids}
