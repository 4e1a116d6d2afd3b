"""The words of a chart in English, and the chapters' titles in both languages."""

from typing import Final

from app.core.i18n import EN, ZH

TITLES: Final = {
    ZH: {
        "overview": "命局总览",
        "personality": "性格特质",
        "career": "事业方向",
        "wealth": "财运与理财",
        "love": "感情与婚姻",
        "health": "健康与养生",
        "decades": "大运走势",
        "year": "流年运势",
        "advice": "开运建议",
    },
    EN: {
        "overview": "Your chart at a glance",
        "personality": "Character",
        "career": "Work and career",
        "wealth": "Money",
        "love": "Love and marriage",
        "health": "Well-being",
        "decades": "The decades of luck",
        "year": "This year and the next",
        "advice": "Advice",
    },
}
ELEMENTS_EN: Final = {"木": "Wood", "火": "Fire", "土": "Earth", "金": "Metal", "水": "Water"}
STRENGTHS_EN: Final = {"偏强": "strong", "偏弱": "gentle", "中和": "balanced"}
GODS_EN: Final = {
    "比肩": "Companion",
    "劫财": "Rival",
    "食神": "Enjoyment",
    "伤官": "Expression",
    "偏财": "Windfall",
    "正财": "Earned Wealth",
    "七杀": "Challenger",
    "正官": "Authority",
    "偏印": "Insight",
    "正印": "Support",
}
ANIMALS_EN: Final = dict(
    zip(
        "鼠牛虎兔龙蛇马羊猴鸡狗猪",
        (
            "Rat",
            "Ox",
            "Tiger",
            "Rabbit",
            "Dragon",
            "Snake",
            "Horse",
            "Goat",
            "Monkey",
            "Rooster",
            "Dog",
            "Pig",
        ),
        strict=True,
    )
)
_STEMS: Final = ("Jia", "Yi", "Bing", "Ding", "Wu", "Ji", "Geng", "Xin", "Ren", "Gui")
_BRANCHES: Final = ("Zi", "Chou", "Yin", "Mao", "Chen", "Si", "Wu", "Wei", "Shen", "You", "Xu", "Hai")
_PINYIN: Final = dict(zip("甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥", _STEMS + _BRANCHES, strict=True))


def pinyin(pillar: str) -> str:
    """甲子 as Jia-Zi."""
    return "-".join(_PINYIN[each] for each in pillar)


def both(pillar: str) -> str:
    """甲子 as 甲子 (Jia-Zi)."""
    return f"{pillar} ({pinyin(pillar)})"
