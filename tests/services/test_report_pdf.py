"""The printed report: what is in it, that it is always the same, and that nothing a buyer types is code."""

import hashlib
import re
import subprocess
import sys
import zlib
from dataclasses import replace
from datetime import date
from threading import Thread

import pytest

from app.domain.bazi import (
    SECTIONS,
    Birth,
    Calendar,
    Chart,
    Place,
    ReportText,
    School,
    Section,
    Sex,
    TextSource,
)
from app.domain.bazi_builtin import chart_of
from app.services.reports import pdf, pdf_data, pdf_letters, pdf_notes, pdf_words

MADE_ON = date(2026, 11, 20)
GUANGZHOU = Place("广州", 113.26, 23.13, "Asia/Shanghai")
BIRTH = Birth("欧阳明月", Sex.FEMALE, Calendar.SOLAR, 1988, 11, 8, hour=12, minute=20, place=GUANGZHOU)
SCHOOL = School(true_solar_time=True)
PARAGRAPH = "癸水生于亥月，水势正旺，如秋冬之交的江河，外表沉静而内里奔流不息。" * 4
HEAD = pdf.PdfHead("欧阳明月", "半山命理馆", "八字命书", "B7K29QXM", MADE_ON, "zh_CN")


def text_of(paragraphs: int = 2, locale: str = "zh_CN", paragraph: str = PARAGRAPH) -> ReportText:
    chapters = tuple(Section(key, f"第{key}章", (paragraph,) * paragraphs) for key in SECTIONS)
    return ReportText(TextSource.BUILT_IN, locale, chapters)


def inside(report: bytes) -> bytes:
    """The report with its streams unpacked."""
    parts = [report]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", report, re.DOTALL):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"\n".join(parts)


