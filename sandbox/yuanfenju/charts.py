"""Charts in the shapes of Yuanfenju's answers, computed with lunar_python."""

from typing import Any

from lunar_python.util import LunarUtil

from sandbox.shapes import Json
from sandbox.yuanfenju.questions import Question, solar_of

PILLARS = (("year", "Year"), ("month", "Month"), ("day", "Day"), ("hour", "Time"))
ELEMENTS = "金木水火土"
KEYS = ("jin", "mu", "shui", "huo", "tu")
FEEDS = {"木": "火", "火": "土", "土": "金", "金": "水", "水": "木"}
DECADES = 10


def paipan(question: Question) -> Json:
    """The chart. Here `bazi` is a list."""
    chart, luck = chart_of(question)
    return {
        "base_info": base_info(question, chart, luck),
        "bazi_info": {
            "kw": chart.getDayXunKong(), "tg_cg_god": gods(chart), "bazi": pillars(chart),
            "dz_cg": ["|".join(part(chart, name, "HideGan")) for _, name in PILLARS],
            "dz_cg_god": ["|".join(part(chart, name, "ShiShenZhi")) for _, name in PILLARS],
            "day_cs": [part(chart, name, "DiShi") for _, name in PILLARS],
            "na_yin": [part(chart, name, "NaYin") for _, name in PILLARS],
        },
        "dayun_info": dayun_info(chart, luck),
        "start_info": {"jishen": ["-"] * 4, "xz": f"{solar_of(question.clock).getXingZuo()}座", "sx": animal(chart)},
        "detail_info": detail_info(chart, luck),
    }  # fmt: skip


def cesuan(question: Question) -> Json:
    """The reading. Here `bazi` is one string, and the elements are counted."""
    chart, luck = chart_of(question)
    counts = dict.fromkeys(ELEMENTS, 0)
    for _, name in PILLARS:
        for element in part(chart, name, "WuXing"):
            counts[element] += 1
    own = chart.getDayWuXing()[0]
    helping = counts[own] + sum(counts[one] for one in ELEMENTS if FEEDS[one] == own)
    wanted = FEEDS[own] if helping >= 4 else next(one for one in ELEMENTS if FEEDS[one] == own)
    numbers = {f"{key}_number": counts[one] for key, one in zip(KEYS, ELEMENTS, strict=True)}
    percents = {
        f"{key}_percent": f"{counts[one] * 12.5:.2f}%" for key, one in zip(KEYS, ELEMENTS, strict=True)
    }
    base = {**base_info(question, chart, luck), "wuxing_xiji": f"喜{wanted}"}
    return {
        "base_info": base,
        "bazi_info": {
            "kw": chart.getDayXunKong(), "tg_cg_god": gods(chart), "bazi": " ".join(pillars(chart)),
            "na_yin": " ".join(part(chart, name, "NaYin") for _, name in PILLARS),
        },
        "wuxing": {"simple_desc": f"五行{own}命", "detail_desc": "五行" + "".join(f"{one}{counts[one]}" for one in ELEMENTS)},
        "xiyongshen": {
            "qiangruo": "身强" if helping >= 4 else "身弱", "xiyongshen": wanted, "jishen": own,
            "xiyongshen_desc": f"日主{chart.getDayGan()}，喜用神为{wanted}。", "rizhu_tiangan": chart.getDayGan(),
            **numbers, **percents,
        },
        "sx": animal(chart), "xz": f"{solar_of(question.clock).getXingZuo()}座",
    }  # fmt: skip


def chart_of(question: Question) -> tuple[Any, Any]:
    """The library's chart and luck; it counts men as 1 and women as 0."""
    chart = solar_of(question.sun).getLunar().getEightChar()
    chart.setSect(question.sect)
    return chart, chart.getYun(1 if question.is_male else 0, 2)


def part(chart: Any, pillar: str, what: str) -> Any:
    """One of the library's getters."""
    return getattr(chart, f"get{pillar}{what}")()


def pillars(chart: Any) -> list[str]:
    """The four pillars."""
    return [part(chart, name, "") for _, name in PILLARS]


def gods(chart: Any) -> list[str]:
    """The gods of the four stems; the day's own is called so."""
    return ["日元" if name == "Day" else part(chart, name, "ShiShenGan") for _, name in PILLARS]


def animal(chart: Any) -> str:
    """The animal of the year's branch."""
    return str(LunarUtil.SHENGXIAO[chart.getLunar().getYearZhiIndexExact() + 1])


def base_info(question: Question, chart: Any, luck: Any) -> Json:
    """Who and when."""
    lunar, clock = solar_of(question.clock).getLunar(), question.clock
    base: Json = {
        "sex": "乾造" if question.is_male else "坤造", "name": question.name,
        "gongli": f"{clock.year}年{clock.month}月{clock.day}日{clock.hour}时{clock.minute}分",
        "nongli": f"{lunar.getYearInGanZhi()}年 {lunar.getMonthInChinese()}月 {lunar.getDayInChinese()}日 {lunar.getTimeZhi()}时",
        "qiyun": f"命主于出生后{luck.getStartYear()}年{luck.getStartMonth()}个月{luck.getStartDay()}天后起运",
        "jiaoyun": f"{luck.getStartSolar().toYmd()}交大运", "zhengge": f"{chart.getMonthShiShenZhi()[0]}格",
    }  # fmt: skip
    if question.sun != question.clock:
        shift = (question.sun - question.clock).total_seconds() / 60
        base["zhen"] = {
            "city": question.place,
            "shicha": f"{shift:.0f}分钟",
            "zhentaiyang": f"{question.sun:%Y-%m-%d %H:%M}",
        }
    return base


def dayun_info(chart: Any, luck: Any) -> Json:
    """Ten decades of luck, each with its years."""
    day = chart.getDayGan()
    decades = luck.getDaYun(DECADES + 1)[1:]
    info: Json = {
        "big_god": [LunarUtil.SHI_SHEN[day + one.getGanZhi()[0]] for one in decades],
        "big": [one.getGanZhi() for one in decades],
        "big_cs": ["-" for _ in decades],
        "xu_sui": [one.getStartAge() for one in decades],
        "big_start_year": [one.getStartYear() for one in decades],
        "big_end_year": [one.getEndYear() for one in decades],
    }
    for number, one in enumerate(decades):
        # The library would look up the solar terms of each of the hundred years.
        years = range(one.getStartYear(), one.getEndYear() + 1)
        info[f"years_info{number}"] = [{"year_char": LunarUtil.JIA_ZI[(year - 4) % 60]} for year in years]
    return info


def detail_info(chart: Any, luck: Any) -> Json:
    """The four pillars in depth."""

    def each(what: str) -> Json:
        return {key: part(chart, name, what) for key, name in PILLARS}

    return {
        "zhuxing": {**each("ShiShenGan"), "day": "元男" if luck.getGender() == 1 else "元女"},
        "sizhu": {key: {"tg": part(chart, name, "Gan"), "dz": part(chart, name, "Zhi")} for key, name in PILLARS},
        "canggan": each("HideGan"), "fuxing": each("ShiShenZhi"), "xingyun": each("DiShi"), "zizuo": each("DiShi"),
        "kongwang": each("XunKong"), "nayin": each("NaYin"), "shensha": {key: "" for key, _ in PILLARS},
        "dayunshensha": [{"tgdz": one.getGanZhi(), "shensha": ""} for one in luck.getDaYun(DECADES + 1)[1:]],
    }  # fmt: skip
