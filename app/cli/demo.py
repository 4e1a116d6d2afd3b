"""`flask demo`: a boss to look around with."""

import base64
import hashlib
import hmac

import click
from flask import Flask
from flask.cli import AppGroup
from flask_security.utils import verify_password

from app.cli.output import json_option, show
from app.core.errors import AppError
from app.core.i18n import EN
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.models import User
from app.services import bots, people, tenants

EMAIL = "demo@laoban.example"
NAME = "老板演示店"
group = AppGroup("demo", help="A demo boss to look around with.")


@group.command("create")
@click.option("--token", default="", help="Token of the demo's bot; without it he has none.")
@json_option
def create(token: str, *, as_json: bool) -> None:
    """Make the demo boss, or say how to log in as him."""
    with system_scope():
        try:
            checked = bots.check_token(token) if token else None
            with transaction():
                tenant_id, user = _boss()
                username = _bot(tenant_id, checked) if checked else None
        except AppError as error:
            raise click.ClickException(error.text(EN)) from None
        known = user.password is not None and verify_password(_password(), user.password)
    result = {
        "tenant_id": tenant_id,
        "email": EMAIL,
        "password": _password() if known else None,
        "bot": username,
    }
    words = f"Log in as {EMAIL} with " + (_password() if known else "the password that was chosen for him.")
    show(result, words, as_json=as_json)


def _password() -> str:
    """The same at every call, another on every deployment, and written down nowhere."""
    key = get_settings().secret_key.get_secret_value().encode()
    letters = base64.b32encode(hmac.digest(key, b"demo boss", hashlib.sha256)).decode().lower()
    return "-".join((letters[:4], letters[4:8], letters[8:12]))


def _boss() -> tuple[int, User]:
    user = people.find_by_email(EMAIL)
    if user is None:
        made = tenants.create(NAME, EMAIL, _password())
        return made.tenant.id, made.user
    membership, _ = people.memberships_of(user.id)[0]
    return membership.tenant_id, user


def _bot(tenant_id: int, checked: bots.Checked) -> str | None:
    """His bot's username; None where he removed it. A bot that got another token meanwhile gets it here too."""
    found = bots.list_bots(tenant_id)
    mine = next((bot for bot in found if bot.telegram_id == checked.telegram_id), None)
    if mine is None and found:
        return None
    if mine is None:
        mine = bots.create(tenant_id, checked)
    elif mine.token != checked.token:
        mine = bots.update_token(mine.id, checked)
    return mine.username if mine.enabled else None


def init_app(app: Flask) -> None:
    """Adds the commands."""
    app.cli.add_command(group)
