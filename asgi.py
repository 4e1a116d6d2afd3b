"""The web application for ASGI servers: Telegram's webhooks and partners' postings on hot paths, pages and API by `wsgi.py` behind them."""

import wsgi
from app.http import credits_door, telegram
from app.http.serving import Pages

app = credits_door.asgi_app(telegram.asgi_app(Pages(wsgi.app)), wsgi.app)
