"""The web application for ASGI servers: Telegram's webhooks on the hot path, pages and API by `wsgi.py` behind it."""

import wsgi
from app.http.serving import Pages
from app.http.telegram import asgi_app

app = asgi_app(Pages(wsgi.app))
