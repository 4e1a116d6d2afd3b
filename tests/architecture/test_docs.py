"""The pages made from the code are up to date, and no link in the docs is dead."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import click

from app.cli import FEATURES
from app.domain import lottery_csv, lottery_spec
from tests.make_docs import COMMANDS, PAGE, PRINTED, commands_page, settings_page

ROOT = Path(__file__).parent.parent.parent
LOTTERIES = (ROOT / "docs" / "lotteries.md").read_text()


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


def test_the_lottery_of_the_docs_can_be_made():
    example = re.search(r"```json\n(.*?)```", LOTTERIES, re.DOTALL)
    spec = lottery_spec.read(json.loads(example[1]), at=datetime(2030, 1, 29, tzinfo=UTC))
    assert (spec.title, len(spec.conditions)) == ("Anniversary", 2)


def test_all_fields_and_columns_of_lotteries_are_explained():
    assert [name for name in lottery_spec.FIELDS if f"`{name}`" not in LOTTERIES] == []
    rows = [f"| `{name}` | {word} |" for name, word in lottery_csv.COLUMNS.items()]
    assert [row for row in rows if row not in LOTTERIES] == []


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
