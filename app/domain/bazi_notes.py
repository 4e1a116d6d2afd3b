"""What a reader should know of how his chart was reckoned, in plain Chinese."""

from datetime import datetime, timedelta
from typing import Any, Final

from app.domain.bazi import Birth, School
from app.domain.bazi_elements import ZODIAC
from app.domain.solar_time import CHINA, Moments

NEAR_TERM: Final = timedelta(hours=2)
LATE_HOUR: Final = 23


def notes_of(
    birth: Birth, school: School, at: Moments, *, world: Any, wall: Any, year_branch: str
) -> tuple[str, ...]:
    """The notes, those about the clock first. `world` and `wall` are the library's lunar dates of both clocks."""
    notes = [
        *_about_clock(birth, school, at),
        *_about_hour(birth, school, at),
        *_about_term(birth, at, world),
    ]
    lunar_zodiac = wall.getYearShengXiao()
    if lunar_zodiac != ZODIAC[year_branch]:
        notes.append(
            f"八字以立春换年，生肖为{ZODIAC[year_branch]}；民间以正月初一换年，生肖为{lunar_zodiac}，两种说法都常见。"
        )
    return tuple(notes)


def _about_clock(birth: Birth, school: School, at: Moments) -> list[str]:
    notes = []
    minutes = int(at.summer.total_seconds()) // 60
    if minutes and birth.exact and birth.hour is not None:
        notes.append(f"出生时当地实行夏令时，钟表时间已减去{minutes}分钟。")
    elif minutes and birth.hour is not None:
        notes.append("出生时当地实行夏令时。时辰按您所说采用；如果它是按钟表推得的，建议改用准确的钟表时间。")
    if at.true_solar and birth.place is not None:
        notes.append(
            f"日柱、时柱按{birth.place.name}的真太阳时排定：{at.clock:%H:%M} 校正为 {at.local:%H:%M}。"
        )
    elif school.true_solar_time and birth.hour is not None and birth.exact:
        notes.append("没有填写出生地，未作真太阳时校正，按标准时间排盘。")
    if birth.place is not None and birth.place.zone != CHINA and at.beijing != at.clock:
        notes.append(
            f"节气按北京时间 {at.beijing:%Y-%m-%d %H:%M} 比较，用来定年柱、月柱；日柱、时柱按出生地的时间。"
        )
    return notes


def _about_hour(birth: Birth, school: School, at: Moments) -> list[str]:
    if birth.hour is None:
        return ["出生时辰未知，只排年、月、日三柱；五行比例和起运时间仅供参考。"]
    notes = []
    if not birth.exact:
        notes.append("按时辰排盘，起运时间以该时辰的中点计算，为近似值。")
    if at.local.hour == LATE_HOUR:
        way = "日柱算作次日" if school.late_zi_next_day else "日柱仍算当日"
        notes.append(f"出生在晚子时（23点以后），本盘{way}；各流派看法不同。")
    return notes


def _about_term(birth: Birth, at: Moments, world: Any) -> list[str]:
    """A word of warning where the month's pillar hangs on hours or minutes."""
    for name, moment in _nearest_terms(world):
        known = birth.hour is not None
        margin = NEAR_TERM if known and birth.exact else timedelta(hours=12 if not known else 3)
        if abs(moment - at.beijing) <= margin:
            return [
                f"出生时间靠近节气「{name}」（{moment:%Y-%m-%d %H:%M}），前后的月柱不同，请确认出生时间准确。"
            ]
    return []


def _nearest_terms(world: Any) -> list[tuple[str, datetime]]:
    return [
        (term.getName(), datetime.strptime(term.getSolar().toYmdHms(), "%Y-%m-%d %H:%M:%S"))  # noqa: DTZ007
        for term in (world.getPrevJie(), world.getNextJie())
    ]
