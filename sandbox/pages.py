"""The pages for people: start page, BotFather, chats."""

import asyncio
import mimetypes
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import orjson
from jinja2 import Environment, FileSystemLoader

from sandbox.actions import bots_in
from sandbox.botapi.access import PRESENT
from sandbox.http import Request, Response
from sandbox.models import Bot
from sandbox.shapes import Json
from sandbox.texts import LANGUAGES, words
from sandbox.world import FIRST_PERSON, World

HERE = Path(__file__).parent
HTML = "text/html; charset=utf-8"
# Colours of round pictures, picked by id.
HUES = (6, 28, 146, 172, 205, 262, 330)
SECURITY = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
# Types that a browser may show; everything else is only saved.
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


class Pages:
    """Answers browsers."""

    def __init__(self, world: World) -> None:
        self._world = world
        loader = FileSystemLoader(HERE / "templates")
        self._templates = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
        self._templates.filters["json"] = lambda value: orjson.dumps(value).decode().replace("<", "\\u003c")

    def handle(self, request: Request) -> Response:
        """One page, file or picture."""
        if request.method not in {"GET", "HEAD"}:
            return Response(b"Method Not Allowed", 405, "text/plain")
        path = unquote(request.path)
        if path == "/healthz":
            return Response(b'{"ok":true}')
        for prefix, answer in (("/static/", self._static), ("/media/", self._media)):
            if path.startswith(prefix):
                return answer(path.removeprefix(prefix))
        return self._page(request, path)

    def _page(self, request: Request, path: str) -> Response:
        if path == "/":
            partners = list(self._world.partners.partners.values())
            chats = self._chat_rows(None)
            return self.render(request, "home.html", bots=self._bot_rows(), chats=chats, partners=partners)
        if path == "/botfather":
            return self.render(request, "botfather.html", bots=self._bot_rows())
        if path.startswith("/chat/"):
            return self._chat(request, path.removeprefix("/chat/"))
        return self.render(request, "not_found.html", status=404)

    def _chat(self, request: Request, username: str) -> Response:
        bot = self._world.find_bot(username)
        query = dict(parse_qsl(request.query))
        user_id = query.get("user", "")
        person = self._world.person(int(user_id) if user_id.isdigit() else FIRST_PERSON)
        chat = self._world.find_chat(query["chat"]) if "chat" in query else None
        if bot is None or ("chat" in query and chat is None):
            return self.render(request, "not_found.html", status=404)
        viewer: Json = {**person.user(), "hue": hue(person.id)}
        page: Json = {
            "bot": {**bot.user(), "hue": hue(bot.id), "commands": commands_of(bot)},
            "user": viewer,
            "chat": {**chat.chat(), "hue": hue(chat.id), "is_member": chat.members.get(person.id) in PRESENT,
                     "can_post": chat.type != "channel"} if chat else None,
            "is_blocked": person.id in bot.blocked_by,
            "start": query.get("start", ""),
        }  # fmt: skip
        people = [{**other.user(), "hue": hue(other.id)} for other in list(self._world.people.values())[:20]]
        if all(other["id"] != person.id for other in people):
            people.append(viewer)
        return self.render(
            request, "chat.html", page=page, people=people, bots=self._bot_rows(), chats=self._chat_rows(bot),
            shown=chat, members=sum(status in PRESENT for status in chat.members.values()) if chat else 0,
        )  # fmt: skip

    def _bot_rows(self) -> list[Json]:
        """Bots for lists, the newest first."""
        newest = list(self._world.bots.values())[-100:]
        return [
            {
                **bot.user(),
                "hue": hue(bot.id),
                "token": bot.token,
                "pending": len(bot.updates),
                "state": state_of(bot),
            }
            for bot in reversed(newest)
        ]

    def _chat_rows(self, bot: Bot | None) -> list[Json]:
        """Groups and channels with the bot through which a person looks at them."""
        rows = []
        for chat in list(self._world.chats.values())[:100]:
            bots = bots_in(self._world, chat)
            guide = bot if bot in bots else next(iter(bots), None) if bot is None else None
            if guide is not None and not chat.migrated_to:
                rows.append({**chat.chat(), "hue": hue(chat.id), "guide": guide.username})
        return rows

    def render(self, request: Request, name: str, status: int = 200, **values: Any) -> Response:
        """A page from its template, in the language of the request."""
        language, chosen = language_of(request)
        texts = words(language)
        text = self._templates.get_template(name).render(
            t=SimpleNamespace(**texts), words=texts, language=language, other="en" if language == "zh" else "zh", path=request.path,
            query=request.query, home=FIRST_PERSON, **values,
        )  # fmt: skip
        headers = {**SECURITY, "Cache-Control": "no-store"}
        if chosen:
            headers["Set-Cookie"] = f"sandbox_language={language}; Path=/; Max-Age=31536000; SameSite=Lax"
        return Response(text.encode(), status, HTML, headers)

    @staticmethod
    def _static(name: str) -> Response:
        path = HERE / "static" / name
        if "/" in name or not path.is_file():
            return Response(b"Not Found", 404, "text/plain")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(path.read_bytes(), content_type=kind, headers={"Cache-Control": "no-cache"})

    def _media(self, file_id: str) -> Response:
        stored = self._world.shelf.files.get(file_id)
        data = self._world.shelf.read(stored) if stored is not None else None
        if stored is None or data is None:
            return Response(b"Not Found", 404, "text/plain")
        headers = {"X-Content-Type-Options": "nosniff"}
        if stored.kind == "photo" and stored.content_type in SHOWN:
            return Response(data, content_type=stored.content_type, headers=headers)
        if stored.name.lower().endswith(".pdf") and data.startswith(b"%PDF-"):
            headers["Content-Disposition"] = f"inline; filename*=UTF-8''{quote(stored.name)}"
            return Response(data, content_type="application/pdf", headers=headers)
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(stored.name)}"
        return Response(data, content_type="application/octet-stream", headers=headers)


def language_of(request: Request) -> tuple[str, bool]:
    """The language for this request, and whether it was chosen just now."""
    asked = dict(parse_qsl(request.query)).get("lang", "")
    if asked in LANGUAGES:
        return asked, True
    for piece in request.headers.get("cookie", "").split(";"):
        name, _, value = piece.strip().partition("=")
        if name == "sandbox_language" and value in LANGUAGES:
            return value, False
    return "zh", False


def hue(number: int) -> int:
    """A colour for a picture, always the same for one id."""
    return HUES[number % len(HUES)]


def state_of(bot: Bot) -> str:
    """The key of the text that says how the bot gets its updates."""
    if bot.webhook is not None:
        return "has_webhook"
    polled = bot.poll is not None or (
        bot.last_poll_at and asyncio.get_running_loop().time() < bot.last_poll_at + 60
    )
    return "is_polled" if polled else "is_silent"


def commands_of(bot: Bot) -> list[Json]:
    """The commands for the menu: Chinese ones, else those for everybody."""
    return bot.commands.get("default zh") or bot.commands.get("default") or []
