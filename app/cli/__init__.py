"""The command face: `flask <group> <verb>`; the explicit list of groups."""

from types import ModuleType

from flask import Flask

from app.cli import bots, demo, keys, operators, people, system, tenants

FEATURES: tuple[ModuleType, ...] = (bots, demo, keys, operators, people, system, tenants)


def init_app(app: Flask) -> None:
    """Each feature module registers its group in `init_app`."""
    for feature in FEATURES:
        feature.init_app(app)
