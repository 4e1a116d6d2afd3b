"""The prompts that a report is written by: ours, and the rules for those that a boss rewrites.

A prompt is text with `{{placeholders}}` from a fixed list and nothing else; what makes the answer readable by the
program is not part of it and can't be edited away.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.core.errors import BadInput
from app.core.i18n import EN, LOCALES, N_, ZH
from app.domain.bazi import SECTIONS
from app.domain.bot_texts import TextTooLong, TooManyPlaceholders, UnknownPlaceholder, fill, written
from app.domain.report_prompts_en import ENGLISH
from app.domain.report_prompts_zh import CHINESE

SYSTEM: Final = "system"
KEYS: Final = (SYSTEM, *SECTIONS)
LIMITS: Final = {SYSTEM: 4000} | dict.fromkeys(SECTIONS, 1500)
"""Characters."""
MAX_PLACEHOLDERS: Final = 40
PLACEHOLDERS: Final = {
    "name": N_("the buyer's name, in quotation marks"),
    "sex": N_("male or female"),
    "birth": N_("date and time of birth"),
    "pillars": N_("the four pillars"),
    "chart": N_("the whole chart as a table"),
    "day_master": N_("the day's stem with its element"),
    "strength": N_("how strong the day's stem is"),
    "favourable": N_("the elements that help"),
    "elements": N_("the elements' weights"),
    "zodiac": N_("the animal of the year of birth"),
    "decades": N_("all luck pillars"),
    "decade": N_("the current luck pillar"),
    "age": N_("the age as it is counted in China"),
    "year": N_("this year"),
    "year_pillar": N_("this year's pillar"),
    "next_year": N_("next year"),
    "next_year_pillar": N_("next year's pillar"),
    "notes": N_("how the chart was reckoned"),
}
_BRACES: Final = re.compile(r"\{\{[^{}\n]{0,60}\}?\}?")
_NAMED: Final = re.compile(r"\{\{[ \t]{0,8}([a-z_]{1,30})[ \t]{0,8}\}\}")
_CONTROL: Final = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_DEFAULTS: Final[Mapping[str, Mapping[str, str]]] = {ZH: CHINESE, EN: ENGLISH}


class PromptUnknown(BadInput):
    code = "prompt_unknown"
    message = N_("There is no such prompt.")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt as a page shows it."""

    key: str
    body: str
    own: bool
    """The boss wrote it."""


def default(key: str, locale: str) -> str:
    """Our prompt. Raises PromptUnknown."""
    if key not in KEYS or locale not in LOCALES:
        raise PromptUnknown
    return _DEFAULTS[locale][key]


def check_prompt(key: str, body: str) -> str:
    """The prompt as it will be kept, "" when nothing is left of it. Raises BadInput with the reason."""
    if key not in KEYS:
        raise PromptUnknown
    limit = LIMITS[key]
    if len(body) > limit * 4:
        raise TextTooLong(count=len(body), limit=limit)
    body = _CONTROL.sub("", body.replace("\r\n", "\n")).strip()
    if len(body) > limit:
        raise TextTooLong(count=len(body), limit=limit)
    found = _BRACES.findall(body)
    if len(found) > MAX_PLACEHOLDERS:
        raise TooManyPlaceholders(limit=MAX_PLACEHOLDERS)
    for braces in found:
        named = _NAMED.fullmatch(braces)
        if named is None or named[1] not in PLACEHOLDERS:
            raise UnknownPlaceholder(found=braces, known=", ".join(map(written, PLACEHOLDERS)))
    return body


def filled(prompts: Mapping[str, str], facts: Mapping[str, str], locale: str) -> dict[str, str]:
    """Every prompt with its placeholders replaced; ours where there is none."""
    return {key: fill(prompts.get(key) or default(key, locale), facts) for key in KEYS}
