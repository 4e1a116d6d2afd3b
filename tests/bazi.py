"""Births for the tests of charts and reports."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from app.domain.bazi import Birth, Calendar, Chart, School, Sex
from app.domain.bazi_builtin import chart_of
from app.domain.places import find_places
from app.services.service_accounts import Prices

TODAY = date(2026, 11, 20)


def born(
    moment: str, *, sex: Sex = Sex.MALE, place: str = "", exact: bool = True, name: str = "张伟"
) -> Birth:
    """A birth at `1990-05-17 08:30`, or on a day whose hour nobody knows."""
    known = len(moment) > 10
    at = datetime.fromisoformat(moment)
    return Birth(
        name=name,
        sex=sex,
        calendar=Calendar.SOLAR,
        year=at.year,
        month=at.month,
        day=at.day,
        hour=at.hour if known else None,
        minute=at.minute,
        place=find_places(place)[0] if place else None,
        exact=exact,
    )


def pillars(birth: Birth, school: School | None = None) -> str:
    """The pillars as one text."""
    return shown(chart_of(birth, school or School()))


def shown(chart: Chart) -> str:
    return " ".join(map(str, chart.pillars))


@dataclass(frozen=True)
class Key:
    """An account at a service that listens at `url`."""

    url: str
    key: str = "secret-key"
    model: str = "deepseek-flash"
    prices: Prices = field(default_factory=lambda: Prices(Decimal("0.30"), Decimal("0.06"), Decimal("1.20")))
    own: bool = True
