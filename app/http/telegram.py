"""`POST /api/webhook/<public id>/`: Telegram brings an update, and hears 200 only after the row is committed.

Two doors with one behaviour: `WebhookApp`, raw ASGI in front of Flask, where every update passes, and a Flask view for
hosts that only speak WSGI. No answer has a body, because Telegram would carry out a `method` found in it.

A stopped bot answers 503: until its webhook is taken away its updates stay with Telegram, as those of a stopped bot
that is polled do, and nothing is answered out of order when the boss starts it again.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final, NamedTuple

from flask import Blueprint, Flask, Response, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from app.core import metrics
from app.core.queue import transaction
from app.core.settings import Settings, get_settings
from app.core.tenancy import tenant_scope
from app.domain.bots import BotConfig
from app.domain.inbox import MAX_BYTES, read_head
from app.http.access import own_secret
from app.http.csrf import csrf
from app.services import directory
from app.services.directory import UNKNOWN, AsyncDirectory, DirectoryUnavailable
from app.services.inbox import intake
from app.services.inbox.writer import GroupWriter, InboxUnavailable

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

PREFIX: Final = "/api/webhook/"
SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a name
_SECRET_HEADER: Final = SECRET_HEADER.lower().encode()
WEBHOOK: Final = "webhook"
_NOBODY: Final = secrets.token_urlsafe(32).encode()
"""Compared with where there is no bot, so that an unknown bot takes as long as a wrong secret."""


class Answer(NamedTuple):
    """A status and what goes with it; the body is always empty."""

    status: int
    headers: dict[str, str]

    def message(self) -> Message:
        """The answer as ASGI sends it."""
        headers = {"content-length": "0", **self.headers}
        return {
            "type": "http.response.start",
            "status": self.status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }


# Whoever is refused before his body was read has to hear that the connection ends: the server closes it, so that what
# is left of the body cannot pass for another request.
_LAST: Final = {"Connection": "close"}
TAKEN = Answer(200, {})
FORBIDDEN = Answer(403, _LAST)
NOT_POST = Answer(405, {"Allow": "POST"})
UNFINISHED = Answer(400, _LAST)
TOO_LARGE = Answer(413, _LAST)
AWAY = Answer(503, {"Retry-After": "5"})
FULL = Answer(503, {"Retry-After": "30"})
STOPPED = Answer(503, {"Retry-After": "60", **_LAST})
_MESSAGES: Final = {
    id(answer): answer.message()
    for answer in (TAKEN, FORBIDDEN, NOT_POST, UNFINISHED, TOO_LARGE, AWAY, FULL, STOPPED)
}
_NO_BODY: Final[Message] = {"type": "http.response.body", "body": b""}


def may_speak(config: BotConfig | None, given: bytes | None) -> bool:
    """Whether this is Telegram speaking for this bot: the secret of now, or the one before it within its grace."""
    right = hmac.compare_digest(given or b"", config.secret.encode() if config else _NOBODY)
    if config is not None and config.former_secret:
        right |= hmac.compare_digest(given or b"", config.former_secret.encode())
    return right and config is not None and given is not None


def refusal(config: BotConfig | None, given: bytes | None) -> Answer | None:
    """The answer to somebody who may not speak, or for a bot that is stopped; None when all is well."""
    if not may_speak(config, given) or config is None:
        return FORBIDDEN
    return None if config.enabled else STOPPED


class WebhookApp:
    """The ASGI application of `asgi.py`: webhooks here, everything else by the Flask application behind it."""

    def __init__(self, flask: ASGIApp, settings: Settings) -> None:
        self._flask = flask
        self._settings = settings
        self._chat_shards = settings.chat_shards

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, or the life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            public_id: str = scope["path"][len(PREFIX) :].removesuffix("/")
            if public_id and "/" not in public_id:
                try:
                    answer = await self._take(public_id, scope, receive)
                except (DirectoryUnavailable, InboxUnavailable):
                    answer = AWAY
                await send(_MESSAGES[id(answer)])
                await send(_NO_BODY)
                return
        await self._flask(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._directory = AsyncDirectory(self._settings)
                self._writer = GroupWriter(self._settings, WEBHOOK)
                self._directory.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._writer.close()
                await self._directory.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _take(self, public_id: str, scope: Message, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            return NOT_POST
        secret, length = _headers(scope["headers"])
        if length > MAX_BYTES:
            return TOO_LARGE
        config = self._directory.cached(public_id)
        if config is UNKNOWN:
            config = await self._directory.find(public_id)
        refused = refusal(config, secret)
        if refused or config is None:
            return refused or FORBIDDEN
        message = await receive()
        raw = message["body"] if not message.get("more_body", True) else await _body(receive, message)
        if not isinstance(raw, bytes):
            return raw
        head = read_head(raw)
        if head is None:
            await self._writer.keep_junk(config, raw)
        elif self._writer.admit(config.id):
            await self._writer.write(intake.row_of(config, head, raw, self._chat_shards))
        else:
            return FULL
        return TAKEN


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes | None, int]:
    """(the secret, None where it is missing or given twice; the declared length)."""
    found, length = [], 0
    for name, value in headers:
        if name == _SECRET_HEADER:
            found.append(value)
        elif name == b"content-length":
            length = int(value)
    return found[0] if len(found) == 1 else None, length


async def _body(receive: Receive, message: Message) -> bytes | Answer:
    """The rest of a body that comes in parts; stops reading at the limit, and encodings are nobody's business here."""
    raw = bytearray(message.get("body", b""))
    while message.get("more_body") and len(raw) <= MAX_BYTES:
        message = await receive()
        raw += message.get("body", b"")
    if message["type"] == "http.disconnect":
        return UNFINISHED
    return bytes(raw) if len(raw) <= MAX_BYTES else TOO_LARGE


blueprint = Blueprint("telegram", __name__)


@blueprint.route(
    f"{PREFIX}<public_id>/", methods=["POST"], strict_slashes=False, provide_automatic_options=False
)
@own_secret
def webhook(public_id: str) -> Response:
    """The same as WebhookApp, with one commit for each update."""
    answer = TOO_LARGE if (request.content_length or 0) > MAX_BYTES else _take(public_id)
    return Response(status=answer.status, headers=answer.headers, content_type="text/plain")


def _take(public_id: str) -> Answer:
    try:
        config = directory.find_by_public_id(public_id)
        # A server joins doubled headers with a comma, so they are refused as a wrong secret is.
        given = request.headers.get(SECRET_HEADER)
        refused = refusal(config, None if given is None else given.encode())
        if refused or config is None:
            return refused or FORBIDDEN
        request.max_content_length = MAX_BYTES + 1
        raw = request.get_data(cache=False)
        return _keep(config, raw) if len(raw) <= MAX_BYTES else TOO_LARGE
    except RequestEntityTooLarge:
        return TOO_LARGE
    except ClientDisconnected:
        return UNFINISHED
    except (DBAPIError, PoolTimeout):
        return AWAY


def _keep(config: BotConfig, raw: bytes) -> Answer:
    head = read_head(raw)
    with tenant_scope(config.tenant_id), transaction():
        if head is None:
            intake.keep_junk(config, raw)
        elif intake.accept(config, head, raw) is intake.Verdict.FULL:
            return FULL
    metrics.updates_accepted(WEBHOOK)
    return TAKEN


def init_app(app: Flask) -> None:
    """Telegram has no session, so there is none to protect."""
    csrf.exempt(blueprint)
    app.register_blueprint(blueprint)


def asgi_app(flask: ASGIApp) -> WebhookApp:
    """What `asgi.py` serves."""
    return WebhookApp(flask, get_settings())
