"""A report as Telegram messages, and the prompts that a boss rewrites."""

import re
from html.parser import HTMLParser

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.db import db
from app.core.errors import BadInput
from app.core.i18n import EN, LOCALES, ZH
from app.domain.bazi import SECTIONS, ReportText, School, Section, TextSource
from app.domain.bazi_builtin import chart_of
from app.domain.bazi_facts import facts_of
from app.domain.report_prompts import KEYS, PLACEHOLDERS, SYSTEM, check_prompt, default, filled
from app.domain.sending import MAX_TEXT, utf16_length
from app.models import AuditEvent
from app.services.reports import prompts
from app.services.reports.chart import DISAGREED
from app.services.reports.messages import luck_in_english, pillar_table, render
from app.services.reports.pdf_notes import in_english
from app.services.reports.text import write_text
from tests.bazi import TODAY, born
from tests.cast import Cast


def text_of(*paragraphs: str) -> ReportText:
    sections = tuple(Section(key, f"<{key}>", paragraphs) for key in SECTIONS)
    return ReportText(TextSource.DEEPSEEK, ZH, sections)


CHART = chart_of(born("1990-05-17 08:30", place="成都"), School(true_solar_time=True))


class Balanced(HTMLParser):
    """Fails on a tag that Telegram would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        assert tag in {"b", "i", "pre"}
        assert not attrs
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("moment", ["1990-05-17 08:30", "1990-05-17"])
def test_messages_are_what_telegram_takes(locale: str, moment: str):
    birth = born(moment)
    chart = chart_of(birth, School())
    text = write_text(chart, birth, {}, None, locale, on_progress=print, deadline=1, today=TODAY)
    messages = render(chart, text, locale)
    assert 2 <= len(messages) <= 5
    for message in messages:
        assert utf16_length(message) <= MAX_TEXT
        parser = Balanced()
        parser.feed(message)
        assert parser.open == []


def test_hostile_and_endless_texts_fit_and_are_escaped():
    for paragraphs in (("<script>&" * 2000,), ("😀" * 9000,), ("很长的句子。" * 900, "x" * 5000)):
        messages = render(CHART, text_of(*paragraphs), ZH)
        assert all(utf16_length(message) <= MAX_TEXT for message in messages)
        assert not any("<script" in message for message in messages)
        assert "&lt;overview&gt;" in messages[1]


def test_nothing_of_a_chapter_is_lost():
    line = "第{}句话在这里。"
    whole = "".join(line.format(n) for n in range(900))
    shown = "".join(render(CHART, text_of(whole), ZH))
    for n in range(900):
        assert shown.count(line.format(n)) == len(SECTIONS)


def test_the_pillars_stand_in_columns():
    rows = pillar_table(CHART).split("\n")
    assert [row[:2] for row in rows[1:]] == ["十神", "天干", "地支", "藏干", "纳音", "星运"]
    assert rows[2].split("｜")[1].split("\u3000\u3000\u3000") == ["庚", "辛", "壬", "癸"]


def test_the_last_line_says_what_it_is_for():
    assert "娱乐参考" in render(CHART, text_of("好。" * 80), ZH)[-1]
    assert "entertainment" in render(CHART, text_of("Good. " * 80), EN)[-1]


@pytest.mark.parametrize("locale", LOCALES)
def test_our_own_prompts_keep_the_rules_for_prompts(locale: str):
    facts = facts_of(CHART, born("1990-05-17 08:30"), locale, TODAY)
    assert set(facts) == set(PLACEHOLDERS)
    for key in KEYS:
        assert check_prompt(key, default(key, locale)) == default(key, locale)
    assert not any("{{" in body for body in filled({}, facts, locale).values())


@pytest.mark.parametrize(
    "body", ["{{nobody}}", "{{name.__class__}}", "{{ chart }} {{}}", "{{config", "x" * 5000, "{{name}}" * 41]
)
def test_a_prompt_with_something_unknown_is_refused(body: str):
    with pytest.raises(BadInput):
        check_prompt("overview", body)


PAYLOADS = [
    *(
        "{{7*7}}",
        "{{config}}",
        "{{self.__init__.__globals__}}",
        "{{ ''.__class__.__mro__ }}",
        "{{name|safe}}",
    ),
    *(
        "{{name.__class__}}",
        "{{name[0]}}",
        "{{#each x}}",
        "{{>partial}}",
        "{{{name}}}",
        "{{__import__('os')}}",
    ),
    *(
        "{u.m.__globals__[SECRET]}",
        "{name}",
        "{0.__class__}",
        "{name!r}",
        "{name:>999999999}",
        "%(name)s",
        "%s%n",
    ),
    *(
        "${7*7}",
        "${name}",
        "#{7*7}",
        "<%= 7*7 %>",
        "{% for x in y %}",
        "{%include '/etc/passwd'%}",
        "{# x #}",
    ),
    *("$name", "@(1+1)", "[[name]]", "~{name}"),
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_template_of_any_language_is_refused_or_stays_text(payload: str):
    facts = facts_of(CHART, born("1990-05-17 08:30"), ZH, TODAY)
    try:
        kept = check_prompt("overview", payload)
    except BadInput:
        assert "{{" in payload
    else:
        assert filled({"overview": kept}, facts, ZH)["overview"] == payload


def test_a_value_is_never_read_as_a_placeholder():
    facts = facts_of(CHART, born("1990-05-17 08:30"), ZH, TODAY) | {"name": "{{chart}}"}
    assert filled({"overview": "{{name}}"}, facts, ZH)["overview"] == "{{chart}}"


def test_a_boss_rewrites_a_prompt_and_takes_ours_back(app: Flask, cast: Cast):
    prompts.save(cast.tenant.id, "career", ZH, " 请写 {{name}} 的事业。\x07 ")
    assert prompts.load(cast.tenant.id, ZH)["career"] == "请写 {{name}} 的事业。"
    assert prompts.load(cast.tenant.id, EN)["career"] == default("career", EN)
    assert prompts.load(cast.other_tenant.id, ZH)["career"] == default("career", ZH)
    assert [each.key for each in prompts.list_prompts(cast.tenant.id, ZH) if each.own] == ["career"]
    prompts.reset(cast.tenant.id, "career", ZH)
    assert prompts.load(cast.tenant.id, ZH)["career"] == default("career", ZH)


def test_every_change_of_a_prompt_is_recorded_once(app: Flask, cast: Cast):
    for body in ("一。", "一。", "二。", "", ""):
        prompts.save(cast.tenant.id, SYSTEM, ZH, body)
    db.session.flush()
    actions = db.session.scalars(
        select(AuditEvent.action).where(AuditEvent.target_kind == "report_prompt").order_by(AuditEvent.id)
    ).all()
    assert actions == ["report_prompt.changed", "report_prompt.changed", "report_prompt.reset"]


@pytest.mark.parametrize(("key", "locale"), [("nobody", ZH), ("career", "fr")])
def test_there_are_no_other_prompts(app: Flask, cast: Cast, key: str, locale: str):
    with pytest.raises(BadInput):
        prompts.save(cast.tenant.id, key, locale, "x")
    assert re.fullmatch("[a-z_]+", BadInput.code)


@pytest.mark.parametrize("moment", ["1988-07-01 11:30", "1990-05-17", "1995-06-15 23:30", "2000-02-04 20:45"])
@pytest.mark.parametrize("place", ["", "乌鲁木齐", "New York"])
@pytest.mark.parametrize("school", [School(), School(true_solar_time=True, late_zi_next_day=True)])
@pytest.mark.parametrize("exact", [True, False])
def test_every_note_has_its_english_words(moment: str, place: str, school: School, exact: bool):
    chart = chart_of(born(moment, place=place, exact=exact), school)
    for note in (*chart.notes, DISAGREED):
        assert not re.search("[，。；：]", in_english(note)), note
    assert re.fullmatch(r"(about )?\d[\w ]* after birth", luck_in_english(chart.luck_start))
