"""What buyers write about their birth."""
# ruff: noqa: RUF001 - they write full-width digits too

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lunar_python import LunarYear

from app.core.errors import BadInput
from app.core.i18n import EN
from app.domain.bazi import Calendar
from app.domain.bazi_dates import solar_date
from app.domain.bazi_inputs import (
    birth_of,
    clean_name,
    find_places,
    place_json,
    read_birth_date,
    read_birth_hour,
)
from tests.bazi import TODAY

SOLAR_WAYS = [
    *(
        "1990-05-17",
        "1990-5-17",
        "1990/5/17",
        "1990.5.17",
        "1990 5 17",
        "19900517",
        "1990年5月17日",
        "1990年5月17号",
    ),
    *(
        "一九九〇年五月十七日",
        "１９９０－０５－１７",
        "公历1990年5月17日",
        "17 May 1990",
        "May 17, 1990",
        " 1990—5—17 ",
    ),
]
LUNAR_WAYS = [
    *(
        "1990-4-23",
        "1990年四月廿三",
        "一九九〇年四月廿三",
        "一九九零年四月二十三",
        "农历1990年四月二十三日",
        "1990/4/23",
    ),
]


@pytest.mark.parametrize("text", SOLAR_WAYS)
def test_a_solar_date_is_read_as_people_write_it(text: str):
    assert read_birth_date(text, Calendar.SOLAR) == {"year": 1990, "month": 5, "day": 17, "leap": False}


@pytest.mark.parametrize("text", LUNAR_WAYS)
def test_a_lunar_date_is_read_as_people_write_it(text: str):
    assert read_birth_date(text, Calendar.LUNAR) == {"year": 1990, "month": 4, "day": 23, "leap": False}


@pytest.mark.parametrize("text", ["1990-闰5-23", "1990年闰五月廿三", "一九九〇年閏五月二十三"])
def test_a_leap_month_is_read(text: str):
    assert read_birth_date(text, Calendar.LUNAR) == {"year": 1990, "month": 5, "day": 23, "leap": True}


@pytest.mark.parametrize(
    ("text", "month", "day"),
    [("1990年正月初一", 1, 1), ("1990年冬月十五", 11, 15), ("1990年腊月三十", 12, 30)],
)
def test_months_have_names(text: str, month: int, day: int):
    found = read_birth_date(text, Calendar.LUNAR)
    assert (found["month"], found["day"]) == (month, day)


@pytest.mark.parametrize(
    ("text", "calendar", "code"),
    [
        ("1990-02-30", Calendar.SOLAR, "birth_date_impossible"),
        ("2100-02-29", Calendar.SOLAR, "birth_date_in_future"),
        ("1990-13-01", Calendar.SOLAR, "birth_month_impossible"),
        ("1990-00-01", Calendar.SOLAR, "birth_month_impossible"),
        ("1990-04-00", Calendar.SOLAR, "birth_date_impossible"),
        ("1899-12-31", Calendar.SOLAR, "birth_date_too_early"),
        ("1990年四月廿三", Calendar.SOLAR, "birth_date_looks_lunar"),
        ("5/6/1990", Calendar.SOLAR, "birth_date_unclear"),
        ("yesterday", Calendar.SOLAR, "birth_date_unclear"),
        ("", Calendar.SOLAR, "birth_date_unclear"),
        ("9" * 5000, Calendar.SOLAR, "birth_date_unclear"),
        ("1990-4-30", Calendar.LUNAR, "birth_lunar_day_impossible"),
        ("1990年闰四月初一", Calendar.LUNAR, "birth_leap_month_impossible"),
        ("1991年闰四月初一", Calendar.LUNAR, "birth_no_leap_month"),
        ("1990年闰五月三十", Calendar.LUNAR, "birth_lunar_day_impossible"),
        ("2026年腊月初一", Calendar.LUNAR, "birth_date_in_future"),
    ],
)
def test_a_date_that_cannot_be_is_refused(text: str, calendar: Calendar, code: str):
    with pytest.raises(BadInput) as refused:
        read_birth_date(text, calendar, TODAY)
    assert refused.value.code == code


def test_the_refusal_says_which_leap_month_there_is():
    with pytest.raises(BadInput) as refused:
        read_birth_date("1990年闰四月初一", Calendar.LUNAR)
    assert refused.value.text(EN) == "The lunar year 1990 has no leap month 4. Its leap month is: 5."


def test_a_lunar_date_is_a_solar_one():
    leap = read_birth_date("2023年闰二月初一", Calendar.LUNAR)
    assert solar_date(leap, Calendar.LUNAR) == date(2023, 3, 22)


@given(st.dates(date(1900, 1, 1), date(2026, 11, 20)))
def test_every_solar_date_comes_back(day: date):
    for text in (f"{day:%Y-%m-%d}", f"{day:%Y%m%d}", f"{day.year}年{day.month}月{day.day}日"):
        assert solar_date(read_birth_date(text, Calendar.SOLAR, TODAY), Calendar.SOLAR) == day


