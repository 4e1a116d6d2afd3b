"""The bot's words: the boss's own where he wrote some, else the catalogue's, in the language of the person."""

import os
from functools import cache

from app.core.i18n import translate
from app.core.queue import transaction
from app.domain.bot_texts import MAIN_TEXTS, fill
from app.domain.bots import BotConfig
from app.services import bot_texts
from app.services.bot_texts import BotTexts

_MOST = 2000


def main_text(config: BotConfig, locale: str, key: str, **values: str) -> str:
    """One of MAIN_TEXTS with its placeholders filled."""
    body = boss_texts(config).bodies.get((key, locale))
    return fill(body or translate(locale, MAIN_TEXTS[key].default), values)


def boss_texts(config: BotConfig) -> BotTexts:
    """What the boss wrote, read once per version of the bot: a change raises the version, and the directory hears
    of it by bell or within ten seconds.
    """
    known = _memory(os.getpid())
    entry = known.get(config.id)
    if entry is not None and entry[0] == config.version:
        return entry[1]
    with transaction():
        texts = bot_texts.load(config.id)
    if len(known) >= _MOST:
        known.clear()
    known[config.id] = (config.version, texts)
    return texts


@cache
def _memory(pid: int) -> dict[int, tuple[int, BotTexts]]:  # noqa: ARG001 - one memory per process, also after a fork
    return {}
