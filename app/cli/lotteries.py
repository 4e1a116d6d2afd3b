"""`flask lotteries`: make, close, verify, audit and export lotteries."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import click
from flask import Flask
from flask.cli import AppGroup

from app.cli.output import json_option, show
from app.core.errors import AppError
from app.core.i18n import EN
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.domain import draw_verifier
from app.models import Lottery
from app.services import bots, lotteries
from app.services.lotteries import events, exports, record, spec
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


@group.command("verify")
@click.argument("source", metavar="CODE|FILE")
@json_option
def verify(source: str, *, as_json: bool) -> None:
    """Recompute a draw from its public record, a lottery's or a file's; exits 1 and names the first mismatch."""
    verdict = draw_verifier.verify(_document(source))
    wrong = verdict.mismatch
    result = {
        "ok": verdict.ok,
        "steps": [{"name": name, "state": state, "text": words} for name, state, words in verdict.steps],
        "mismatch": {"code": wrong.code, "text": wrong.text, "params": wrong.params} if wrong else None,
    }
    words = [f"{'✓' if state == 'ok' else '·'} {text}" for _, state, text in verdict.steps]
    words += [f"✗ {wrong.text} [{wrong.code}]"] if wrong else []
    show(result, "\n".join(words), as_json=as_json)
    if not verdict.ok:
        raise SystemExit(1)


@group.command("export")
@code_argument
@click.option("--file", "path", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option(
    "--what",
    type=click.Choice(["record", *(what.value for what in exports.What)]),
    help="By default the record in a .json file, else the entries.",
)
@json_option
def export(code: str, path: Path, what: str | None, *, as_json: bool) -> None:
    """Write the public record, the entries or the winners to a .csv, .xlsx or .json file."""
    form = path.suffix.lower().removeprefix(".")
    chosen = what or ("record" if form == exports.Format.JSON else exports.What.ENTRIES)
    if form not in list(exports.Format) or (chosen == "record" and form != exports.Format.JSON):
        raise click.ClickException(
            "The file's name must end in .csv, .xlsx or .json; a record is always .json."
        )
    with system_scope(), transaction():
        lottery = _published(code) if chosen == "record" else _find(code)
        try:
            with path.open("wb+") as file:
                if chosen == "record":
                    file.writelines(record.stream(lottery, record.record(lottery)))
                else:
                    exports.write(lottery, exports.What(chosen), exports.Format(form), file, EN)
        except OSError as error:
            raise click.ClickException(f"The file can't be written: {error}.") from None
    show({"code": code.upper(), "what": str(chosen), "file": str(path)}, f"Wrote {path}.", as_json=as_json)


def _document(source: str) -> object:
    """A record out of a file where there is one of that name, else of the lottery with that code."""
    path = Path(source)
    try:
        if path.is_file():
            return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise click.ClickException(f"The file can't be read: {error}.") from None
    with system_scope(), transaction():
        lottery = _published(source)
        return json.loads(b"".join(record.stream(lottery, record.record(lottery))))


def _published(code: str) -> Lottery:
    lottery = _find(code)
    if lottery.opened_at is None:
        raise click.ClickException("This lottery was never opened, so nothing of it is public.")
    return lottery


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
