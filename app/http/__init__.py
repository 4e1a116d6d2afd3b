"""The HTTP face: the explicit list of what is served, in the order in which hooks run."""

from types import ModuleType

from flask import Flask

FEATURES: tuple[ModuleType, ...] = ()


def init_app(app: Flask) -> None:
    """Each feature module registers its own blueprint, hooks and error handlers in `init_app`."""
    for feature in FEATURES:
        feature.init_app(app)
