"""The days that figures are of: whole days of the tenant's calendar, the last one being today."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from app.core import clock

CHOICES: Final = (7, 30, 90)


@dataclass(frozen=True, slots=True)
class Span:
    """From the first to the last day of a zone. `since` is the moment at which the first begins."""

    zone: str
    first: date
    last: date
    since: datetime

    @property
    def days(self) -> list[date]:
        """Every day, the first one first."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    @property
    def values(self) -> dict[str, object]:
        """As the statements name them."""
        return {"zone": self.zone, "first": self.first, "last": self.last, "since": self.since}


def span(zone: str, count: int) -> Span:
    """The last `count` days, today with them."""
    last = clock.now().astimezone(ZoneInfo(zone)).date()
    first = last - timedelta(days=count - 1)
    return Span(zone, first, last, datetime.combine(first, time(), ZoneInfo(zone)))
