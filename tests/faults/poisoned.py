"""The worker's program with two words that no bot survives: "poison" fails, "killer" takes the process along.

Where DEATHS names a folder it also dies at the points of a draw that the folder names.
"""

import os
from pathlib import Path

import orjson

from app.domain.bots import BotConfig
from bots import dispatcher
from tasks.worker import celery_app
from tests.faults.deaths import POINTS, SENDING, arm

_real = dispatcher.handle


def handle(config: BotConfig, raw: bytes) -> bool:
    """As ever, but for the two words."""
    words = orjson.loads(raw).get("message", {}).get("text")
    if words == "killer":
        os._exit(9)
    if words == "poison":
        raise ValueError("poison")
    return _real(config, raw)


dispatcher.handle = handle
if "DEATHS" in os.environ:
    arm(Path(os.environ["DEATHS"]), POINTS | SENDING)

__all__ = ["celery_app"]
