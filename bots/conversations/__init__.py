"""The conversations. A new one is a file with a `router`, and a line here."""

from bots.conversations import (
    admin,
    cancel,
    fallback,
    help,  # noqa: A004
    language,
    link,
    lotteries,
    lottery_join,
    menu,
    my_lotteries,
    start,
)
from bots.router import assemble

_MODULES = (
    start,
    help,
    cancel,
    menu,
    language,
    link,
    admin,
    lotteries,
    lottery_join,
    my_lotteries,
    fallback,
)
TABLE = assemble(module.router for module in _MODULES)
