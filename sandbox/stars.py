"""Telegram Stars: invoices, checkouts that wait for the bot's word, and the bots' transactions."""

import asyncio
import secrets
from dataclasses import asdict, dataclass, field

from sandbox.shapes import Json

CURRENCY = "XTR"
# How long a bot may think about a checkout.
PATIENCE = 10.0


@dataclass(slots=True)
class Offer:
    """What an invoice asks for. `payload` is for the bot only; an invoice in a chat can be paid once."""

    bot_id: int
    title: str
    description: str
    payload: str
    amount: int
    paid: bool = False


@dataclass(slots=True)
class Movement:
    """Stars that came (or went back) with the id that both have in common."""

    charge: str
    person_id: int
    payload: str
    amount: int
    at: int
    is_refund: bool = False


@dataclass(slots=True)
class Checkout:
    """A payer waits: the bot's answer is "" for yes, else what it tells him."""

    bot_id: int
    expires_at: float
    answer: "asyncio.Future[str]"


@dataclass(slots=True)
class Stars:
    """All of it. Invoices in chats go by (bot, chat, message), those of links by the link's last part."""

    messages: dict[tuple[int, int, int], Offer] = field(default_factory=dict)
    links: dict[str, Offer] = field(default_factory=dict)
    checkouts: dict[str, Checkout] = field(default_factory=dict)
    movements: dict[int, list[Movement]] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget everything."""
        self.messages.clear()
        self.links.clear()
        self.checkouts.clear()
        self.movements.clear()

    def add_link(self, offer: Offer) -> str:
        """A new link's last part."""
        slug = secrets.token_urlsafe(16)
        self.links[slug] = offer
        return slug

    def book(self, bot_id: int, movement: Movement) -> None:
        """Note that Stars moved; the newest comes last."""
        self.movements.setdefault(bot_id, []).append(movement)

    def of_bot(self, bot_id: int) -> list[Movement]:
        """A bot's movements, the oldest first."""
        return self.movements.get(bot_id, [])

    def snapshot(self) -> Json:
        """What survives a restart; checkouts under way do not."""
        return {
            "messages": [[*key, asdict(one)] for key, one in self.messages.items()],
            "links": {slug: asdict(one) for slug, one in self.links.items()},
            "movements": [[bot_id, asdict(one)] for bot_id, some in self.movements.items() for one in some],
        }

    def restore(self, kept: Json) -> None:
        """Take back a snapshot."""
        self.messages = {(bot, chat, number): Offer(**one) for bot, chat, number, one in kept["messages"]}
        self.links = {slug: Offer(**one) for slug, one in kept["links"].items()}
        for bot_id, one in kept["movements"]:
            self.book(bot_id, Movement(**one))


def new_charge() -> str:
    """An id as Telegram gives payments in Stars."""
    return f"stx{secrets.token_urlsafe(60)}"
