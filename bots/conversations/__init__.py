"""The conversations. A new one is a file with a `router`, and a line here."""

from bots.conversations import admin, cancel, fallback, help, language, link, menu, start  # noqa: A004
from bots.router import assemble

TABLE = assemble(module.router for module in (start, help, cancel, menu, language, link, admin, fallback))
