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
    my_orders,
    order_confirm,
    order_form,
    promote,
    promote_lists,
    shop,
    stars,
    start,
    withdraw,
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
    shop,
    order_form,
    order_confirm,
    my_orders,
    promote,
    promote_lists,
    withdraw,
    stars,
    fallback,
)
TABLE = assemble(module.router for module in _MODULES)
