"""What commands print: words for people, or one JSON document for programs."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """Adds `--json`, which asks for one JSON document instead of words."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)


def show(result: object, words: str, *, as_json: bool) -> None:
    """Prints one JSON document or words for people."""
    click.echo(json.dumps(result, ensure_ascii=False) if as_json else words)
