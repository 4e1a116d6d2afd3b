"""The data of a bot's buttons: `1:<name>:<argument>:…`, at most 64 bytes. `bots/keyboards.py` reads what comes back."""

import re

from app.domain.sending import MAX_CALLBACK_DATA

VERSION = "1"
DATA = re.compile(r"1:([a-z_]{1,16})((?::[A-Za-z0-9_-]{1,40}){0,4})", re.ASCII)


def data(name: str, *arguments: str | int) -> str:
    """The data of a button. Raises ValueError when it would not come back as it went."""
    words = [str(argument) for argument in arguments]
    made = ":".join([VERSION, name, *words])
    found = DATA.fullmatch(made)
    if len(made) > MAX_CALLBACK_DATA or not found or found[2].split(":")[1:] != words:
        raise ValueError(f"not fit for a button: {made!r}")
    return made
