"""Yuanfenju and DeepSeek as they answer on the wire, with the manners that they are known for."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from lunar_python import Solar

from app.domain.bazi import SECTIONS

Reply = Callable[["Request"], None]


@dataclass
class Request:
    """One request, and the means to answer it."""

    handler: BaseHTTPRequestHandler
    path: str
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    def answer(self, body: bytes | dict, status: int = 200, kind: str = "application/json") -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.begin(status, kind, len(raw))
        self.handler.wfile.write(raw)

    def begin(self, status: int = 200, kind: str = "text/event-stream", length: int | None = None) -> None:
        self.handler.send_response(status)
        self.handler.send_header("Content-Type", kind)
        if length is not None:
            self.handler.send_header("Content-Length", str(length))
        self.handler.send_header("Connection", "close")
        self.handler.end_headers()

    def send(self, text: str) -> None:
        self.handler.wfile.write(text.encode())
        self.handler.wfile.flush()


@dataclass
class Outside:
    """A server whose answers are `replies`, in order; the last one is repeated."""

    url: str
    replies: list[Reply] = field(default_factory=list)
    seen: list[Request] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def will(self, *replies: Reply) -> "Outside":
        self.replies[:] = replies
        return self


@contextmanager
def outside() -> Iterator[Outside]:
    """Serves until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Request(self, self.path, body)
            there.seen.append(request)
            reply = there.replies.pop(0) if len(there.replies) > 1 else there.replies[0]
            try:
                reply(request)
            except (BrokenPipeError, ConnectionResetError):
                return

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    there = Outside(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield there
    finally:
        there.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


# Yuanfenju


def chart(request: Request) -> None:
    """The chart of what was asked, in the published shape."""
    request.answer(chart_data(request.form))


def chart_data(form: dict[str, str], *, as_text: bool = False) -> dict:
    parts = (int(form[name]) for name in ("year", "month", "day", "hours", "minute"))
    eight = Solar.fromYmdHms(*parts, 0).getLunar().getEightChar()
    eight.setSect(int(form["sect"]))
    names = ("Year", "Month", "Day", "Time")
    pillars = [getattr(eight, f"get{name}")() for name in names]
    return {
        "errcode": "0",
        "errmsg": "请求成功",
        "data": {
            "base_info": {"sex": {"0": "乾造", "1": "坤造"}[form["sex"]], "name": form["name"], "qiyun": "-"},
            "bazi_info": {
                "kw": eight.getDayXunKong(),
                "bazi": " ".join(pillars) if as_text else pillars,
                "na_yin": [getattr(eight, f"get{name}NaYin")() for name in names],
            },
            "dayun_info": {},
            "detail_info": {},
        },
    }


def packed(request: Request) -> None:
    """The chart in gzip, without saying so."""
    request.answer(gzip.compress(json.dumps(chart_data(request.form)).encode()))


def refusing(left: str = "100", account_code: str = "0") -> Reply:
    """Refuses every chart; the account has so many calls left."""

    def reply(request: Request) -> None:
        if request.path.endswith("querymerchant"):
            data = [{"merchant_type": "1", "merchant_remaining_call_times": left}]
            request.answer(
                {"errcode": account_code, "errmsg": "-", "data": data if account_code == "0" else []}
            )
        else:
            request.answer({"errcode": "1", "errmsg": "出错了", "data": []})

    return reply


# DeepSeek


def chunk(content: str = "", finish: str | None = None, usage: dict | None = None) -> str:
    choices = [] if usage else [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]
    data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    return f"data: {json.dumps({**data, 'usage': usage})}\n\n"


USAGE = {
    "prompt_tokens": 3000,
    "completion_tokens": 4000,
    "total_tokens": 7000,
    "prompt_cache_hit_tokens": 1000,
    "prompt_cache_miss_tokens": 2000,
}


def chapter(key: str) -> str:
    return f"=== {key} ===\n" + f"这是{key}一章的正文，写得很认真，也很具体。" * 8 + "\n\n第二段。"


def writing(*keys: str, finish: str = "stop", usage: bool = True) -> Reply:
    """Writes these chapters (all where none is named), in small pieces."""
    text = "\n".join(map(chapter, keys or SECTIONS))

    def reply(request: Request) -> None:
        request.begin()
        request.send(": keep-alive\n\n")
        for start in range(0, len(text), 100):
            request.send(chunk(text[start : start + 100]))
        request.send(chunk(finish=finish))
        if usage:
            request.send(chunk(usage=USAGE))
        request.send("data: [DONE]\n\n")

    return reply


def saying(text: str) -> Reply:
    """Writes exactly this."""

    def reply(request: Request) -> None:
        request.begin()
        request.send(chunk(text) + chunk(finish="stop") + chunk(usage=USAGE) + "data: [DONE]\n\n")

    return reply


def cut_after(*keys: str) -> Reply:
    """Writes these chapters and the beginning of another one; then the line is dead."""

    def reply(request: Request) -> None:
        request.begin()
        request.send(chunk("\n".join(map(chapter, keys)) + "\n=== advice ===\n半句"))

    return reply


def status(code: int) -> Reply:
    return lambda request: request.answer({"error": {"message": "no"}}, code)


def html(request: Request) -> None:
    request.answer(b"<html>Bad gateway</html>", kind="text/html")


def nothing(request: Request) -> None:
    request.answer(b"")
