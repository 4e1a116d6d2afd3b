"""The web application: pages, admin, API and commands. `wsgi:app` serves everything on hosts that only speak WSGI."""

import admin
from app import cli, http
from app.factory import create_app

app = create_app()
http.init_app(app)
admin.init_app(app)
cli.init_app(app)
