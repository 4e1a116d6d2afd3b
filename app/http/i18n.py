"""Language and time zone of a request. There are two languages; Flask-Admin knows Chinese only as `zh_Hans_CN`."""

from collections.abc import Iterable
from functools import lru_cache

from flask import Flask, g, has_request_context, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from app.core.i18n import EN, LOCALES, ZH, locale_of

COOKIE = "laoban_language"
HTML_LANG = {ZH: "zh-CN", EN: "en"}


def select_locale() -> str:
    """What the person's account says, else what was chosen in this browser, else what it asks for, else Chinese."""
    if not has_request_context():
        return ZH
    viewer = g.get("viewer")
    for chosen in (viewer.locale if viewer else None, request.cookies.get(COOKIE)):
        if chosen in LOCALES:
            return str(chosen)
    return preferred(request.accept_languages.values())


def preferred(tags: Iterable[str]) -> str:
    """The first of these language tags that is one of ours, else Chinese."""
    return next((locale for locale in map(locale_of, tags) if locale), ZH)


@lru_cache(512)
def preferred_by(header: str) -> str:
    """The same of an Accept-Language header."""
    return preferred(parse_accept_header(header, LanguageAccept).values())


def select_timezone() -> str | None:
    """The open tenant's zone; None means the default."""
    viewer = g.get("viewer") if has_request_context() else None
    return viewer.timezone if viewer else None


def html_lang() -> str:
    """The value of `<html lang>`."""
    return HTML_LANG[select_locale()]


def init_app(app: Flask) -> None:
    """Tells Flask-Babel how to choose."""
    config = app.extensions["babel"]
    config.locale_selector = select_locale
    config.timezone_selector = select_timezone
    config.default_timezone = "Asia/Shanghai"
    app.add_template_global(html_lang)
