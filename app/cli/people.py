"""`flask people`: help for people who can't get in."""

import click
from flask import Flask
from flask.cli import AppGroup
from flask_security.recoverable import generate_reset_password_token

from app.cli.output import json_option, show
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.services import people

group = AppGroup("people", help="Help for people who can't get in.")


@group.command("reset-link")
@click.option("--email", required=True)
@json_option
def reset_link(email: str, *, as_json: bool) -> None:
    """Print a link with which somebody chooses a new password; it works once, within an hour."""
    with system_scope(), transaction():
        user = people.find_by_email(email)
        if user is None:
            raise click.ClickException("There is no account with this address.")
        token = generate_reset_password_token(user)  # type: ignore[no-untyped-call]
    settings = get_settings()
    base = settings.public_url or f"http://localhost:{settings.port}"
    link = f"{base}/reset/{token}"
    show({"email": user.email, "link": link}, link, as_json=as_json)


def init_app(app: Flask) -> None:
    """Adds the commands."""
    app.cli.add_command(group)
