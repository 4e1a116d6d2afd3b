"""A question that one button answers once: each page that asks "sure?" has a nonce of its own, kept with the step."""

import re
import secrets
from typing import Final

from bots.context import Context
from bots.keyboards import ButtonExpired

_NONCE: Final = re.compile(r"[0-9a-f]{16}", re.ASCII)


def new() -> str:
    """For a page that asks; it goes into the step's `nonce` and into the button."""
    return secrets.token_hex(8)


def pressed(ctx: Context) -> str:
    """The nonce of the pressed button. Raises ButtonExpired."""
    nonce = ctx.press.word()
    if not _NONCE.fullmatch(nonce):
        raise ButtonExpired
    return nonce


def find_open(ctx: Context, step: str, nonce: str) -> dict[str, object] | None:
    """What is known at this step, where this button is the one that answers it."""
    now = ctx.step
    if now is None or now.name != step or now.data.get("nonce") != nonce:
        return None
    return now.data
