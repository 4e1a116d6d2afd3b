"""The explicit list of what the HTTP face serves, in the order in which hooks run."""

from types import ModuleType

from flask import Flask

from app.http import (
    assets,
    auth,
    bots,
    broadcasts,
    credits,  # noqa: A004 - ours, not Python's
    credits_auth,
    csrf,
    draw_files,
    draws,
    errors,
    health,
    i18n,
    limits,
    lotteries,
    openapi,
    pages,
    payments,
    people,
    proxies,
    requests,
    security_headers,
    telegram,
    tenancy,
)

FEATURES: tuple[ModuleType, ...] = (
    requests,
    errors,
    security_headers,
    i18n,
    tenancy,
    proxies,
    auth,
    csrf,
    limits,
    assets,
    health,
    people,
    pages,
    draws,
    draw_files,
    bots,
    broadcasts,
    lotteries,
    credits,
    telegram,
    payments,
    credits_auth,
    openapi,
)


def init_app(app: Flask) -> None:
    """Each feature module registers its own blueprint, hooks and error handlers in `init_app`."""
    for feature in FEATURES:
        feature.init_app(app)
