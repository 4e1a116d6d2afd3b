"""Where people are born: cities with their longitude, latitude and time zone, from `places.csv` beside this file.

A city may be named in Chinese, with or without 市 or its province, in pinyin without tones, or in English.
"""

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from app.core.errors import BadInput
from app.core.i18n import N_
from app.domain.bazi import Place

FILE: Final = Path(__file__).with_name("places.csv")
MOST: Final = 8
"""So many buttons are offered where a name means several places."""
MAX_LENGTH: Final = 60
_SUFFIX: Final = re.compile(r"(?:特别行政区|特別行政區|自治州|地区|市|盟|州|县|city)$")


class PlaceUnknown(BadInput):
    code = "place_unknown"
    message = N_(
        "I do not know this place. Please write the nearest larger city, in Chinese or English, for example 北京 or "
        "London; or skip the question."
    )


@dataclass(frozen=True, slots=True)
class _Row:
    place: Place
    keys: tuple[str, ...]
    """Every way to write the city's name."""
    regions: tuple[str, ...]

    @property
    def with_region(self) -> set[str]:
        """Both in one word, either first."""
        both = {(key, region) for key in self.keys for region in self.regions}
        return {key + region for key, region in both} | {region + key for key, region in both}


def find_places(text: str) -> list[Place]:
    """The places of that name; several where the name is not enough. Raises PlaceUnknown."""
    wanted = _key(text[:MAX_LENGTH])
    names = _names()
    found = names.get(wanted) or names.get(_SUFFIX.sub("", wanted)) or _inside(text[:MAX_LENGTH])
    if not found:
        raise PlaceUnknown
    return [each.place for each in found[:MOST]]


def _inside(text: str) -> Sequence[_Row]:
    """Cities named in a longer text: 广东省深圳市南山区, London (Canada), Shenzhen Guangdong; or a region's cities."""
    text = unicodedata.normalize("NFKC", text)
    whole = _key(text)
    found = [row for part in re.split(r"[,、()/]", text) for row in _names().get(_key(part), ())]
    found = found or [row for row in _rows() if any(_written_in(whole, each) for each in row.keys)]
    found = found or [row for row in _rows() if whole in row.with_region]
    # A province and its city may share a name (吉林长春): what stands last is the city.
    narrowed = [
        row for row in found if any(each in whole.replace(row.keys[0], "", 1) for each in row.regions)
    ]
    unique = list(dict.fromkeys(narrowed or found))
    last = max((whole.rfind(row.keys[0]) for row in unique), default=-1)
    named = [row for row in unique if last < 1 or whole.rfind(row.keys[0]) == last]
    return named or [row for row in _rows() if whole.removesuffix("省") in row.regions]


def _written_in(whole: str, key: str) -> bool:
    """Whether a Chinese name stands there as a city's: 北京朝阳区 is not in 朝阳."""
    return not key.isascii() and re.search(f"{re.escape(key)}(?![区县])", whole) is not None


def _key(text: str) -> str:
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text)).lower()
    return "".join(each for each in plain if each.isalnum())


@cache
def _rows() -> tuple[_Row, ...]:
    with FILE.open(encoding="utf-8", newline="") as lines:
        return tuple(_row(each) for each in csv.DictReader(lines))


def _row(each: dict[str, str]) -> _Row:
    shown = f"{each['region']}{each['name']}" if each["region"] else each["name"]
    place = Place(shown, float(each["longitude"]), float(each["latitude"]), each["zone"])
    also = (word.replace("_", " ") for word in each["also"].split())
    keys = tuple(dict.fromkeys(_key(word) for word in (each["name"], each["latin"], *also)))
    regions = tuple(_key(word) for word in (each["region"], each["region_latin"]) if word)
    return _Row(place, keys, regions)


@cache
def _names() -> dict[str, list[_Row]]:
    names: defaultdict[str, list[_Row]] = defaultdict(list)
    for row in _rows():
        for key in row.keys:
            names[key].append(row)
    return dict(names)
