"""Charts by Yuanfenju: what is sent, what is believed, and how it fails."""

import logging
import random
from collections.abc import Iterator

import pytest

from app.domain.bazi import Chart, ChartSource, School, Sex
from app.domain.bazi_builtin import chart_of
from app.domain.services import ServiceFailed
from app.services.reports.chart import DISAGREED, make_chart
from tests.astrologers import (
    Outside,
    Request,
    chart,
    chart_data,
    html,
    nothing,
    outside,
    packed,
    refusing,
    status,
)
from tests.bazi import Key, born, shown


@pytest.fixture
def yuanfenju() -> Iterator[Outside]:
    with outside() as there:
        yield there.will(chart)


def ask(there: Outside, moment: str = "1988-11-08 12:20", school: School | None = None, **more) -> Chart:
    return make_chart(born(moment, **more), school or School(), Key(there.url))


def test_a_published_chart(yuanfenju: Outside):
    found = ask(yuanfenju, sex=Sex.FEMALE)
    assert (shown(found), found.source) == ("戊辰 癸亥 丁卯 丙午", ChartSource.YUANFENJU)


def test_what_is_sent_is_what_the_vendor_documents(yuanfenju: Outside):
    ask(yuanfenju, sex=Sex.FEMALE, school=School(late_zi_next_day=True))
    form = yuanfenju.seen[0].form
    assert yuanfenju.seen[0].path == "/v1/Bazi/paipan"
    assert (form["sex"], form["type"], form["sect"], form["zhen"]) == ("1", "1", "1", "2")
    assert (form["hours"], form["minute"], form["api_key"]) == ("12", "20", "secret-key")
    ask(yuanfenju)
    assert (yuanfenju.seen[1].form["sex"], yuanfenju.seen[1].form["sect"]) == ("0", "2")


def test_neither_the_name_nor_the_key_is_where_it_should_not_be(yuanfenju: Outside):
    ask(yuanfenju, name="张三丰")
    assert yuanfenju.seen[0].form["name"] == "命主"
    assert "secret-key" not in yuanfenju.seen[0].path


def test_both_sources_agree_over_random_moments(yuanfenju: Outside):
    dice = random.Random(20261120)
    for _ in range(200):
        moment = f"{dice.randint(1905, 2025)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
        moment += f" {dice.randint(0, 23):02}:{dice.randint(0, 59):02}"
        school = School(late_zi_next_day=dice.random() < 0.5)
        theirs = ask(yuanfenju, moment, school, sex=dice.choice(list(Sex)))
        own = chart_of(born(moment), school)
        assert (shown(theirs), theirs.source, theirs.void) == (shown(own), ChartSource.YUANFENJU, own.void)


def test_it_is_told_the_time_without_summer_time(yuanfenju: Outside):
    ask(yuanfenju, "1988-07-01 11:30")
    assert (yuanfenju.seen[0].form["hours"], yuanfenju.seen[0].form["minute"]) == ("10", "30")


def test_an_unknown_hour_is_noon_and_only_three_pillars_count(yuanfenju: Outside):
    found = ask(yuanfenju, "1990-05-17")
    assert (yuanfenju.seen[0].form["hours"], found.hour, found.source) == ("12", None, ChartSource.YUANFENJU)


def test_pillars_come_as_a_list_or_as_one_text(yuanfenju: Outside):
    yuanfenju.will(lambda request: request.answer(chart_data(request.form, as_text=True)))
    assert shown(ask(yuanfenju)) == "戊辰 癸亥 丁卯 丙午"


def test_a_packed_answer_is_unpacked_though_it_does_not_say_so(yuanfenju: Outside):
    yuanfenju.will(packed)
    assert ask(yuanfenju).source is ChartSource.YUANFENJU


def test_its_own_decades_are_taken_where_they_fit(yuanfenju: Outside):
    own = chart_of(born("1988-11-08 12:20"), School())

    def reply(request: Request) -> None:
        data = chart_data(request.form)
        luck = {
            "big": [each.pillar for each in own.decades],
            "xu_sui": [each.age - 1 for each in own.decades],
            "big_start_year": [each.year - 1 for each in own.decades],
        }
        data["data"]["dayun_info"] = luck
        request.answer(data)

    yuanfenju.will(reply)
    assert ask(yuanfenju).decades[0].year == own.decades[0].year - 1


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("命主于出生后1年5个月22天后起运", "出生后1年5个月22天起运"),
        ("出生后4年0月6天起运", "出生后4年6天起运"),
        ("<b>-</b>", "出生后9年6个月26天起运"),
    ],
)
def test_the_beginning_of_luck_is_put_into_our_words(yuanfenju: Outside, theirs: str, ours: str):
    def reply(request: Request) -> None:
        data = chart_data(request.form)
        data["data"]["base_info"]["qiyun"] = theirs
        request.answer(data)

    yuanfenju.will(reply)
    assert ask(yuanfenju).luck_start == ours


@pytest.mark.parametrize("wrong", [{"bazi": ["甲子"] * 4}, {"sex": "坤造"}])
def test_where_it_says_something_else_our_own_chart_stands(yuanfenju: Outside, wrong, caplog):
    def reply(request: Request) -> None:
        data = chart_data(request.form)
        data["data"]["bazi_info" if "bazi" in wrong else "base_info"].update(wrong)
        request.answer(data)

    yuanfenju.will(reply)
    with caplog.at_level(logging.WARNING):
        found = ask(yuanfenju)
    assert (found.source, shown(found)) == (ChartSource.BUILT_IN, "戊辰 癸亥 丁卯 丙午")
    assert DISAGREED in found.notes
    assert "charts differ" in caplog.text


def test_a_refused_birth_gets_our_own_chart(yuanfenju: Outside):
    yuanfenju.will(refusing(left="100"))
    assert ask(yuanfenju).source is ChartSource.BUILT_IN


@pytest.mark.parametrize(
    ("reply", "permanent", "reason"),
    [
        (refusing(left="0"), True, "quota"),
        (refusing(account_code="-1"), True, "key"),
        (status(401), True, "key"),
        (status(429), False, "busy"),
        (status(500), False, "busy"),
        (status(302), False, "broken"),
        (html, False, "broken"),
        (nothing, False, "broken"),
        (
            lambda request: request.answer({"errcode": 0, "data": {"bazi_info": {"bazi": ["甲丑"] * 4}}}),
            False,
            "broken",
        ),
        (lambda request: request.answer(b"\x1f\x8bnot gzip"), False, "broken"),
    ],
)
def test_failures_are_told_apart(yuanfenju: Outside, reply, permanent: bool, reason: str):
    yuanfenju.will(reply)
    with pytest.raises(ServiceFailed) as failed:
        ask(yuanfenju)
    assert (failed.value.permanent, failed.value.reason) == (permanent, reason)


def test_a_silent_service_is_given_up_in_time(yuanfenju: Outside, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.gateways.yuanfenju.TOTAL_SECONDS", 0.3)
    yuanfenju.will(lambda _request: yuanfenju.closing.wait(5))
    with pytest.raises(ServiceFailed) as failed:
        ask(yuanfenju)
    assert failed.value.reason == "timeout"


def test_nobody_listening_is_a_failure_that_passes():
    with pytest.raises(ServiceFailed) as failed:
        make_chart(born("1988-11-08 12:20"), School(), Key("http://127.0.0.1:9"))
    assert (failed.value.permanent, failed.value.reason) == (False, "broken")
