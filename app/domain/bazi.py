"""A birth chart (八字, four pillars) as data, whoever calculated it, and the text of a report about it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final, Self

SECTIONS: Final = (
    "overview",
    "personality",
    "career",
    "wealth",
    "love",
    "health",
    "decades",
    "year",
    "advice",
)
"""The chapters of every report, in their order; each is there and none else."""
ELEMENTS: Final = "木火土金水"


class Sex(StrEnum):
    MALE = "male"
    FEMALE = "female"


class Calendar(StrEnum):
    SOLAR = "solar"
    LUNAR = "lunar"


class ChartSource(StrEnum):
    """Who calculated the chart."""

    YUANFENJU = "yuanfenju"
    BUILT_IN = "built_in"


class TextSource(StrEnum):
    """Who wrote the text."""

    DEEPSEEK = "deepseek"
    BUILT_IN = "built_in"


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody was born. `longitude` and `latitude` in degrees, east and north positive; `zone` is an IANA name."""

    name: str
    longitude: float
    latitude: float
    zone: str


@dataclass(frozen=True, slots=True)
class Birth:
    """What a buyer told, checked. `year`, `month`, `day` are in `calendar`; a lunar leap month has `leap`.

    `hour` is None when he does not know it; the chart then has three pillars.
    """

    name: str
    sex: Sex
    calendar: Calendar
    year: int
    month: int
    day: int
    leap: bool = False
    hour: int | None = None
    minute: int = 0
    place: Place | None = None
    exact: bool = True
    """False where only the double hour is known; `hour` and `minute` are then its middle."""


@dataclass(frozen=True, slots=True)
class School:
    """What astrologers differ about. `late_zi_next_day`: after 23:00 the next day's pillar counts."""

    late_zi_next_day: bool = False
    true_solar_time: bool = False


@dataclass(frozen=True, slots=True)
class Pillar:
    """One of the four. `stem_god` is empty for the day's own stem; `hidden` are the stems in the branch."""

    stem: str
    branch: str
    stem_god: str = ""
    hidden: tuple[str, ...] = ()
    hidden_gods: tuple[str, ...] = ()
    na_yin: str = ""
    stage: str = ""
    """The day stem's stage of life (长生 and so on) in this branch."""

    def __str__(self) -> str:
        return self.stem + self.branch


@dataclass(frozen=True, slots=True)
class Decade:
    """Ten years of luck, from `age` (the first year is 1) and the calendar year `year`."""

    age: int
    year: int
    pillar: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A complete chart. `hour` is None when the hour is unknown. `elements` are weights in percent, by element."""

    source: ChartSource
    sex: Sex
    solar: str
    """The moment of birth that was reckoned with, `1988-11-08 12:20`, after any correction for true solar time."""
    clock: str
    """The moment as the clock on the wall showed it."""
    lunar: str
    """The lunar date in Chinese words."""
    zodiac: str
    year: Pillar
    month: Pillar
    day: Pillar
    hour: Pillar | None
    elements: Mapping[str, int]
    strength: str = ""
    """How strong the day's stem is: 偏强, 偏弱 or 中和."""
    favourable: tuple[str, ...] = ()
    """Elements that help."""
    void: str = ""
    """The day's empty branches (空亡)."""
    luck_start: str = ""
    """When the first decade begins, in Chinese words."""
    decades: tuple[Decade, ...] = ()
    notes: tuple[str, ...] = field(default=())
    """What a reader should know of how it was reckoned, in Chinese."""

    @property
    def pillars(self) -> tuple[Pillar, ...]:
        """Year, month, day and, where it is known, hour."""
        three = (self.year, self.month, self.day)
        return three if self.hour is None else (*three, self.hour)

    def to_json(self) -> dict[str, Any]:
        """Plain data for the database."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        pillars = {name: _pillar(data[name]) for name in ("year", "month", "day", "hour")}
        rest = {
            "source": ChartSource(data["source"]),
            "sex": Sex(data["sex"]),
            "favourable": tuple(data["favourable"]),
            "decades": tuple(Decade(**one) for one in data["decades"]),
            "notes": tuple(data["notes"]),
        }
        return cls(**{**data, **pillars, **rest})


def _pillar(data: Mapping[str, Any] | None) -> Pillar | None:
    if data is None:
        return None
    lists = {"hidden": tuple(data["hidden"]), "hidden_gods": tuple(data["hidden_gods"])}
    return Pillar(**{**data, **lists})


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter: its key from SECTIONS, its title, and paragraphs of plain text."""

    key: str
    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportText:
    """The text of a report, every chapter of SECTIONS once and in order. `usage` is what it cost, in tokens."""

    source: TextSource
    locale: str
    sections: tuple[Section, ...]
    model: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data for the database."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        sections = tuple(
            Section(one["key"], one["title"], tuple(one["paragraphs"])) for one in data["sections"]
        )
        return cls(TextSource(data["source"]), data["locale"], sections, data["model"], data["usage"])
