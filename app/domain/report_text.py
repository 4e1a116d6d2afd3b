"""Reads a model's answer into chapters: `=== key ===` begins each, and only plain text is left of what is in it."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from app.domain.bazi import SECTIONS

LEAST: Final = {"zh": 80, "en": 250}
MOST: Final = {"zh": 2500, "en": 6000}
"""Characters of one chapter."""
_KEYS: Final = "|".join(SECTIONS)
_MARK: Final = re.compile(
    rf"^[ \t#*>`]*={{2,6}}[ \t]*\[?({_KEYS})\]?[ \t]*={{2,6}}[ \t#*`]*$", re.IGNORECASE | re.MULTILINE
)
_FENCE: Final = re.compile(r"^[ \t]*`{3,}.*$", re.MULTILINE)
_LINK: Final = re.compile(r"!?\[([^\[\]\n]{0,200})\]\([^()\n]{0,500}\)")
_ADDRESS: Final = re.compile(
    r"(?:https?://|www\.|t\.me/|tg://)[^\s，。；、）)】」]*|(?<![\w.])@[A-Za-z]\w{3,31}", re.IGNORECASE
)
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>\n]{0,200}>")
_RULE: Final = re.compile(r"^[ \t]*(?:[-*_=][ \t]*){3,}$", re.MULTILINE)
_LEAD: Final = re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?|[-*+•][ \t]+)", re.MULTILINE)
_STRONG: Final = re.compile(r"(\*{1,3}|_{2,3}|~~|`)(?=\S)([^\n]{1,400}?)(?<=\S)\1")
_INVISIBLE: Final = re.compile(
    "[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\uffff]"
)
_SENTENCE_END: Final = re.compile(r"[。！？!?.](?=[^。！？!?.]*$)")


def mark(key: str) -> str:
    """The line that begins a chapter."""
    return f"=== {key} ==="


def begun(text: str) -> int:
    """How many chapters have begun."""
    return len({found[1].lower() for found in _MARK.finditer(text)})


def chapters(text: str, titles: Mapping[str, str], language: str, *, cut: bool) -> dict[str, tuple[str, ...]]:
    """Each chapter's paragraphs, without those that are too short. `cut`: the last one has no end and is left out."""
    marks = list(_MARK.finditer(text))
    ends = [each.start() for each in marks[1:]] + [len(text)]
    found: dict[str, tuple[str, ...]] = {}
    # Without a mark there is an end and nothing that it ends.
    for begin, end in list(zip(marks, ends, strict=False))[: -1 if cut else None]:
        key = begin[1].lower()
        paragraphs = _bounded(plain(text[begin.end() : end], titles[key]), MOST[language])
        if key not in found and sum(map(len, paragraphs)) >= LEAST[language]:
            found[key] = paragraphs
    return found


def plain(text: str, title: str = "") -> list[str]:
    """The paragraphs of a text without Markdown, tags, links and invisible characters, and without its title."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text.replace("\t", " ")))
    for pattern, instead in (
        (_FENCE, ""),
        (_LINK, r"\1"),
        (_ADDRESS, ""),
        (_TAG, ""),
        (_RULE, ""),
        (_LEAD, ""),
    ):
        text = pattern.sub(instead, text)
    for _ in range(2):
        text = _STRONG.sub(r"\2", text)
    lines = [" ".join(line.replace("**", "").split()) for line in text.split("\n")]
    return [line for line in lines if line and line.strip("：:【】 ") != title]


def _bounded(paragraphs: Iterable[str], most: int) -> tuple[str, ...]:
    """As much as fits; the last paragraph ends with a sentence."""
    kept: list[str] = []
    left = most
    for paragraph in paragraphs:
        if len(paragraph) > left:
            part = paragraph[:left]
            end = _SENTENCE_END.search(part)
            kept += [part[: end.end()]] if end else []
            break
        kept.append(paragraph)
        left -= len(paragraph)
    return tuple(kept)