@given(st.integers(1900, 2025), st.data())
def test_every_lunar_date_comes_back(year: int, data: st.DataObject):
    month = data.draw(st.sampled_from(LunarYear.fromYear(year).getMonthsInYear()))
    day = data.draw(st.integers(1, month.getDayCount()))
    text = f"{year}-{'闰' if month.isLeap() else ''}{abs(month.getMonth())}-{day}"
    found = read_birth_date(text, Calendar.LUNAR)
    assert (found["month"], found["day"], found["leap"]) == (abs(month.getMonth()), day, month.isLeap())


@given(st.text(max_size=60))
def test_no_text_breaks_the_readers(text: str):
    for read in (
        lambda: read_birth_date(text, Calendar.SOLAR),
        lambda: read_birth_date(text, Calendar.LUNAR),
        lambda: read_birth_hour(text),
        lambda: find_places(text),
    ):
        try:
            read()
        except BadInput:
            continue


@pytest.mark.parametrize(
    ("text", "hour", "minute", "exact"),
    [
        ("08:30", 8, 30, True),
        ("8:05", 8, 5, True),
        ("0830", 8, 30, True),
        ("下午3点半", 15, 30, True),
        ("下午三点一刻", 15, 15, True),
        ("晚上11点20分", 23, 20, True),
        ("凌晨十二点", 0, 0, True),
        ("半夜两点", 2, 0, True),
        ("中午12点", 12, 0, True),
        ("二十三点零五分", 23, 5, True),
        ("3 pm", 15, 0, True),
        ("12am", 0, 0, True),
        ("早子时", 0, 30, False),
        ("晚子时", 23, 30, False),
        ("late_zi", 23, 30, False),
        ("寅时", 4, 0, False),
        ("亥", 22, 0, False),
    ],
)
def test_an_hour_is_read_as_people_say_it(text: str, hour: int, minute: int, exact: bool):
    assert read_birth_hour(text) == {"hour": hour, "minute": minute, "exact": exact}


@pytest.mark.parametrize("text", ["unknown", "不知道", "忘了"])
def test_an_hour_may_be_unknown(text: str):
    assert read_birth_hour(text) is None


@pytest.mark.parametrize("text", ["25:00", "12:60", "8", "", "子时", "早晨", "三十点"])
def test_an_hour_that_is_none_is_refused(text: str):
    with pytest.raises(BadInput):
        read_birth_hour(text)


@given(st.times())
def test_every_time_of_the_clock_comes_back(at):
    found = read_birth_hour(f"{at:%H:%M}")
    assert found == {"hour": at.hour, "minute": at.minute, "exact": True}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("北京", ["北京"]),
        ("北京市", ["北京"]),
        ("Beijing", ["北京"]),
        ("广东省深圳市南山区", ["广东深圳"]),
        ("吉林长春", ["吉林长春"]),
        ("北京朝阳区", ["北京"]),
        ("taizhou", ["江苏泰州", "浙江台州"]),
        ("London", ["英国伦敦", "加拿大伦敦"]),
        ("London, Canada", ["加拿大伦敦"]),
        ("Xi'an", ["陕西西安"]),
        ("乌鲁木齐", ["新疆乌鲁木齐"]),
        ("台北", ["台湾台北"]),
        ("São Paulo", ["巴西圣保罗"]),
    ],
)
def test_a_place_is_found_by_any_of_its_names(text: str, names: list[str]):
    assert [place.name for place in find_places(text)] == names


def test_an_unknown_place_is_said_so():
    with pytest.raises(BadInput) as unknown:
        find_places("Atlantis")
    assert unknown.value.code == "place_unknown"


def test_places_lie_where_they_lie():
    known = {"北京": (116.4, 39.9), "乌鲁木齐": (87.6, 43.8), "纽约": (-74.0, 40.7), "悉尼": (151.2, -33.9)}
    for name, (longitude, latitude) in known.items():
        place = find_places(name)[0]
        assert abs(place.longitude - longitude) < 0.15
        assert abs(place.latitude - latitude) < 0.15


def test_answers_become_a_birth():
    birth = birth_of(
        {
            "name": " 小\u202e明\n",
            "sex": "female",
            "calendar": "lunar",
            "birth_date": {"year": 1990, "month": 5, "day": 23, "leap": True},
            "birth_hour": {"hour": 8, "minute": 30, "exact": True},
            "place": place_json(find_places("成都")[0]),
        }
    )
    assert (birth.name, birth.leap, birth.hour, birth.place.zone) == ("小 明", True, 8, "Asia/Shanghai")


@pytest.mark.parametrize(
    "change",
    [{"sex": "x"}, {"birth_date": None}, {"birth_hour": {"hour": 25, "minute": 0}}, {"place": {"name": "x"}}],
)
def test_answers_that_are_no_birth_are_refused(change: dict[str, object]):
    answers = {
        "name": "A",
        "sex": "male",
        "calendar": "solar",
        "birth_date": {"year": 1990, "month": 5, "day": 17, "leap": False},
        "birth_hour": None,
        "place": None,
    }
    with pytest.raises(BadInput):
        birth_of(answers | change)


def test_a_name_is_one_short_line():
    assert clean_name("a" * 500 + "\n") == "a" * 30
