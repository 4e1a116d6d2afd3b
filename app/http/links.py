"""Addresses for e-mail and chats. They never follow the Host header of a request, which anybody can write."""

from flask import current_app, request

from app.core.settings import Settings


def outside_url(endpoint: str, **values: str) -> str:
    """A complete address under PUBLIC_URL; where none is set (development), under the one the browser used."""
    settings: Settings = current_app.extensions["settings"]
    # The path alone: a tenant's prefix or host of this request has no place in a letter.
    path = current_app.url_map.bind("").build(endpoint, values)
    return (settings.public_url or request.host_url.rstrip("/")) + path


def https(settings: Settings) -> bool:
    """Whether people reach us by https, so that cookies may insist on it."""
    return settings.public_url.startswith("https://")
