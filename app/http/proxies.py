"""Believes the proxies in front of us about who asks and by https, and nobody else."""

from wsgiref.types import WSGIApplication

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app.core.settings import Settings


def init_app(app: Flask) -> None:
    """Takes address and scheme from as many proxies as TRUSTED_PROXIES says; the host is the one of the request itself."""
    settings: Settings = app.extensions["settings"]
    hops = settings.trusted_proxies
    if hops:
        app.wsgi_app = around(app.wsgi_app, hops)  # type: ignore[method-assign]


def around(wsgi: WSGIApplication, hops: int) -> ProxyFix:
    """The application as it is behind so many proxies."""
    return ProxyFix(wsgi, x_for=hops, x_proto=hops, x_host=0)
