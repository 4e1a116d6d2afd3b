"""The boss's pages."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Adds the admin pages."""
