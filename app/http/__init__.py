"""The HTTP face: the explicit list of what is served, in the order in which hooks run."""

from types import ModuleType

from flask import Flask

from app.http import assets, csrf, errors, i18n, openapi, pages, security_headers

FEATURES: tuple[ModuleType, ...] = (errors, security_headers, i18n, assets, csrf, pages, openapi)


def init_app(app: Flask) -> None:
    """Each feature module registers its own blueprint, hooks and error handlers in `init_app`."""
    for feature in FEATURES:
        feature.init_app(app)
