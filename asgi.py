"""The web application for ASGI servers: Telegram's webhooks on the hot path, pages and API by `wsgi.py` behind it."""

from typing import Any

from a2wsgi import WSGIMiddleware

import wsgi
from app.http.telegram import asgi_app


def _pages(environ: Any, start_response: Any) -> Any:
    # The server ends the body; without this flag a body of unknown length would be read as empty.
    environ["wsgi.input_terminated"] = True
    return wsgi.app(environ, start_response)


app = asgi_app(WSGIMiddleware(_pages, workers=10))
