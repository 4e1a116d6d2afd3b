"""The command face: `flask <group> <verb>`."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the command groups."""
