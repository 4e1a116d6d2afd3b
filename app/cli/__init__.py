"""The command face: `flask <group> <verb>`; the explicit list of groups."""

from types import ModuleType

from flask import Flask

from app.cli import bots, demo, keys, lotteries, operators, orders, people, products, system, tenants
from app.cli import credits as ledger

FEATURES: tuple[ModuleType, ...] = (
    bots,
    ledger,
    demo,
    keys,
    lotteries,
    operators,
    orders,
    people,
    products,
    system,
    tenants,
)


def init_app(app: Flask) -> None:
    """Each feature module registers its group in `init_app`."""
    for feature in FEATURES:
        feature.init_app(app)
