"""`flask operators`: the people who run the deployment."""

import sys

import click
from flask import Flask
from flask.cli import AppGroup

from app.cli.output import json_option, show
from app.core.errors import AppError
from app.core.i18n import EN
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.services import people

group = AppGroup("operators", help="The people who run the deployment.")


@group.command("add")
@click.option("--email", required=True)
@click.option("--password", default="", help="For a new account; - reads it from standard input.")
@json_option
def add(email: str, password: str, *, as_json: bool) -> None:
    """Make somebody an operator, with a new account where he has none."""
    if password == "-":  # noqa: S105 - the usual name of standard input
        password = sys.stdin.readline().rstrip("\n")
    try:
        with system_scope(), transaction():
            user = people.make_operator(email, password)
    except AppError as error:
        raise click.ClickException(error.text(EN)) from None
    show({"user_id": user.id, "email": user.email}, f"{user.email} is an operator.", as_json=as_json)


@group.command("remove")
@click.option("--email", required=True)
def remove(email: str) -> None:
    """Make an operator an ordinary person again; it holds at once."""
    try:
        with system_scope(), transaction():
            people.unmake_operator(email)
    except AppError as error:
        raise click.ClickException(error.text(EN)) from None
    click.echo(f"{email} is no operator any more.")


def init_app(app: Flask) -> None:
    """Adds the commands."""
    app.cli.add_command(group)
