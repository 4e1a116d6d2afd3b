"""The chart by our own calculation: verified rows, borders of terms and hours, true solar time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.domain.bazi import Calendar, Chart, Place, School, Sex
from app.domain.bazi_builtin import chart_of
from app.domain.bazi_elements import CYCLE, ten_god, weigh
from app.domain.solar_time import equation_of_time, moments
from tests.bazi import born, pillars

NEXT_DAY = School(late_zi_next_day=True)
SOLAR_TIME = School(true_solar_time=True)


@pytest.mark.parametrize(
    ("moment", "school", "expected"),
    [
        ("1988-11-08 12:20", School(), "戊辰 癸亥 丁卯 丙午"),
        ("1990-01-01 12:00", School(), "己巳 丙子 丙寅 甲午"),
        ("2000-02-04 20:30", School(), "己卯 丁丑 壬辰 庚戌"),
        ("2000-02-04 20:50", School(), "庚辰 戊寅 壬辰 庚戌"),
        ("1995-06-15 23:30", NEXT_DAY, "乙亥 壬午 戊寅 壬子"),
        ("1995-06-15 23:30", School(), "乙亥 壬午 丁丑 壬子"),
        ("2024-02-10 00:15", School(), "甲辰 丙寅 甲辰 甲子"),
    ],
)
def test_verified_charts(moment: str, school: School, expected: str):
    assert pillars(born(moment), school) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [("2000-02-04 20:40", "2000-02-04 20:41"), ("2024-02-04 16:26", "2024-02-04 16:28")],
)
def test_the_year_changes_at_the_minute_spring_begins(before: str, after: str):
    old, new = chart_of(born(before), School()), chart_of(born(after), School())
    assert CYCLE.index(str(new.year)) - CYCLE.index(str(old.year)) == 1
    assert CYCLE.index(str(new.month)) - CYCLE.index(str(old.month)) == 1
    assert any("立春" in note for note in new.notes)


def test_the_late_rat_changes_the_day_by_school_only():
    same, next_day = pillars(born("1995-06-15 22:59")), pillars(born("1995-06-16 00:01"))
    assert pillars(born("1995-06-15 23:30")).split()[2] == same.split()[2]
    assert pillars(born("1995-06-15 23:30"), NEXT_DAY).split()[2] == next_day.split()[2]


def test_a_lunar_birthday_gives_the_chart_of_its_solar_day():
    solar = born("1990-05-17 08:30")
    lunar = replace(solar, calendar=Calendar.LUNAR, month=4, day=23)
    assert pillars(lunar) == pillars(solar)
    leap = replace(solar, calendar=Calendar.LUNAR, year=2023, month=2, day=1, leap=True)
    assert pillars(leap) == pillars(born("2023-03-22 08:30"))


def test_an_unknown_hour_leaves_three_pillars():
    chart = chart_of(born("1990-05-17"), School())
    assert (len(chart.pillars), chart.hour, chart.clock) == (3, None, "1990-05-17")
    assert sum(chart.elements.values()) == 100
    assert "时辰未知" in chart.notes[0]


def test_the_parts_of_a_known_chart():
    chart = chart_of(born("1988-11-08 12:20"), School())
    assert (chart.zodiac, chart.void, chart.lunar) == ("龙", "戌亥", "一九八八年九月廿九")
    assert [each.na_yin for each in chart.pillars] == ["大林木", "大海水", "炉中火", "天河水"]
    assert [each.stem_god for each in chart.pillars] == ["伤官", "七杀", "", "劫财"]
    assert [each.stage for each in chart.pillars] == ["衰", "胎", "病", "临官"]
    assert [each.pillar for each in chart.decades[:4]] == ["甲子", "乙丑", "丙寅", "丁卯"]
    assert chart.year.hidden == ("戊", "乙", "癸")
    assert Chart.from_json(chart.to_json()) == chart


def test_luck_begins_as_in_a_published_chart():
    chart = chart_of(born("1990-01-01 12:00", sex=Sex.FEMALE), School())
    assert chart.luck_start == "出生后1年5个月22天起运"


def test_luck_runs_backwards_for_the_other_sex():
    man, woman = (chart_of(born("1988-11-08 12:20", sex=sex), School()) for sex in (Sex.MALE, Sex.FEMALE))
    assert (man.decades[0].pillar, woman.decades[0].pillar) == ("甲子", "壬戌")


def test_summer_time_is_taken_off():
    assert pillars(born("1988-07-01 11:30")) == pillars(born("1988-07-01 11:00"))
    summer = moments(born("1988-07-01 11:30"), School())
    assert (f"{summer.clock:%H:%M}", f"{summer.local:%H:%M}") == ("11:30", "10:30")
    winter = moments(born("1988-12-01 11:30"), School())
    assert winter.clock == winter.local


def test_a_double_hour_is_taken_as_told():
    chart = chart_of(born("1988-07-01 12:00", place="乌鲁木齐", exact=False), SOLAR_TIME)
    assert (chart.hour.branch, chart.clock) == ("午", "1988-07-01 午时")


def test_true_solar_time_moves_the_hour_in_the_west():
    birth = born("1995-07-01 08:30", place="乌鲁木齐")
    chart = chart_of(birth, SOLAR_TIME)
    assert chart.solar == "1995-07-01 06:16"
    assert (chart.hour.branch, chart_of(birth, School()).hour.branch) == ("卯", "辰")
    assert any("真太阳时" in note for note in chart.notes)


def test_true_solar_time_needs_a_place():
    chart = chart_of(born("1995-07-01 08:30"), SOLAR_TIME)
    assert chart.solar == chart.clock
    assert "没有填写出生地" in chart.notes[0]


@pytest.mark.parametrize(
    ("day", "minutes"), [((2, 11), -14.2), ((4, 15), 0.0), ((5, 14), 3.65), ((7, 26), -6.5), ((11, 3), 16.5)]
)
def test_the_equation_of_time_is_that_of_the_almanac(day: tuple[int, int], minutes: float):
    assert equation_of_time(datetime(2023, *day, 12, tzinfo=UTC)) == pytest.approx(minutes, abs=0.15)


def test_abroad_the_term_is_the_worlds_and_the_hour_the_places():
    # 07:50 in New York is 20:50 in Beijing, ten minutes after spring began.
    assert pillars(born("2000-02-04 07:50", place="纽约")) == "庚辰 戊寅 壬辰 甲辰"
    assert pillars(born("2000-02-04 07:30", place="纽约")) == "己卯 丁丑 壬辰 甲辰"


@pytest.mark.parametrize(
    ("day", "other", "god"),
    [
        ("甲", "甲", "比肩"),
        ("甲", "乙", "劫财"),
        ("甲", "丙", "食神"),
        ("甲", "己", "正财"),
        ("丁", "癸", "七杀"),
        ("辛", "戊", "正印"),
    ],
)
def test_ten_gods(day: str, other: str, god: str):
    assert ten_god(day, other) == god


def test_the_season_weighs_most():
    chart = chart_of(born("1988-11-08 12:20"), School())
    assert weigh(chart.pillars) == {"木": 22, "火": 27, "土": 19, "金": 0, "水": 32}


def test_charts_are_the_same_from_many_threads():
    births = [born(f"{1920 + n % 100}-0{1 + n % 9}-1{n % 9} {n % 24:02}:15") for n in range(40)]
    alone = [pillars(each) for each in births]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(pillars, births)) == alone


def test_negative_summer_time_takes_nothing_off():
    birth = replace(born("1990-01-05 12:00"), place=Place("Dublin", -6.3, 53.4, "Europe/Dublin"))
    seen = moments(birth, School())
    assert seen.local == seen.clock


@pytest.mark.parametrize("moment", ["1900-01-01 00:05", "1900-01-31 23:59", "2026-11-20 12:00"])
@pytest.mark.parametrize("place", ["", "北京", "纽约", "伦敦"])
def test_the_first_and_the_last_days_have_charts(moment: str, place: str):
    assert len(chart_of(born(moment, place=place), SOLAR_TIME).pillars) == 4
