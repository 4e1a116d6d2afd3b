"""The words of a report: by a model where there is a key, composed from the chart alone otherwise.

All nine chapters are asked for in one answer. What is missing is asked for once more; of what is still missing a
few chapters are composed by ourselves, and a report without most of its chapters is a failure and never sent.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from app.core.i18n import EN
from app.domain.ai_costs import added
from app.domain.bazi import SECTIONS, Birth, Chart, ReportText, Section, TextSource
from app.domain.bazi_facts import facts_of
from app.domain.bazi_names import TITLES
from app.domain.bazi_words import compose
from app.domain.report_prompts import SYSTEM, filled
from app.domain.report_text import begun, chapters, mark
from app.domain.services import Service, ServiceFailed
from app.gateways.deepseek import Cut, Message, Model, write

MOST_COMPOSED: Final = 3
"""So many chapters of ours may stand in a model's report."""
LEAST_SECONDS: Final = 20.0
"""A second question is not worth beginning with less time than this."""
RULES: Final = {
    "zh": (
        "输出格式（必须严格遵守）：依次写出下列章节，每章以单独一行的标记开头，标记原样照抄，标记后直接写正文段落，"
        "不写章节标题，不写任何其他内容。标记：\n{marks}"
    ),
    "en": (
        "Output format, to be kept exactly: write these chapters in this order. Each begins with its mark on a line of "
        "its own, copied as it is; after it only paragraphs, no title, nothing else. The marks:\n{marks}"
    ),
}
DATA: Final = {
    "zh": "命盘数据：\n{facts}\n\n各章要求：\n{tasks}",
    "en": "The chart:\n{facts}\n\nThe chapters:\n{tasks}",
}
_SHOWN: Final = (
    *("name", "sex", "birth", "zodiac", "chart", "day_master", "strength", "elements", "favourable"),
    *("decades", "decade", "age", "year", "year_pillar", "next_year", "next_year_pillar", "notes"),
)

Progress = Callable[[int], None]
Chapters = dict[str, tuple[str, ...]]


def write_text(
    chart: Chart,
    birth: Birth,
    prompts: Mapping[str, str],
    key: Model | None,
    locale: str,
    *,
    on_progress: Progress,
    deadline: float,
    today: date,
    user: str = "",
) -> ReportText:
    """The text, every chapter of SECTIONS in it. `deadline`: the seconds that all of it may take.

    `on_progress(n)` is called as the n-th chapter begins and may raise to stop the work. Raises ServiceFailed.
    """
    own = compose(chart, locale, today)
    if key is None:
        return ReportText(TextSource.BUILT_IN, locale, _sections(own, locale))
    asked = _Asked(chart, birth, prompts, locale, today)
    found, usage = _Writer(asked, key, user, time.monotonic() + deadline, on_progress).work()
    if len(SECTIONS) - len(found) > MOST_COMPOSED:
        raise ServiceFailed(Service.DEEPSEEK, permanent=False, reason="incomplete", usage=usage)
    return ReportText(TextSource.DEEPSEEK, locale, _sections({**own, **found}, locale), key.model, usage)


class _Asked:
    """The questions to the model about one chart."""

    def __init__(
        self, chart: Chart, birth: Birth, prompts: Mapping[str, str], locale: str, today: date
    ) -> None:
        self.locale = locale
        self.language = "en" if locale == EN else "zh"
        self._facts = facts_of(chart, birth, locale, today)
        self._prompts = filled(prompts, self._facts, locale)

    def messages(self, sections: tuple[str, ...]) -> list[Message]:
        """The question for these chapters. The rules stand last, behind everything that anybody may edit."""
        facts = "\n".join(f"{name}: {self._facts[name]}" for name in _SHOWN)
        tasks = "\n".join(f"{mark(each)}\n{self._prompts[each]}" for each in sections)
        rules = RULES[self.language].format(marks="\n".join(map(mark, sections)))
        data = DATA[self.language].format(facts=facts, tasks=tasks)
        return [
            {"role": "system", "content": self._prompts[SYSTEM]},
            {"role": "user", "content": f"{data}\n\n{rules}"},
        ]


@dataclass(slots=True)
class _Writer:
    """The model at work on one report."""

    asked: _Asked
    key: Model
    user: str
    until: float
    on_progress: Progress
    before: int = 0
    """Chapters that were complete before the question that is being answered."""
    told: int = 0

    def work(self) -> tuple[Chapters, Mapping[str, int]]:
        """All that it wrote in at most two answers, and what they used. Raises ServiceFailed."""
        found, usage, failure = self._answer(SECTIONS)
        if failure is not None and not found:
            raise failure
        missing = tuple(each for each in SECTIONS if each not in found)
        if not missing or self._left() < LEAST_SECONDS:
            return found, usage
        self.before = len(found)
        more, used, _failure = self._answer(missing)
        return {**more, **found}, added(usage, used)

    def _answer(self, sections: tuple[str, ...]) -> tuple[Chapters, Mapping[str, int], ServiceFailed | None]:
        """The complete chapters of one answer, what it used, and why there are not more."""
        titles, language = TITLES[self.asked.locale], self.asked.language
        messages = self.asked.messages(sections)
        try:
            written = write(messages, self.key, user=self.user, seconds=self._left(), on_text=self._heard)
        except Cut as cut:
            return chapters(cut.answer, titles, language, cut=True), cut.usage, cut
        except ServiceFailed as failure:
            return {}, failure.usage, failure
        return chapters(written.text, titles, language, cut=False), written.usage, None

    def _left(self) -> float:
        return max(0.1, self.until - time.monotonic())

    def _heard(self, text: str) -> None:
        """Tells of each chapter once."""
        reached = min(self.before + begun(text), len(SECTIONS))
        if reached > self.told:
            self.told = reached
            self.on_progress(reached)


def _sections(found: Mapping[str, tuple[str, ...]], locale: str) -> tuple[Section, ...]:
    return tuple(Section(key, TITLES[locale][key], tuple(found[key])) for key in SECTIONS)
