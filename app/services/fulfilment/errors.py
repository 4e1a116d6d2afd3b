"""Why an order waits or has failed, and how its work ends early."""

from enum import StrEnum


class Reason(StrEnum):
    """A code that stays with the order (`Order.error`) and in its history; pages translate it."""

    NOT_CONFIRMED = "not_confirmed"
    """The provider does not know the money (yet)."""
    PAYMENT_MISMATCH = "payment_mismatch"
    """The provider says that another amount was paid."""
    SERVICE_DOWN = "service_down"
    SERVICE_REFUSED = "service_refused"
    """The key, the balance or the settings of a service have to be mended first."""
    SPENDING_CAP = "spending_cap"
    SOLD_OUT = "sold_out"
    BROKEN = "broken"
    """Our own code raised an error."""
    KILLED_WORKERS = "killed_workers"
    GAVE_UP = "gave_up"
    """All attempts, or a day, were used up."""
    BLOCKED = "blocked_by_buyer"
    REFUSED = "refused_by_telegram"
    UNCLEAR = "delivery_unclear"
    """Telegram may have it; nobody knows."""
    BOT_GONE = "bot_gone"


class LeaseLost(Exception):
    """Somebody else has the order by now: stop, and undo nothing."""


class NotThere(Exception):
    """Nothing of the kind is kept with the order."""


class Later(Exception):
    """The work cannot go on now. `free` = no attempt is counted, `seconds` None = as long as the attempts say."""

    def __init__(self, reason: Reason, seconds: float | None = None, *, free: bool = False) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.seconds = seconds
        self.free = free


class Away(Later):
    """A service is left alone for a while; all orders that need it wait so long."""

    def __init__(self, service: str, seconds: float) -> None:
        super().__init__(Reason.SERVICE_DOWN, seconds, free=True)
        self.service = service


class Capped(Later):
    """The day's limit of spending is used up, the tenant's or the buyer's (`whose`)."""

    def __init__(self, whose: str, seconds: float) -> None:
        super().__init__(Reason.SPENDING_CAP, seconds, free=True)
        self.whose = whose


class Hopeless(Exception):
    """It will never be delivered. `refund` = the buyer gets his money back."""

    def __init__(self, reason: Reason, *, refund: bool = False) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.refund = refund
