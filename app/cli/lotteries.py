"""`flask lotteries`: make, close, verify, audit and export lotteries."""

import json
from collections.abc import Mapping
from typing import BinaryIO

import click
from flask import Flask
from flask.cli import AppGroup

from app.cli.output import json_option, show
from app.core.errors import AppError
from app.core.i18n import EN
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.models import Lottery
from app.services import bots, lotteries
from app.services.lotteries import events, spec
from app.services.lotteries.showing import public_link

group = AppGroup("lotteries", help="Make, close, verify, audit and export lotteries.")
code_argument = click.argument("code")


@group.command("create")
@click.option("--tenant", "tenant_id", type=int, required=True, help="Id of the tenant.")
@click.option(
    "--file", "file", type=click.File("rb"), required=True, help="lottery.json; - = standard input."
)
@click.option("--bot", "bot", help="Id or public id of the bot; needed where there are several.")
@json_option
def create(tenant_id: int, file: BinaryIO, bot: str | None, *, as_json: bool) -> None:
    """Make a lottery and publish it: it opens at once, or at its opening time."""
    body = _read(file.read())
    with system_scope():
        try:
            beacon = lotteries.prepare_beacon()
            with transaction():
                bot_id = _bot_id(bot, tenant_id)
                made = lotteries.create(tenant_id, bot_id, spec.read(tenant_id, body))
                lottery = lotteries.publish(made.id, beacon)
        except AppError as error:
            raise click.ClickException(error.text(EN)) from None
    result = _row(lottery) | {"commitment": lottery.commitment, "link": public_link(lottery.code)}
    words = f"Made lottery {lottery.code} ({lottery.state.value}).\nCommitment: {lottery.commitment}"
    show(result, words, as_json=as_json)


@group.command("close")
@code_argument
@json_option
def close(code: str, *, as_json: bool) -> None:
    """Close an open lottery before its time; the workers draw it."""
    with system_scope():
        try:
            with transaction():
                closed = lotteries.close(lotteries.get_by_code(code).id)
                lottery = lotteries.get_by_code(code)
        except AppError as error:
            raise click.ClickException(error.text(EN)) from None
    words = "Closed" if closed else "Nothing to do, it was closed before"
    show(
        _row(lottery) | {"closed": closed},
        f"{words}: {lottery.code} is {lottery.state.value}.",
        as_json=as_json,
    )


@group.command("audit")
@code_argument
@json_option
def audit(code: str, *, as_json: bool) -> None:
    """Prove that no event of a lottery was changed, added or removed; exits 1 on a break."""
    with system_scope(), transaction():
        chain = events.chain(_find(code).id)
    broken = events.verify(chain)
    result = {
        "code": code.upper(),
        "events": len(chain),
        "ok": broken is None and bool(chain),
        "broken": broken,
        "hash": chain[-1].hash if chain else None,
    }
    words = [f"{each.number:>4}  {each.kind:<18} {each.hash}" for each in chain]
    if not chain:
        words.append("It has no events: it was never opened.")
    elif broken is None:
        words.append(f"The chain of {len(chain)} events is unbroken.")
    else:
        words.append(f"Event {broken} does not follow from the one before it: something was changed.")
    show(result, "\n".join(words), as_json=as_json)
    if broken is not None:
        raise SystemExit(1)


def _bot_id(name: str | None, tenant_id: int) -> int:
    if name and name.isascii() and name.isdecimal() and len(name) < 19:
        return int(name)
    return bots.choose(name, tenant_id).id


def _read(raw: bytes) -> Mapping[str, object]:
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise click.ClickException(f"The file is no valid JSON: {error}.") from None
    if not isinstance(body, dict):
        raise click.ClickException("The file must hold one JSON object.")
    return body


def _find(code: str) -> Lottery:
    lottery = lotteries.find_by_code(code)
    if lottery is None:
        raise click.ClickException("There is no such lottery.")
    return lottery


def _row(lottery: Lottery) -> dict[str, object]:
    return {"code": lottery.code, "state": lottery.state.value}


def init_app(app: Flask) -> None:
    """Adds the commands."""
    app.cli.add_command(group)
