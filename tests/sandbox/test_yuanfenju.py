"""Yuanfenju: charts in its shapes, its rules for questions, and its bad days."""

import gzip

import pytest
import requests

from tests.sandbox_client import YUANFENJU_KEY

BORN = {
    "api_key": YUANFENJU_KEY, "name": "测试甲", "sex": "1", "type": "1", "year": "1988", "month": "11", "day": "8",
    "hours": "12", "minute": "20",
}  # fmt: skip


def post(sandbox, method="Bazi/paipan", **changes):
    return requests.post(f"{sandbox.yuanfenju_url}/v1/{method}", data={**BORN, **changes}, timeout=5)


def ask(sandbox, method="Bazi/paipan", **changes):
    answer = post(sandbox, method, **changes)
    assert answer.status_code == 200
    return answer.json()


def pillars(sandbox, **changes):
    return " ".join(ask(sandbox, **changes)["data"]["bazi_info"]["bazi"])


def test_a_chart_has_the_documented_parts(sandbox):
    told = ask(sandbox)
    data = told["data"]
    assert told["errcode"] == "0"
    assert data["bazi_info"]["bazi"] == ["戊辰", "癸亥", "丁卯", "丙午"]
    assert data["bazi_info"]["na_yin"] == ["大林木", "大海水", "炉中火", "天河水"]
    assert (data["base_info"]["sex"], data["bazi_info"]["kw"]) == ("坤造", "戌亥")
    assert (data["start_info"]["sx"], data["start_info"]["xz"]) == ("龙", "天蝎座")
    assert len(data["dayun_info"]["big"]) == len(data["dayun_info"]["big_start_year"]) == 10
    assert [year["year_char"] for year in data["dayun_info"]["years_info0"]][:2] == ["己巳", "庚午"]
    assert data["dayun_info"]["big"][0] == "壬戌"
    assert data["detail_info"]["sizhu"]["hour"] == {"tg": "丙", "dz": "午"}
    assert data["detail_info"]["canggan"]["year"] == ["戊", "乙", "癸"]


def test_a_reading_writes_the_pillars_in_one_line(sandbox):
    data = ask(sandbox, "Bazi/cesuan", sex="0")["data"]
    assert data["bazi_info"]["bazi"] == "戊辰 癸亥 丁卯 丙午"
    assert data["base_info"]["sex"] == "乾造"
    assert data["xiyongshen"]["tu_number"] == 2


def test_lunar_dates_and_both_schools_of_midnight(sandbox):
    assert pillars(sandbox, type="0", month="9", day="29") == "戊辰 癸亥 丁卯 丙午"
    late = {"year": "1995", "month": "6", "day": "15", "hours": "23", "minute": "30"}
    assert pillars(sandbox, **late) == pillars(sandbox, sect="1", **late) == "乙亥 壬午 戊寅 壬子"
    assert pillars(sandbox, sect="2", **late) == "乙亥 壬午 丁丑 壬子"


def test_true_solar_time(sandbox):
    assert pillars(sandbox).endswith("丙午")
    assert pillars(sandbox, zhen="1", province="新疆", city="乌鲁木齐").endswith("乙巳")
    assert pillars(sandbox, zhen="3", longitude="87.62", latitude="43.8").endswith("乙巳")
    assert (
        ask(sandbox, zhen="1", province="北京市", city="北京市")["data"]["base_info"]["zhen"]["city"]
        == "北京"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""}, {"sex": "2"}, {"type": "2"}, {"month": "13"}, {"month": "-2"}, {"day": "31"}, {"hours": "24"},
        {"minute": "x"}, {"sect": "0"}, {"zhen": "1"}, {"zhen": "3", "longitude": "190", "latitude": "1"},
        {"type": "0", "month": "9", "day": "31"}, {"type": "0", "year": "2023", "month": "12", "day": "31"},
    ],
)  # fmt: skip
def test_impossible_questions_are_refused_with_a_list_for_data(sandbox, changes):
    told = ask(sandbox, **changes)
    assert told["errcode"] not in {"0", 0}
    assert told["data"] == []
    assert told["errmsg"]


def test_keys_and_what_is_left_of_them(sandbox):
    assert ask(sandbox, api_key="other")["errcode"] != "0"
    sandbox.yuanfenju_key("two", 1)
    assert ask(sandbox, api_key="two")["errcode"] == "0"
    assert "次数" in ask(sandbox, api_key="two")["errmsg"]
    left = ask(sandbox, "Free/querymerchant", api_key="two")["data"]
    assert left["merchant_remaining_call_times"] == "0"
    assert sandbox.yuanfenju_calls() == {"Bazi/paipan": 3, "Free/querymerchant": 1, "answered": 1}


def test_json_is_not_understood_and_other_paths_are_not_there(sandbox):
    url = f"{sandbox.yuanfenju_url}/v1/Bazi/paipan"
    assert requests.post(url, json=BORN, timeout=5).json()["errcode"] != "0"
    assert requests.get(url, params=BORN, timeout=5).json()["errcode"] == "0"
    assert post(sandbox, "Bazi/nothing").status_code == 404


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("500", lambda one: one.status_code == 500),
        ("html", lambda one: one.status_code == 200 and "<html>" in one.text),
        ("empty", lambda one: one.content == b""),
        (
            "type",
            lambda one: one.headers["Content-Type"].startswith("text/html") and one.json()["errcode"] == "0",
        ),
        ("gzip", lambda one: b"gongli" in gzip.decompress(one.content)),
        ("array", lambda one: one.json()["data"] == [] and one.json()["errcode"] == "0"),
        ("half", lambda one: "bazi_info" not in one.json()["data"]),
        ("quota", lambda one: one.json()["errcode"] != "0"),
        ("bad_key", lambda one: "api_key" in one.json()["errmsg"]),
    ],
)
def test_bad_days(sandbox, mode, expected):
    sandbox.yuanfenju_knobs(mode, times=1)
    assert expected(post(sandbox))
    assert post(sandbox).json()["data"]["bazi_info"]["bazi"]


def test_silence_a_cut_line_and_numbers_for_codes(sandbox):
    sandbox.yuanfenju_knobs("down", who=YUANFENJU_KEY)
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{sandbox.yuanfenju_url}/v1/Bazi/paipan", data=BORN, timeout=0.2)
    sandbox.yuanfenju_knobs("cut", who=YUANFENJU_KEY)
    with pytest.raises(requests.ConnectionError):
        post(sandbox)
    sandbox.clear_orders()
    sandbox.yuanfenju_knobs(errcode="number")
    assert ask(sandbox)["errcode"] == 0
