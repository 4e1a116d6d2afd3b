"""What the printed report says itself, by locale, and English for the words a chart is made of."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Final

from app.services.reports.pdf_letters import ASSETS

STEM_PINYIN: Final = ("jiǎ", "yǐ", "bǐng", "dīng", "wù", "jǐ", "gēng", "xīn", "rén", "guǐ")
BRANCH_ELEMENTS: Final = "水土木木土火火土金金土水"
"""The element of each branch, in the order of BRANCHES."""

STAGES: Final[Mapping[str, str]] = {
    "长生": "Birth",
    "沐浴": "Bath",
    "冠带": "Coming of age",
    "临官": "Office",
    "帝旺": "Prime",
    "衰": "Decline",
    "病": "Illness",
    "死": "Death",
    "墓": "Tomb",
    "绝": "Extinction",
    "胎": "Conception",
    "养": "Nurture",
}
NA_YIN: Final[Mapping[str, str]] = {
    "海中金": "Gold in the Sea",
    "炉中火": "Fire in the Furnace",
    "大林木": "Great Forest Wood",
    "路旁土": "Roadside Earth",
    "剑锋金": "Sword-edge Metal",
    "山头火": "Hilltop Fire",
    "涧下水": "Ravine Water",
    "城头土": "City Wall Earth",
    "白蜡金": "White Wax Metal",
    "杨柳木": "Willow Wood",
    "泉中水": "Spring Water",
    "井泉水": "Well Water",
    "屋上土": "Rooftop Earth",
    "霹雳火": "Thunderbolt Fire",
    "松柏木": "Pine and Cypress Wood",
    "长流水": "Long River Water",
    "砂中金": "Gold in the Sand",
    "沙中金": "Gold in the Sand",
    "山下火": "Fire below the Hill",
    "平地木": "Wood of the Plain",
    "壁上土": "Wall Earth",
    "金箔金": "Gold Leaf Metal",
    "覆灯火": "Lamp Fire",
    "佛灯火": "Lamp Fire",
    "天河水": "Milky Way Water",
    "大驿土": "Highway Earth",
    "大驿路土": "Highway Earth",
    "钗钏金": "Hairpin Metal",
    "桑柘木": "Mulberry Wood",
    "大溪水": "Great Brook Water",
    "沙中土": "Earth in the Sand",
    "砂中土": "Earth in the Sand",
    "天上火": "Fire in the Sky",
    "石榴木": "Pomegranate Wood",
    "大海水": "Great Sea Water",
}
NUMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "zh": tuple("壹贰叁肆伍陆柒捌玖"),
    "en": tuple("123456789"),
}


@cache
def words(lang: str) -> Mapping[str, str]:
    """The words of `lang`, `zh` or `en`; both files have the same keys."""
    known: Mapping[str, str] = json.loads((ASSETS / "words" / f"{lang}.json").read_text(encoding="utf-8"))
    return known
