"""What the sun's clock showed at a birth: zones with their history, summer time, longitude, equation of time.

The convention of this program:

- The clock on the wall is read in the zone of the place; without a place it is China's. The zone's history is that
  of the IANA data, so summer time (in China 1986-1991, and 1940-1949 as far as those data know) is taken off.
- The moment in Beijing's standard time (UTC+8) decides the year's and the month's pillar, because the solar terms
  are moments of the whole world and their tables are in that time.
- The day's and the hour's pillar follow the sky above the place: its standard time, or its true solar time where
  the school asks for it and the place is known: UTC + 4 minutes for each degree of longitude + the equation of time.
- A double hour that was told without a time of the clock is taken as told: nobody knows what to correct.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

from app.domain.bazi import Birth, School
from app.domain.bazi_dates import BirthDate, solar_date

CHINA: Final = "Asia/Shanghai"
BEIJING: Final = timezone(timedelta(hours=8))
NOON: Final = time(12)
"""Stands for an unknown hour."""


@dataclass(frozen=True, slots=True)
class Moments:
    """One birth on three clocks, all without a zone."""

    clock: datetime
    """On the wall."""
    beijing: datetime
    """In China's standard time: decides the year and the month."""
    local: datetime
    """By the sky above the place: decides the day and the hour."""
    summer: timedelta
    """The summer time that the wall's clock had and that was taken off."""
    true_solar: bool
    """Whether `local` is true solar time."""


def moments(birth: Birth, school: School) -> Moments:
    """The birth on the three clocks. Raises BadInput where the date does not exist."""
    given = BirthDate(year=birth.year, month=birth.month, day=birth.day, leap=birth.leap)
    told = NOON if birth.hour is None else time(birth.hour, birth.minute)
    clock = datetime.combine(solar_date(given, birth.calendar), told)
    zone = ZoneInfo(birth.place.zone if birth.place else CHINA)
    aware = clock.replace(tzinfo=zone)
    # Where winter is written as negative summer time (Prague 1946), nothing is to be taken off.
    summer = max(aware.dst() or timedelta(0), timedelta(0))
    if birth.hour is None or not birth.exact:
        # The hour as told belongs to the sky; only the moment in Beijing follows from it.
        offset = (aware.utcoffset() or timedelta(0)) - summer
        return Moments(clock, _plain(clock - offset + timedelta(hours=8)), clock, summer, true_solar=False)
    utc = aware.astimezone(UTC)
    beijing = _plain(utc.astimezone(BEIJING))
    if school.true_solar_time and birth.place is not None:
        return Moments(clock, beijing, true_solar(utc, birth.place.longitude), summer, true_solar=True)
    return Moments(clock, beijing, clock - summer, summer, true_solar=False)


def true_solar(utc: datetime, longitude: float) -> datetime:
    """The sundial's time at that longitude, to the second, without a zone."""
    minutes = 4 * longitude + equation_of_time(utc)
    return _plain(utc + timedelta(minutes=minutes)).replace(microsecond=0)


def equation_of_time(utc: datetime) -> float:
    """Minutes by which the sundial is ahead of the mean sun: -14.2 in mid-February, +16.4 in early November.

    Meeus, Astronomical Algorithms, chapters 25 and 28, as used in NOAA's solar calculator; good to a few seconds.
    """
    centuries = ((utc - datetime(2000, 1, 1, 12, tzinfo=UTC)) / timedelta(days=1)) / 36525
    longitude = math.radians((280.46646 + centuries * (36000.76983 + centuries * 0.0003032)) % 360)
    anomaly = math.radians(357.52911 + centuries * (35999.05029 - 0.0001537 * centuries))
    eccentricity = 0.016708634 - centuries * (0.000042037 + 0.0000001267 * centuries)
    tilt = math.radians(23.439291 - 0.0130042 * centuries)
    y = math.tan(tilt / 2) ** 2
    radians = (
        y * math.sin(2 * longitude)
        - 2 * eccentricity * math.sin(anomaly)
        + 4 * eccentricity * y * math.sin(anomaly) * math.cos(2 * longitude)
        - 0.5 * y * y * math.sin(4 * longitude)
        - 1.25 * eccentricity * eccentricity * math.sin(2 * anomaly)
    )
    return 4 * math.degrees(radians)


def _plain(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)
