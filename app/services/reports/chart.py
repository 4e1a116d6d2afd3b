"""The chart of a report: by Yuanfenju where there is an account, by our own calculation otherwise."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from app.domain.bazi import Birth, Chart, ChartSource, Decade, Pillar, School
from app.domain.bazi_builtin import DECADES, chart_of
from app.domain.services import Access
from app.domain.solar_time import moments
from app.gateways.yuanfenju import Answer, Question, Refused, ask_chart

log = logging.getLogger(__name__)

DISAGREED: Final = "外部排盘服务给出的四柱与本系统的计算不一致，本报告采用本系统的计算。"
INSTEAD: Final = "外部排盘服务暂不可用，本报告采用本系统的计算。"


def make_chart(birth: Birth, school: School, key: Access | None) -> Chart:
    """The chart. Raises BadInput for an impossible date, ServiceFailed where the account's service fails.

    The service is asked for the time by the sky, which it takes for China's. What it leaves out comes from our own
    calculation. A birth that it refuses, or about whose pillars it says something else, gets our own chart whole:
    it can't be told of summer time abroad, of a term's minute there, or of an unknown hour, and a chart of two
    minds would contradict itself.
    """
    own = chart_of(birth, school)
    if key is None:
        return own
    local = moments(birth, school).local
    try:
        answer = ask_chart(Question(local, birth.sex, school.late_zi_next_day), key)
    except Refused:
        return own
    if not _agrees(answer, own):
        log.warning(
            "charts differ", extra={"pillars": answer.pillars, "own": [str(each) for each in own.pillars]}
        )
        return replace(own, notes=(*own.notes, DISAGREED))
    return _filled(own, answer)


def make_instead(birth: Birth, school: School) -> Chart:
    """Our own chart, with a note of it, where the account's service will not answer before somebody mends it."""
    own = chart_of(birth, school)
    return replace(own, notes=(*own.notes, INSTEAD))


def _agrees(answer: Answer, own: Chart) -> bool:
    same_sex = answer.sex is None or answer.sex is own.sex
    return same_sex and list(answer.pillars[: len(own.pillars)]) == [str(each) for each in own.pillars]


def _filled(own: Chart, answer: Answer) -> Chart:
    names = ("year", "month", "day", "hour")
    sounds = dict(zip(names, answer.na_yin, strict=False))
    return replace(
        own,
        source=ChartSource.YUANFENJU,
        year=_sounding(own.year, sounds, "year"),
        month=_sounding(own.month, sounds, "month"),
        day=_sounding(own.day, sounds, "day"),
        hour=own.hour and _sounding(own.hour, sounds, "hour"),
        void=answer.void or own.void,
        luck_start=answer.luck_start or own.luck_start,
        decades=_decades(answer.decades, own.decades),
    )


def _sounding(pillar: Pillar, sounds: Mapping[str, str], name: str) -> Pillar:
    return replace(pillar, na_yin=sounds.get(name, pillar.na_yin))


def _decades(given: tuple[Decade, ...], own: tuple[Decade, ...]) -> tuple[Decade, ...]:
    """Theirs, where they run through the same pillars; they count the first age their way."""
    theirs = given[:DECADES]
    same = [each.pillar for each in theirs] == [each.pillar for each in own[: len(theirs)]]
    return theirs if len(theirs) >= 8 and same else own
