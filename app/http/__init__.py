"""The HTTP face: explicit list of what is served."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers pages, API, error handlers and request hooks."""
