"""The fast door for signed postings: `POST /api/credits/sync`, raw ASGI in front of Flask.

It answers calls of version 2 that are in order and leaves every other one, and every refusal, to the Flask view, which
says what is right. Calls that come at the same moment share round trips and commits, see `credits_group`.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

from flask import Flask

from app.core import database_clock, metrics
from app.core.settings import Settings, get_settings
from app.domain.credit_signing import Asked, key_id_of
from app.http import credits_group, i18n, proxies, requests, security_headers
from app.http.credits_auth import PREFIX, REFUSED, Refused, limit_headers
from app.http.credits_group import Done, Outcome
from app.http.credits_queue import Groups
from app.http.credits_words import posted, posted_headers
from app.http.telegram import ASGIApp, Message, Receive, Send
from app.http.tenancy import for_everybody
from app.services.credit_clients import lookup

PATH: Final = f"{PREFIX}/sync"
MAX_BYTES: Final = 16 * 1024
"""More than a posting needs; what is larger goes to Flask, which says how large is too large."""
PATIENCE: Final = 10.0
"""Seconds for the whole body; whoever is slower is left to the application behind, which waits for nobody for ever."""
_SIGNED: Final = (b"x-api-key", b"x-timestamp", b"x-nonce", b"x-signature")
# Signs of a browser, which may be signed in, or have chosen a language.
_BROWSERS: Final = (b"cookie", b"origin", b"sec-fetch-site")
_FORWARDED: Final = {
    b"x-forwarded-for": "HTTP_X_FORWARDED_FOR",
    b"x-forwarded-proto": "HTTP_X_FORWARDED_PROTO",
}


@dataclass(slots=True)
class Call:
    """A call that waits, with what its answer needs."""

    asked: Asked
    headers: dict[bytes, bytes]
    secure: bool
    began: float


class CreditsDoor:
    """The ASGI application of `asgi.py`: postings here, everything else by the application behind it."""

    def __init__(self, behind: ASGIApp, flask: Flask, settings: Settings) -> None:
        self._behind = behind
        self._flask = flask
        self._groups: Groups[Call, Message | Outcome] | None = None
        self._for_everybody = lru_cache(512)(partial(for_everybody, settings))
        hops = settings.trusted_proxies
        self._proxy = proxies.around(lambda _environ, _start: (), hops) if hops else None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, or the life of the server."""
        if scope["type"] == "lifespan":
            await self._behind(scope, self._draining(receive), send)
        elif scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
            await self._take(scope, receive, send)
        else:
            await self._behind(scope, receive, send)

    def _draining(self, receive: Receive) -> Receive:
        async def receive_last() -> Message:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._groups = Groups(self._work)
            elif self._groups is not None:
                await self._groups.close()
            return message

        return receive_last

    async def _take(self, scope: Message, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        headers = dict(scope["headers"])
        tenant_id = self._tenant_of(scope, headers)
        if tenant_id is None or self._groups is None or not self._groups.has_room(tenant_id):
            await self._behind(scope, receive, send)
            return
        heard, body = await _body(receive)
        outcome: Message | Outcome = None
        if body is not None:
            try:
                outcome = await self._groups.put(tenant_id, self._call(scope, headers, body, began))
            except Exception as error:  # noqa: BLE001 - raised again behind
                # Flask logs it and says it as it says every crash. The postings may be made: a repetition finds them.
                outcome = Refused(tenant_id, None, error)
        if isinstance(outcome, dict):
            await send(outcome["start"])
            await send(outcome["body"])
            return
        if outcome is not None:
            scope[REFUSED] = outcome
        await self._behind(scope, _again(heard, receive), send)

    def _tenant_of(self, scope: Message, headers: dict[bytes, bytes]) -> int | None:
        """Whose call it is by the key that it names; None where Flask has to look closer."""
        if (
            b"x-signature" not in headers
            or scope.get("root_path")
            or any(map(headers.__contains__, _BROWSERS))
        ):
            return None
        if not self._for_everybody(headers.get(b"host", b"").decode("latin-1")):
            return None
        return lookup.owner_remembered(key_id_of(headers.get(b"x-api-key", b"").decode("latin-1")))

    def _call(self, scope: Message, headers: dict[bytes, bytes], body: bytes, began: float) -> Call:
        signed = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in scope["headers"]
            if name in _SIGNED
        ]
        address, scheme = self._sender(scope)
        path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        return Call(Asked("POST", path, query, signed, body, address), headers, scheme == "https", began)

    def _sender(self, scope: Message) -> tuple[str, str]:
        """Address and scheme, as the proxies that are trusted tell them."""
        client = scope.get("client")
        environ: dict[str, Any] = {
            "REMOTE_ADDR": client[0] if client else "",
            "wsgi.url_scheme": scope.get("scheme", "http"),
        }
        if self._proxy is not None:
            for name, value in scope["headers"]:
                if name in _FORWARDED:
                    key, text = _FORWARDED[name], value.decode("latin-1")
                    environ[key] = f"{environ[key]},{text}" if key in environ else text
            self._proxy(environ, lambda *_: lambda _: None)
        return environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]

    def _work(self, calls: Sequence[Call]) -> list[Message | Outcome]:
        """In a thread: makes the postings, and the answers of those that were made."""
        outcomes = credits_group.settle(self._flask, [call.asked for call in calls])
        return [
            _answer(call, outcome) if isinstance(outcome, Done) else outcome
            for call, outcome in zip(calls, outcomes, strict=True)
        ]


def _answer(call: Call, done: Done) -> Message:
    """What Flask would answer, as ASGI sends it."""
    locale = i18n.preferred_by(call.headers.get(b"accept-language", b"").decode("latin-1"))
    body = posted(done.posting, locale).model_dump_json().encode()
    given_id = call.headers.get(requests.HEADER.lower().encode(), b"").decode("latin-1")
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **posted_headers(done.posting),
        # Never asked for here: the posting is made, so nothing may fail any more.
        "X-Server-Time": str(int(database_clock.last_known() or time.time())),
        **limit_headers(done.allowance),
        requests.HEADER: requests.sane_id(given_id),
    }
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    metrics.http_answered(PATH, "POST", 200, time.perf_counter() - call.began)
    return {
        "start": {"type": "http.response.start", "status": 200, "headers": encoded + _constant(call.secure)},
        "body": {"type": "http.response.body", "body": body},
    }


@lru_cache(2)
def _constant(secure: bool) -> list[tuple[bytes, bytes]]:  # noqa: FBT001 - a cached function's key
    headers = {**security_headers.headers_of(secure=secure), "Vary": "Cookie"}
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


async def _body(receive: Receive) -> tuple[list[Message], bytes | None]:
    """What was heard, and the body; None = too large, too slow or broken off."""
    heard: list[Message] = []
    raw = b""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while len(raw) <= MAX_BYTES:
                message = await receive()
                heard.append(message)
                raw += message.get("body", b"")
                if message["type"] != "http.request":
                    break
                if not message.get("more_body"):
                    return heard, raw if len(raw) <= MAX_BYTES else None
    return heard, None


def _again(heard: list[Message], receive: Receive) -> Receive:
    """What was heard already, then what comes."""
    messages = iter(heard)

    async def next_one() -> Message:
        return next(messages, None) or await receive()

    return next_one


def asgi_app(behind: ASGIApp, flask: Flask) -> CreditsDoor:
    """What `asgi.py` serves."""
    return CreditsDoor(behind, flask, get_settings())
