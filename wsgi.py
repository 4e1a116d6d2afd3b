"""The web applications: `wsgi:app` serves everything on hosts that only speak WSGI, `wsgi:payments` callbacks alone.

Each is made when it is asked for, so that neither pays for the other: the one for callbacks imports no bots and no pages.
"""

import os
from importlib import import_module

from flask import Flask

from app.core.settings import get_settings
from app.factory import create_app


def _everything() -> Flask:
    """Pages, admin, API and commands."""
    made = create_app()
    for face in ("app.http.features", "admin", "app.cli"):
        import_module(face).init_app(made)
    # Commands must run on a deployment that is not sound: they say what is wrong and mend it.
    if not os.environ.get("FLASK_RUN_FROM_CLI"):
        with made.app_context():
            import_module("app.services.system").refuse_unsafe_start(get_settings())
    return made


def _payments() -> Flask:
    made: Flask = import_module("app.http.payments").receiver()
    return made


_MAKERS = {"app": _everything, "payments": _payments}


def __getattr__(name: str) -> Flask:
    if name not in _MAKERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = _MAKERS[name]()
    globals()[name] = made
    return made
