"""`flask credits`: prove that every balance is the sum of its postings; make keys of partner projects."""

from dataclasses import asdict

import click
from flask import Flask
from flask.cli import AppGroup

from app.cli.output import json_option, show
from app.core.errors import AppError
from app.core.i18n import EN
from app.core.queue import transaction
from app.core.tenancy import system_scope, tenant_scope
from app.services import credit_clients, tenants
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


@group.command("client")
@click.option("--tenant", "tenant_id", type=int, required=True, help="Whose project it is.")
@click.option("--source", required=True, help="What its postings are marked with.")
@click.option("--allow-v1", is_flag=True, help="Also take signatures of version 1.")
@json_option
def client(tenant_id: int, source: str, *, allow_v1: bool, as_json: bool) -> None:
    """Make a key of a partner project, and the project where it is new. The key is shown once."""
    try:
        with tenant_scope(tenant_id), transaction():
            tenants.get(tenant_id)
            project = credit_clients.find_client(tenant_id, source)
            project = project or credit_clients.create_client(tenant_id, source, source)
            made = credit_clients.create_key(project.id, allow_v1=allow_v1)
    except AppError as error:
        raise click.ClickException(error.text(EN)) from None
    result = {"api_key": made.api_key, "secret_key": made.secret_key, "source": source}
    words = f"Source: {source}\nAPI key: {made.api_key}\nSecret key: {made.secret_key}"
    show(result, words, as_json=as_json)


def init_app(app: Flask) -> None:
    """Adds the commands."""
    app.cli.add_command(group)
