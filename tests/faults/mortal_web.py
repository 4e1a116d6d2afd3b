"""The web's program, whose workers die between the commit of a credit call and its answer as often as they are told to.

Where the folder DEATHS holds a file `answer`, the worker that has the next answer ready removes it and dies by SIGKILL.
"""

import os
import signal
from pathlib import Path
from typing import Any, Final

import asgi

_ORDER: Final = Path(os.environ["DEATHS"]) / "answer"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """As ever, but for the end of a posting."""

    async def answer(message: Any) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            die_if_told()
        await send(message)

    is_call = scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == "/api/credits/sync"
    await asgi.app(scope, receive, answer if is_call else send)


def die_if_told() -> None:
    try:
        _ORDER.unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
