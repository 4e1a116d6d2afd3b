"""`flask credits`: prove that every balance is the sum of its postings."""

from dataclasses import asdict

import click
from flask import Flask
from flask.cli import AppGroup

from app.cli.output import json_option, show
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.services import credits as ledger

group = AppGroup("credits", help="The credit ledger.")


@group.command("check")
@click.option("--tenant", "tenant_id", type=int, help="Only this tenant's accounts.")
@json_option
def check(tenant_id: int | None, *, as_json: bool) -> None:
    """Add up every posting; exits 1 when a balance differs."""
    with system_scope(), transaction():
        checked = ledger.check(tenant_id)
    words = [
        f"Tenant {each.tenant_id}, Telegram {each.telegram_id}: the balance {each.balance}"
        f" does not follow from the postings, which make {each.postings}."
        for each in checked.mismatches
    ]
    words.append(
        f"{checked.accounts} accounts, {checked.postings} postings, {len(checked.mismatches)} mismatches."
    )
    show(asdict(checked), "\n".join(words), as_json=as_json)
    if checked.mismatches:
        raise SystemExit(1)


def init_app(app: Flask) -> None:
    """Adds the commands."""
    app.cli.add_command(group)
