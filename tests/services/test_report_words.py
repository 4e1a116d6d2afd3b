"""Reports composed from the chart alone: long enough, clean, and different for every chart."""

import re

import pytest

from app.core.i18n import EN, LOCALES, ZH
from app.domain.bazi import SECTIONS, ReportText, School, Sex, TextSource
from app.domain.bazi_builtin import chart_of
from app.domain.bazi_names import TITLES
from app.services.reports.text import write_text
from tests.bazi import TODAY, born


def report(
    locale: str = ZH, *, told: list[int] | None = None, moment: str = "1990-05-17 08:30", **more
) -> ReportText:
    birth = born(moment, **more)
    progress = (told if told is not None else []).append
    chart = chart_of(birth, School())
    return write_text(chart, birth, {}, None, locale, on_progress=progress, deadline=1, today=TODAY)


def every_kind() -> list[tuple]:
    days = (
        "1990-05-17 08:30",
        "1962-01-03 23:10",
        "1988-11-08 12:20",
        "2001-08-19 04:00",
        "2015-03-30 18:00",
    )
    days += ("1975-12-24 15:45", "1999-09-09 10:10", "1983-06-06 21:00", "1940-04-04", "2026-11-01 06:00")
    return [(day, sex) for day in days for sex in Sex]


@pytest.mark.parametrize(("moment", "sex"), every_kind())
def test_our_own_report_is_long_enough_and_clean(moment: str, sex: Sex):
    for locale, least in ((ZH, 1500), (EN, 4000)):
        text = report(locale, moment=moment, sex=sex)
        whole = "\n".join(line for section in text.sections for line in section.paragraphs)
        assert text.source is TextSource.BUILT_IN
        assert all(section.paragraphs for section in text.sections)
        assert least < len(whole) < 12000
        assert not re.search(r"[{}<>]|None|  |\b死亡|绝症|离婚|血光|中奖", whole)


def test_two_charts_make_two_reports():
    texts = {str(report(moment=moment, sex=sex).to_json()) for moment, sex in every_kind()}
    assert len(texts) == len(every_kind())


def test_chinese_reports_hold_no_english_and_english_ones_explain_the_chinese():
    chinese = str([s.paragraphs for s in report().sections])
    assert not re.search("[A-Za-z]{3}", chinese)
    assert "丙午 (Bing-Wu)" in str(report(EN).to_json())


def test_an_unknown_hour_is_said_so():
    assert "时辰未知" in str(report(moment="1990-05-17").sections[0].paragraphs)


def test_every_chapter_has_a_title_in_both_languages():
    assert all(list(TITLES[locale]) == list(SECTIONS) for locale in LOCALES)


def test_a_child_is_told_nothing_of_careers_in_his_first_decade():
    child = report(moment="2020-05-05 10:00")
    assert "童年" in str(child.sections[6].paragraphs[1])


def test_progress_is_not_told_of_our_own_words():
    told: list[int] = []
    report(told=told)
    assert told == []
