"""Questions of a boss, and what counts as an answer."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput
from app.core.i18n import EN, ZH
from app.domain import form_answers
from app.domain.form_fields import Choice, Field, FieldKind
from app.domain.forms import Several, fields_json, read_fields, read_plain
from app.domain.lottery_fields import BadSpec
from app.domain.products import MAX_FIELDS, ProductKind

SIZES = (Choice("Small", "Small"), Choice("Large", "Large"))


def field(kind: str = "text", **more: object) -> Field:
    return Field("q", "Q", FieldKind(kind), **more)


def test_fields_are_read_and_written_back_as_they_are():
    raw = [
        {"label": "Name"},
        {"key": "age", "label": "Age", "kind": "number", "least": 1, "most": 120, "required": False},
        {"label": "Size", "kind": "choice", "choices": ["Small", "Large"], "hint": "As on the label"},
    ]
    fields = read_fields(raw)
    assert [one.key for one in fields] == ["q1", "age", "q3"]
    assert (fields[1].least, fields[1].most, fields[1].required) == (1, 120, False)
    assert fields[2].choices == SIZES
    assert read_fields(fields_json(fields)) == fields


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ([{"label": ""}], "fields[0].label"),
        ([{"label": "x" * 101}], "fields[0].label"),
        ([{"label": "a", "kind": "place"}], "fields[0].kind"),
        ([{"label": "a", "kind": "file"}], "fields[0].kind"),
        ([{"label": "a", "kind": "choice", "choices": ["one"]}], "fields[0].choices"),
        ([{"label": "a", "kind": "choice", "choices": ["One", "one"]}], "fields[0].choices"),
        ([{"label": "a", "key": "A B"}], "fields[0].key"),
        ([{"label": "a", "key": "k"}, {"label": "b", "key": "k"}], "fields[1].key"),
        ([{"label": "a", "kind": "number", "least": 5, "most": 4}], "fields[0].most"),
        ([{"label": "a", "answer": "x"}], "fields[0].answer"),
        (["text"], "fields[0]"),
        ([{"label": "a"}] * (MAX_FIELDS + 1), "fields"),
    ],
)
def test_what_is_wrong_with_a_question_is_named_by_its_path(raw: list[object], path: str):
    with pytest.raises(BadSpec) as told:
        read_fields(raw)
    assert told.value.field == path


@pytest.mark.parametrize(
    ("kind", "raw", "kept"),
    [
        ("text", "  two\r\nlines ", "two\nlines"),
        ("text", "a\u202eb\u0000c", "abc"),
        ("number", "25", 25),
        ("number", "\uff12\uff15", 25),
        ("number", "1,000", 1000),
        ("number", "-1.50", -1.5),
        ("date", "2026-01-31", "2026-01-31"),
        ("date", "2026/1/31", "2026-01-31"),
        ("date", "2026年1月31日", "2026-01-31"),
        ("date", "20260131", "2026-01-31"),
        ("email", " a.b+c@example.co.uk ", "a.b+c@example.co.uk"),
    ],
)
def test_answers_are_kept_in_one_form(kind: str, raw: str, kept: object):
    assert read_plain(field(kind), raw) == kept


@pytest.mark.parametrize(
    ("kind", "raw", "said"),
    [
        ("text", " \u200b ", "a few words"),
        ("text", "x" * 201, "up to 200"),
        ("number", "many", "like 25"),
        ("number", "1e5", "like 25"),
        ("number", "NaN", "like 25"),
        ("date", "2026-02-30", "no such day"),
        ("date", "tomorrow", "2026-01-31"),
        ("date", "0000-01-01", "no such day"),
        ("email", "me@home", "e-mail"),
        ("email", "a" * 250 + "@example.com", "e-mail"),
        ("choice", "Middle", "buttons"),
    ],
)
def test_a_wrong_answer_is_told_what_is_expected(kind: str, raw: str, said: str):
    with pytest.raises(BadInput) as told:
        read_plain(field(kind, choices=SIZES), raw)
    assert said in told.value.text(EN)


@pytest.mark.parametrize(
    ("bounds", "raw", "said"),
    [
        ({"least": 1, "most": 9}, "10", "from 1 to 9"),
        ({"least": 1}, "0", "at least 1"),
        ({"most": 9}, "10", "at most 9"),
    ],
)
def test_the_bounds_of_a_number_are_said(bounds: dict[str, int], raw: str, said: str):
    with pytest.raises(BadInput) as told:
        read_plain(field("number", **bounds), raw)
    assert said in told.value.text(EN)


@given(st.sampled_from(["text", "number", "date", "email", "choice"]), st.text(max_size=60))
def test_whatever_is_typed_is_an_answer_or_refused_with_words(kind: str, raw: str):
    with suppress(BadInput):
        assert read_plain(field(kind, choices=SIZES), raw) != ""


@given(
    st.sampled_from(form_answers.questions(ProductKind.BAZI_REPORT, ())),
    st.text(max_size=70),
    st.sampled_from(["solar", "lunar"]),
)
def test_so_is_whatever_is_typed_about_a_birth(asked: Field, raw: str, calendar: str):
    with suppress(BadInput):
        kept = form_answers.read_typed(asked, raw, {"calendar": calendar}, EN)
        assert form_answers.in_words(asked, {"calendar": calendar, asked.key: kept}, EN)


def test_a_choice_may_be_named_in_the_persons_language():
    sex = form_answers.questions(ProductKind.BAZI_REPORT, ())[1]
    assert form_answers.read_typed(sex, "Female", {}, EN) == "female"
    assert form_answers.read_typed(sex, "2", {}, EN) == "female"


def test_a_name_of_several_places_gives_them_all_to_choose_from():
    place = form_answers.questions(ProductKind.BAZI_REPORT, ())[5]
    with pytest.raises(Several) as told:
        form_answers.read_answer(place, "Suzhou", {})
    assert len(told.value.choices) > 1
    first = told.value.choices[0]
    assert form_answers.in_words(place, {"place": form_answers.meant(first)}, EN) == first.label


def test_another_calendar_makes_the_date_mean_something_else():
    answers = {"calendar": "solar", "birth_date": {"year": 1990}}
    assert "birth_date" not in form_answers.with_answer(answers, "calendar", "lunar")
    assert "birth_date" in form_answers.with_answer(answers, "calendar", "solar")


def test_answers_to_questions_that_are_gone_are_still_told():
    told = form_answers.lines((field(),), {"q": "yes", "old": 5}, EN)
    assert told == [("Q", "yes"), ("old", "5")]


@pytest.mark.parametrize(
    ("raw", "chinese", "english"),
    [
        ("1990年四月廿三", "农历 1990年四月廿三", "lunar 1990-04-23"),
        ("2020年闰四月初一", "农历 2020年闰四月初一", "lunar 2020-04-01 (leap month 4)"),
        ("1989-12-30", "农历 1989年腊月三十", "lunar 1989-12-30"),
    ],
)
def test_a_lunar_birthday_is_told_as_one(raw: str, chinese: str, english: str):
    questions = form_answers.questions(ProductKind.BAZI_REPORT, ())
    answers: dict[str, object] = {"calendar": "lunar"}
    answers["birth_date"] = form_answers.read_answer(questions[3], raw, answers)
    assert form_answers.lines(questions, answers, ZH)[1] == ("出生日期", chinese)
    assert form_answers.in_words(questions[3], answers, EN) == english


def test_a_solar_birthday_is_told_by_its_numbers():
    answers = {"calendar": "solar", "birth_date": {"year": 1990, "month": 4, "day": 3, "leap": False}}
    assert (
        form_answers.in_words(form_answers.questions(ProductKind.BAZI_REPORT, ())[3], answers, ZH)
        == "1990-04-03"
    )
