"""The pages made from the code are up to date, and no link in the docs is dead."""

import json
import re
from pathlib import Path

import click

from app.cli import FEATURES
from tests.make_docs import COMMANDS, PAGE, PRINTED, commands_page, settings_page

ROOT = Path(__file__).parent.parent.parent


def test_the_settings_page_is_what_the_settings_say():
    assert PAGE.read_text() == settings_page()


def test_the_page_of_commands_is_what_the_commands_say():
    assert COMMANDS.read_text() == commands_page()


def test_every_command_that_prints_json_shows_an_example():
    commands = {
        f"{feature.group.name} {name}": command
        for feature in FEATURES
        for name, command in feature.group.commands.items()
    }
    printing = {name for name, command in commands.items() if _prints_json(command)}
    assert printing == set(PRINTED)
    assert all(json.loads(example) for example in PRINTED.values())


def _prints_json(command: click.Command) -> bool:
    return any("--json" in option.opts for option in command.params)


def test_every_link_between_pages_leads_somewhere():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    dead = [
        f"{page.name}: {link}"
        for page in pages
        for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text())
        if not (page.parent / link).exists()
    ]
    assert dead == []
