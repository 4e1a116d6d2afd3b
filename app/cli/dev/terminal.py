"""What `make run` says: Chinese and English side by side, calm, and in columns though Chinese letters are wide."""

import contextlib
import os
import sys
from unicodedata import east_asian_width

LABEL = 16
VALUE = 46
BOLD, DIM, GREEN, RED, BLUE, PLAIN = "1", "2", "32", "31", "36", "0"


def prepare() -> None:
    """A terminal that can't show Chinese shows question marks rather than an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="replace", line_buffering=True)


def say(text: str = "") -> None:
    """One line or more. A terminal that was closed is no reason to stop in the middle of stopping."""
    with contextlib.suppress(OSError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def step(chinese: str, english: str) -> None:
    """Something is done."""
    say(f"  {paint('✓', GREEN)} {chinese} {paint(f'· {english}', DIM)}")


def trouble(chinese: str, english: str, detail: str = "") -> None:
    """Something is wrong, and `detail` says more."""
    say()
    say(f"  {paint('✗', RED)} {chinese}")
    say(f"    {english}")
    if detail:
        say()
        for line in detail.splitlines():
            say(f"    {paint(line, DIM)}")
    say()


def row(label: str, value: str, note: str = "") -> None:
    """A line of the table of addresses."""
    shown = paint(value, BLUE if value.startswith("http") else BOLD)
    tail = " " * max(2, VALUE - width(value)) + paint(note, DIM) if note else ""
    say(f"  {label}{' ' * max(1, LABEL - width(label))}{shown}{tail}")


def width(text: str) -> int:
    """How many columns a text takes."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def paint(text: str, colour: str) -> str:
    """Coloured, where the terminal likes colours."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{colour}m{text}\033[{PLAIN}m"
