"""When something that repeats every day or every week comes next, by the clock on the boss's wall."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum

DAY_MINUTES = 24 * 60
_LONGEST = 16
"""Days in which a weekly turn comes for certain, also where a calendar leaves a day out."""


class Repeat(StrEnum):
    NEVER = ""
    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Daily, or weekly on `weekday` (0 is Monday), at `at_minute` of the day in zone `tz`.

    There is one turn a day whatever the clocks do: an hour that comes twice counts the first time, and a time that
    is left out comes as much later as the clocks jump.
    """

    repeat: Repeat
    at_minute: int
    weekday: int
    tz: tzinfo

    def next(self, after: datetime) -> datetime:
        """The first turn after `after`, in UTC."""
        day = (after.astimezone(self.tz) - timedelta(days=1)).date()
        for _ in range(_LONGEST):
            wall = datetime.combine(day, time(*divmod(self.at_minute, 60)), self.tz)
            turn = wall.astimezone(UTC)
            if turn > after and (self.repeat is Repeat.DAILY or day.weekday() == self.weekday):
                return turn
            day += timedelta(days=1)
        raise ValueError(f"no turn after {after}")

    def latest(self, first: datetime, at: datetime) -> datetime:
        """The last turn that has come by `at`; `first` is one that has come."""
        back = at - timedelta(days=2 if self.repeat is Repeat.DAILY else 14)
        turn = max(first, self.next(back))
        while (following := self.next(turn)) <= at:
            turn = following
        return turn
