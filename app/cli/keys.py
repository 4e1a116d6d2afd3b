"""`flask keys`: change the keys under which secrets are stored."""

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from app.cli.output import json_option, show
from app.core.crypto import CryptoError
from app.core.i18n import EN
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.services import keys

group = AppGroup("keys", help="Change the keys under which secrets are stored.")


@group.command("rotate")
@json_option
def rotate(*, as_json: bool) -> None:
    """Put every secret under the first of ENCRYPTION_KEYS. May be interrupted and started again."""
    first = get_settings().keys[0]
    try:
        changed = {str(place): _column(place, first) for place in keys.places()}
        changed["user.second_factor"] = _people(first)
    except CryptoError as error:
        raise click.ClickException(error.text(EN)) from None
    lines = [f"{place:<24}{count:>8}" for place, count in changed.items()]
    words = "\n".join([*lines, "Every secret is under the first key; the others may be taken away."])
    show({"changed": changed}, words, as_json=as_json)


def _column(place: keys.Place, first: str) -> int:
    changed, after = 0, None
    while True:
        with system_scope(), transaction():
            step = keys.rotate_some(place, first, after)
        changed, after = changed + step.changed, step.after
        if after is None:
            return changed


def _people(first: str) -> int:
    totp = current_app.extensions["security"].totp_factory
    changed, after = 0, 0
    while True:
        with system_scope(), transaction():
            step = keys.rotate_people(first, totp.rotate, after)
        changed += step.changed
        if step.after is None:
            return changed
        after = int(str(step.after[0]))


def init_app(app: Flask) -> None:
    """Adds the commands."""
    app.cli.add_command(group)