def pages(report: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", inside(report)))


@pytest.fixture(scope="module")
def chart() -> Chart:
    return chart_of(BIRTH, SCHOOL)


@pytest.fixture(scope="module")
def report(chart: Chart) -> bytes:
    return pdf.render(HEAD, chart, text_of())


def test_a_report_is_a_pdf_of_a_reasonable_size(report: bytes) -> None:
    assert report.startswith(b"%PDF-1.7")
    # Cover, contents, three pages of chart, nine chapters, notes, last page.
    assert pages(report) == 16
    assert len(report) < 1_000_000


def test_its_fonts_are_ours_and_embedded(report: bytes) -> None:
    whole = inside(report)
    fonts = set(re.findall(rb"/BaseFont\s*/[A-Z]{6}\+([A-Za-z-]+)", whole))
    assert fonts == {b"NotoSerifSC-Regular", b"NotoSerifSC-SemiBold", b"NotoSansSC-Regular"}
    assert whole.count(b"/FontFile") == 3


def test_its_letters_can_be_copied_as_text(report: bytes) -> None:
    whole = inside(report).upper()
    for letter in "欧阳明月癸亥":
        assert f"{ord(letter):04X}".encode() in whole


def test_its_metadata_say_title_and_shop_and_no_more_of_the_buyer(report: bytes) -> None:
    whole = inside(report).decode("utf-8", "replace")
    described = whole[whole.index("<rdf:Description") : whole.index("</rdf:Description>")]
    assert "欧阳明月 · 八字命书" in described
    assert "<rdf:li>半山命理馆</rdf:li>" in described
    assert "2026-11-20T00:00:00" in described
    assert "1988" not in described
    assert "B7K29QXM" not in described


def test_the_same_report_has_the_same_sum_in_another_process(report: bytes) -> None:
    program = (
        "import hashlib; from tests.services.test_report_pdf import *;"
        "print(hashlib.sha256(pdf.render(HEAD, chart_of(BIRTH, SCHOOL), text_of())).hexdigest())"
    )
    again = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert again.stdout.strip() == hashlib.sha256(report).hexdigest()


def test_several_at_once_come_out_like_one(chart: Chart, report: bytes) -> None:
    made: list[bytes] = []
    threads = [Thread(target=lambda: made.append(pdf.render(HEAD, chart, text_of()))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [report] * 5


HOSTILE = [
    '#eval("1")',
    "]#panic()[",
    '"}); #panic("x")',
    "\\#{} $x$ <label> @ref // /* `",
    "\u202ekcart\u2066",
    "\x00\x07\ud800",
    "😀👨\u200d👩",
    "𠮷野家䶮㛃",
    "Z\u0335\u0321a\u0301lgo",
    "محمد 김철수",
    "司马相如" * 30,
    "A" * 300,
    "",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_buyer_types_is_only_text(chart: Chart, report: bytes, name: str) -> None:
    head = replace(HEAD, name=name, shop=name, product=name, code=name)
    assert pages(pdf.render(head, chart, text_of())) == pages(report)


def test_text_by_a_model_is_only_text(chart: Chart, report: bytes) -> None:
    hostile = text_of(paragraph='#panic() ]) $ \\ "  #import "look.typ" \u202e 😀')
    assert pages(pdf.render(HEAD, chart, hostile)) == pages(report)


def test_marks_that_turn_a_line_around_and_emoji_are_left_out() -> None:
    assert pdf_letters.clean("a\u202eb 😀\x00c\n d") == "ab c d"


def test_rare_letters_are_kept_and_those_we_have_no_type_for_are_marked() -> None:
    assert pdf_letters.clean("䶮㛃𬭎") == "䶮㛃𬭎"
    assert pdf_letters.clean("𠮷野 Nguyễn") == "〓野 Nguyễn"


def test_every_letter_of_the_common_encodings_can_be_printed() -> None:
    for encoding, count in (("gb2312", 6763), ("gbk", 20902)):
        han = [chr(code) for code in range(0x3400, 0xA000) if chr(code).encode(encoding, "ignore")]
        assert len(han) == count
        assert pdf_letters.clean("".join(han)) == "".join(han)


def test_the_fonts_are_those_whose_sums_are_written_down() -> None:
    folder = pdf_letters.ASSETS / "fonts"
    sums = dict(line.split()[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.ttf")}
    assert found == sums
    assert sum(path.stat().st_size for path in folder.glob("*.ttf")) < 16_000_000
    for licence in folder.glob("OFL-*.txt"):
        assert "SIL OPEN FONT LICENSE" in licence.read_text()


def test_an_unknown_hour_leaves_three_pillars() -> None:
    three = chart_of(replace(BIRTH, hour=None, minute=0), SCHOOL)
    assert pages(pdf.render(HEAD, three, text_of())) == 16
    shown = book(three, "zh")
    assert [one["title"] for one in shown["pillars"]] == ["年柱", "月柱", "日柱"]


def test_a_very_long_chapter_goes_on_over_pages(chart: Chart, report: bytes) -> None:
    assert pages(pdf.render(HEAD, chart, text_of(60))) > pages(report) + 9 * 10


def test_a_chart_with_gaps_is_printed(chart: Chart) -> None:
    bare = replace(
        chart,
        elements={},
        strength="",
        favourable=(),
        void="",
        luck_start="",
        decades=(),
        notes=(),
        zodiac="",
    )
    assert pages(pdf.render(HEAD, bare, text_of())) == 15


def test_an_english_report_explains_the_chinese(chart: Chart) -> None:
    head = replace(HEAD, name="Alexander Nguyễn", locale="en")
    english = text_of(locale="en", paragraph="Your water runs “full” and deep — like a river. " * 8)
    assert pages(pdf.render(head, chart, english)) == 16
    day = book(chart, "en")["pillars"][2]
    assert (day["stem"]["gloss"], day["branch"]["gloss"], day["god"]) == (
        "dīng · Fire",
        "Rabbit",
        "Day master",
    )


def test_the_decade_under_way_is_marked(chart: Chart) -> None:
    assert [one["years"] for one in book(chart, "zh")["decades"] if one["now"]] == ["2019\u20132028"]


@pytest.mark.parametrize(
    "birth",
    [
        BIRTH,
        replace(BIRTH, hour=None, minute=0),
        replace(BIRTH, month=2, day=4, hour=23),
        replace(BIRTH, month=7, place=None),
        replace(BIRTH, month=7, exact=False, hour=11, minute=0),
        replace(BIRTH, place=Place("纽约", -74.0, 40.7, "America/New_York")),
        replace(BIRTH, month=1, day=20),
    ],
)
@pytest.mark.parametrize("next_day", [False, True])
def test_every_note_about_the_reckoning_has_its_english(birth: Birth, next_day: bool) -> None:
    notes = chart_of(birth, School(late_zi_next_day=next_day, true_solar_time=True)).notes
    for note in notes:
        assert pdf_notes.in_english(note) != note


def test_both_languages_say_the_same_things() -> None:
    assert pdf_words.words("zh").keys() == pdf_words.words("en").keys()


def book(chart: Chart, lang: str) -> dict:
    return pdf_data.book(
        name="欧阳明月",
        shop="s",
        product="p",
        code="c",
        made_on=MADE_ON,
        lang=lang,
        chart=chart,
        text=text_of(),
    )
