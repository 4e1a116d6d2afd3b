"""`flask bots`: add, list and test bots."""

import sys
from collections.abc import Iterator
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup

from app.cli.output import json_option, show
from app.core.errors import AppError
from app.core.i18n import EN, translate
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.domain.bots import Mode, webhook_path
from app.models import Bot
from app.services import bots, health

PAGE = 500
group = AppGroup("bots", help="Add, list and test bots.")


@group.command("add")
@click.option("--tenant", "tenant_id", type=int, required=True, help="Id of the tenant.")
@click.option("--token", required=True, help="What @BotFather gave; - reads it from standard input.")
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]), default=Mode.POLLING.value)
@click.option("--no-check", is_flag=True, help="Do not ask Telegram whether the token is valid.")
@json_option
def add(tenant_id: int, token: str, mode: str, *, no_check: bool, as_json: bool) -> None:
    """Add a bot; it answers within seconds."""
    if token == "-":  # noqa: S105 - the usual name of standard input
        token = sys.stdin.read()
    with system_scope():
        try:
            checked = bots.read_token(token) if no_check else bots.check_token(token)
            with transaction():
                bot = bots.create(tenant_id, checked, mode=Mode(mode))
        except AppError as error:
            raise click.ClickException(error.text(EN)) from None
        result = {
            "bot_id": bot.id,
            "public_id": bot.public_id,
            "webhook_path": webhook_path(bot.public_id),
            "webhook_secret": bots.webhook_secret(bot),
        }
    show(result, f"Added {bots.label(bot)} (id {bot.id}, {bot.mode}).", as_json=as_json)


@group.command("list")
@click.option("--tenant", "tenant_id", type=int, help="Only this tenant's bots.")
@json_option
def list_all(tenant_id: int | None, *, as_json: bool) -> None:
    """List bots with their state."""
    with system_scope(), transaction():
        rows = [row for page in _pages(tenant_id) for row in _rows(page)]
    lines = [
        f"{row['bot_id']:>6}  @{row['username'] or '?':<32} {row['mode']:<8} {row['state']:<12} {row['last_error'] or ''}"
        for row in rows
    ]
    show(rows, "\n".join(lines) or "No bots.", as_json=as_json)


@group.command("test")
@click.argument("bot")
@json_option
def test(bot: str, *, as_json: bool) -> None:
    """Ask Telegram about one bot (its id or public id); exits 1 when something is wrong."""
    with system_scope():
        with transaction():
            asked = health.question(_find(bot))
        answer = health.ask(asked, who=True)
        with transaction():
            health.record(answer)
            row = _rows([bots.get(asked.bot_id)])[0]
    show(row, row["last_error"] or f"@{row['username']} is well ({row['mode']}).", as_json=as_json)
    if row["last_error"]:
        raise SystemExit(1)


def _pages(tenant_id: int | None) -> Iterator[list[Bot]]:
    last = 0
    while page := bots.list_bots(tenant_id, limit=PAGE, after=last):
        yield page
        last = page[-1].id


def _find(name: str) -> Bot:
    found = bots.find_by_public_id(name)
    if found is None and name.isascii() and name.isdecimal() and len(name) < 19:
        found = next(
            (bot for bot in bots.list_bots(limit=1, after=int(name) - 1) if bot.id == int(name)), None
        )
    if found is None:
        raise click.ClickException("There is no such bot.")
    return found


def _rows(page: list[Bot]) -> list[dict[str, Any]]:
    return [_row(bot, card) for bot, card in zip(page, health.cards(page), strict=True)]


def _row(bot: Bot, card: health.HealthCard) -> dict[str, Any]:
    reading = card.reading
    return {
        "bot_id": card.bot_id,
        "public_id": card.public_id,
        "tenant_id": bot.tenant_id,
        "username": card.username,
        "mode": card.mode.value,
        "enabled": card.enabled,
        "state": card.state.value,
        "last_error": translate(EN, reading.text, **reading.params) if reading else None,
        "queue_lag": card.queue_lag,
        "pending_updates": card.pending_updates,
        "last_update_at": card.last_update_at.isoformat() if card.last_update_at else None,
    }


def init_app(app: Flask) -> None:
    """Adds the commands."""
    app.cli.add_command(group)
