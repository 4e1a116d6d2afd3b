"""The door: /yuanfenju/index.php/v1/…"""

import asyncio
import gzip
from collections.abc import Awaitable, Callable

import orjson

from sandbox.http import Request, Response
from sandbox.params import BadParams, read_params
from sandbox.shapes import Json
from sandbox.yuanfenju.charts import cesuan, paipan
from sandbox.yuanfenju.questions import BadQuestion, Question, read_question
from sandbox.yuanfenju.service import Service, Switches

BASE = "/yuanfenju/index.php/v1/"
FOREVER = 120.0
CHARTS: dict[str, Callable[[Question], Json]] = {"Bazi/paipan": paipan, "Bazi/cesuan": cesuan}
MERCHANT = "Free/querymerchant"
PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
# The vendor publishes no table of codes; nobody may rely on these numbers.
BAD_KEY, QUOTA, BAD_INPUT = ("1001", "api_key错误"), ("1003", "接口调用次数不足"), ("1002", "参数错误")
ORDERED = {"bad_key": BAD_KEY, "quota": QUOTA, "bad_input": BAD_INPUT}


class Api:
    """Answers merchants."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """One question, by POST with a form; GET with a query is taken as well."""
        name = request.path.removeprefix(BASE)
        if name not in CHARTS and name != MERCHANT:
            return Response(PAGE.replace(b"502 Bad Gateway", b"404 Not Found"), 404, "text/html")
        kind = request.headers.get("content-type", "")
        if request.method == "POST" and not kind.startswith(
            ("application/x-www-form-urlencoded", "multipart/form-data")
        ):
            return told(BAD_KEY, Switches())
        try:
            form = read_params(request)
        except BadParams:
            return told(BAD_INPUT, Switches())
        key = str(form.get("api_key", ""))
        switches = self._service.knobs.use(key)
        self._service.counters[name] += 1
        seconds = FOREVER if switches.mode == "down" else switches.seconds
        return self._later(name, form, switches, seconds) if seconds else self._answer(name, form, switches)

    async def _later(self, name: str, form: Json, switches: Switches, seconds: float) -> Response:
        await asyncio.sleep(seconds)
        return self._answer(name, form, switches)

    def _answer(self, name: str, form: Json, switches: Switches) -> Response:
        if switches.mode in PLAIN:
            return PLAIN[switches.mode]
        refusal = self._refusal(name, str(form.get("api_key", "")), switches.mode)
        if refusal is not None:
            return told(refusal, switches)
        key = str(form["api_key"])
        if name == MERCHANT:
            left = merchant(self._service.keys[key], is_empty=switches.mode == "quota")
            return Response(envelope("0", "请求成功", left, switches))
        try:
            data = CHARTS[name](read_question(form))
        except BadQuestion as error:
            return told((BAD_INPUT[0], str(error)), switches)
        self._service.keys[key] -= 1
        self._service.counters["answered"] += 1
        return spoilt(data, switches)

    def _refusal(self, name: str, key: str, mode: str) -> tuple[str, str] | None:
        """Why there is no answer, if there is none."""
        if mode == "bad_key" or (mode in ORDERED and name in CHARTS):
            return ORDERED[mode]
        left = self._service.keys.get(key)
        if left is None:
            return BAD_KEY
        return QUOTA if left <= 0 and name in CHARTS else None


PLAIN = {
    "down": Response(status=0),
    "cut": Response(status=0),
    "500": Response(PAGE.replace(b"502 Bad Gateway", b"500 Internal Server Error"), 500, "text/html"),
    "html": Response(PAGE, 200, "text/html"),
    "empty": Response(b"", 200, "application/json"),
}


def merchant(left: int, *, is_empty: bool) -> Json:
    """What an account has left; numbers are strings here."""
    return {
        "merchant_type": "1", "merchant_expire_time": "2030-12-31",
        "merchant_remaining_call_times": "0" if is_empty else str(left),
    }  # fmt: skip


def envelope(errcode: str, errmsg: str, data: object, switches: Switches) -> bytes:
    """The answer's frame."""
    code = errcode if switches.errcode == "string" else int(errcode)
    return orjson.dumps({"errcode": code, "errmsg": errmsg, "notice": "本次测算结果仅供娱乐", "data": data})


def told(refusal: tuple[str, str], switches: Switches) -> Response:
    """A refusal: HTTP 200, and `data` is a list."""
    return Response(envelope(*refusal, [], switches))


def spoilt(data: Json, switches: Switches) -> Response:
    """A right answer, or what is left of it."""
    if switches.mode == "half":
        data = {key: value for key, value in data.items() if key != "bazi_info"}
    body = envelope("0", "请求成功", [] if switches.mode == "array" else data, switches)
    if switches.mode == "gzip":
        return Response(gzip.compress(body))
    return Response(
        body, content_type="text/html; charset=utf-8" if switches.mode == "type" else "application/json"
    )
