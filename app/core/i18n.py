"""Languages of the product, and translation outside of a web request."""

from functools import cache
from pathlib import Path

from babel.support import NullTranslations, Translations

ZH = "zh_Hans_CN"
EN = "en"
LOCALES = (ZH, EN)
CATALOGUES = Path(__file__).parent.parent / "translations"


def N_(text: str) -> str:  # noqa: N802 - the name that gettext tools know for "translate later"
    """Marks a text for extraction; whoever shows it translates it."""
    return text


def locale_of(tag: str | None) -> str | None:
    """Maps a language tag (`zh-hans`, `zh_CN`, `en-GB`) to one of ours, or None when it is neither."""
    language = (tag or "").replace("_", "-").split("-")[0].lower()
    return {"zh": ZH, "en": EN}.get(language)


@cache
def _catalogue(locale: str) -> NullTranslations:
    return Translations.load(str(CATALOGUES), [locale])


def translate(locale: str, msgid: str, **params: object) -> str:
    """The text in `locale`, its `%(name)s` placeholders filled; the English msgid where no translation exists."""
    text: str = _catalogue(locale).gettext(msgid)
    return text % params if params else text
