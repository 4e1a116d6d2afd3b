"""The door: /deepseek/chat/completions, /models and /user/balance, also under /deepseek/v1."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count

import orjson

from sandbox.deepseek.questions import MODELS, BadRequest, Question, read_question
from sandbox.deepseek.service import Service, Switches
from sandbox.deepseek.writer import THOUGHT, compose, tokens
from sandbox.http import Cut, Request, Response
from sandbox.models import Clock
from sandbox.shapes import Json

MOST_AT_ONCE = 2500
KEEP_ALIVE_EVERY = 0.5
FOREVER = 600.0
# US dollars for a million tokens, read and written.
PRICES = (0.30, 1.20)
TEXTS = {
    "401": "Authentication Fails (governor)", "402": "Insufficient Balance", "422": "Invalid parameters",
    "429": "Rate limit reached", "500": "Internal server error",
    "503": "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers.",
}  # fmt: skip
KINDS = {
    401: "authentication_error",
    402: "unknown_error",
    500: "server_error",
    503: "service_unavailable_error",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model has to say: in pieces, why it ended, what it cost."""

    id: str
    created: int
    model: str
    thoughts: list[str]
    pieces: list[str]
    finish: str
    usage: Json


class Api:
    """Answers programs that bring a key."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self._numbers = count(1)

    def handle(self, request: Request) -> Response:
        """One request."""
        path = request.path.removeprefix("/deepseek").removeprefix("/v1")
        key = request.headers.get("authorization", "").partition("Bearer ")[2]
        if key not in self._service.keys:
            return self._refuse(401, f"Authentication Fails, Your api key: ****{key[-4:]} is invalid")
        if path == "/models" and request.method == "GET":
            listed = [{"id": name, "object": "model", "owned_by": "deepseek"} for name in MODELS]
            return Response(orjson.dumps({"object": "list", "data": listed}))
        if path == "/user/balance" and request.method == "GET":
            return Response(orjson.dumps(self._balance(key)))
        if path != "/chat/completions" or request.method != "POST":
            return Response(b"Not Found", 404, "text/plain")
        return self._chat(request, key)

    def _chat(self, request: Request, key: str) -> Response:
        service, switches = self._service, self._service.knobs.use(key)
        service.counters["asked"] += 1
        if switches.mode == "reset":
            return Response(status=0)
        if switches.mode.isdigit():
            return self._refuse(int(switches.mode), TEXTS[switches.mode], switches.retry_after)
        if service.active >= (switches.concurrency or MOST_AT_ONCE):
            return self._refuse(429, TEXTS["429"], switches.retry_after)
        if service.keys[key] <= 0:
            return self._refuse(402, TEXTS["402"])
        try:
            question, asked = read_question(request.body)
        except BadRequest as error:
            return self._refuse(error.status, str(error))
        service.requests.append(asked)
        answer = self._write(question, switches)
        pieces = streamed(answer, switches, question) if question.is_stream else whole(answer, switches)
        kind = "text/event-stream; charset=utf-8" if question.is_stream else "application/json"
        return Response(content_type=kind, stream=self._counted(pieces, key, answer))

    async def _counted(self, pieces: AsyncIterator[bytes], key: str, answer: Answer) -> AsyncIterator[bytes]:
        """The stream; its money is gone as soon as the model has begun."""
        service, is_whole = self._service, False
        service.started()
        try:
            begun = False
            async for piece in pieces:
                if not begun and piece.strip() and not piece.startswith(b":"):
                    begun = True
                    self._charge(key, answer.usage)
                yield piece
            is_whole = True
        finally:
            service.ended(whole=is_whole)

    def _charge(self, key: str, usage: Json) -> None:
        read, written = usage["prompt_tokens"], usage["completion_tokens"]
        self._service.counters["answered"] += 1
        self._service.counters["prompt_tokens"] += read
        self._service.counters["completion_tokens"] += written
        self._service.keys[key] -= (read * PRICES[0] + written * PRICES[1]) / 1e6

    def _write(self, question: Question, switches: Switches) -> Answer:
        text = compose(question.prompt, switches.sentences, switches.content, wants_json=question.wants_json)
        thoughts = tokens(THOUGHT) if question.thinks else []
        pieces, finish = tokens(text), switches.finish
        if finish != "stop":
            pieces = pieces[: max(1, len(pieces) // 2)]
        room = max(0, question.most_tokens - len(thoughts))
        if len(pieces) > room:
            pieces, finish = pieces[:room], "length"
        usage = self._usage(question, len(thoughts), len(pieces))
        name = f"sandbox-{next(self._numbers):06}"
        return Answer(name, int(self._clock.now()), question.model, thoughts, pieces, finish, usage)

    def _usage(self, question: Question, thought: int, written: int) -> Json:
        """What is charged: prompts that begin like an earlier one are read from the cache."""
        read, mark = len(tokens(question.prompt)), zlib.crc32(question.system.encode())
        hit = len(tokens(question.system)) // 64 * 64 if mark in self._service.seen else 0
        self._service.seen.add(mark)
        return {
            "prompt_tokens": read, "completion_tokens": thought + written, "total_tokens": read + thought + written,
            "prompt_cache_hit_tokens": hit, "prompt_cache_miss_tokens": read - hit,
            "prompt_tokens_details": {"cached_tokens": hit}, "completion_tokens_details": {"reasoning_tokens": thought},
        }  # fmt: skip

    def _balance(self, key: str) -> Json:
        left = max(0.0, self._service.keys[key])
        is_there = left > 0 and self._service.knobs.find(key).mode != "402"
        sum_left = f"{left if is_there else 0:.2f}"
        info = {
            "currency": "USD",
            "total_balance": sum_left,
            "granted_balance": "0.00",
            "topped_up_balance": sum_left,
        }
        return {"is_available": is_there, "balance_infos": [info]}

    def _refuse(self, status: int, text: str, retry_after: int = 0) -> Response:
        self._service.counters[f"refused {status}"] += 1
        return Response(
            orjson.dumps(error_object(status, text)),
            status,
            headers={"Retry-After": str(retry_after)} if retry_after else {},
        )


def error_object(status: int, text: str) -> Json:
    """As refusals come, by themselves or in a stream."""
    kind = KINDS.get(status, "invalid_request_error")
    return {"error": {"message": text, "type": kind, "param": None, "code": "invalid_request_error"}}


async def waiting(switches: Switches, beat: bytes) -> AsyncIterator[bytes]:
    """Keep-alives before the answer."""
    yield beat
    left = FOREVER if switches.mode == "hang" else switches.wait
    while left > 0:
        await asyncio.sleep(min(left, KEEP_ALIVE_EVERY))
        left -= KEEP_ALIVE_EVERY
        yield beat


async def whole(answer: Answer, switches: Switches) -> AsyncIterator[bytes]:
    """An answer in one, after blank lines."""
    async for beat in waiting(switches, b"\n"):
        yield beat
    if switches.mode == "blank":
        return
    await asyncio.sleep(switches.drip * len(answer.pieces))
    message: Json = {"role": "assistant", "content": "".join(answer.pieces)}
    if answer.thoughts:
        message["reasoning_content"] = "".join(answer.thoughts)
    body = orjson.dumps({
        "id": answer.id, "object": "chat.completion", "created": answer.created, "model": answer.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish}],
        "usage": answer.usage, "system_fingerprint": "fp_sandbox",
    })  # fmt: skip
    if switches.mode == "error":
        body = orjson.dumps(error_object(500, TEXTS["500"]))
    if switches.mode == "cut":
        yield body[: len(body) // 2]
        raise Cut
    yield body


async def streamed(answer: Answer, switches: Switches, question: Question) -> AsyncIterator[bytes]:
    """An answer as server-sent events, after comments."""
    async for beat in waiting(switches, b": keep-alive\n\n"):
        yield beat
    if switches.mode == "blank":
        return
    yield event(answer, {"role": "assistant", "content": ""})
    for piece in answer.thoughts:
        yield event(answer, {"content": None, "reasoning_content": piece})
    middle = len(answer.pieces) // 2
    for number, piece in enumerate(answer.pieces):
        if number == middle and switches.mode == "cut":
            raise Cut
        if number == middle and switches.mode == "error":
            yield b"data: " + orjson.dumps(error_object(500, TEXTS["500"])) + b"\n\n"
            return
        if switches.drip:
            await asyncio.sleep(switches.drip)
        yield event(answer, {"content": piece})
    yield event(answer, {"content": ""}, answer.finish)
    if question.wants_usage:
        yield event(answer, None, usage=answer.usage)
    yield b"data: [DONE]\n\n"


def event(answer: Answer, delta: Json | None, finish: str | None = None, usage: Json | None = None) -> bytes:
    """One chunk; the one with the usage has no choices."""
    choices = (
        [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    )
    chunk: Json = {
        "id": answer.id, "object": "chat.completion.chunk", "created": answer.created, "model": answer.model,
        "system_fingerprint": "fp_sandbox", "choices": choices,
    }  # fmt: skip
    if usage is not None:
        chunk["usage"] = usage
    return b"data: " + orjson.dumps(chunk) + b"\n\n"
