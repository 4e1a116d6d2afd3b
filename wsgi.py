"""The web application: pages, admin, API and commands. `wsgi:app` serves everything on hosts that only speak WSGI."""

import os

import admin
from app import cli, http
from app.core.settings import get_settings
from app.factory import create_app
from app.services import system

app = create_app()
http.init_app(app)
admin.init_app(app)
cli.init_app(app)
# Commands must run on a deployment that is not sound: they say what is wrong and mend it.
if not os.environ.get("FLASK_RUN_FROM_CLI"):
    with app.app_context():
        system.refuse_unsafe_start(get_settings())
