"""The worker's program with two words that no bot survives: "poison" fails, "killer" takes the process along."""

import os

import orjson

from app.domain.bots import BotConfig
from bots import dispatcher
from tasks.worker import celery_app

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

__all__ = ["celery_app"]
