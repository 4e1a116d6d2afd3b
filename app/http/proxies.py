"""Believes the proxies in front of us about who asks and by https, and nobody else."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app.core.settings import Settings


def init_app(app: Flask) -> None:
    """Takes address and scheme from as many proxies as TRUSTED_PROXIES says; the host is the one of the request itself."""
    settings: Settings = app.extensions["settings"]
    hops = settings.trusted_proxies
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
