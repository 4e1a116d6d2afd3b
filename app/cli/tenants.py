"""`flask tenants`: make, list, suspend and erase tenants."""

import sys
from collections.abc import Callable
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from app.cli.output import json_option, show
from app.core.errors import AppError, BadInput
from app.core.i18n import EN, LOCALES, ZH
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.domain.people import is_email
from app.domain.plans import Plan
from app.domain.tenants import TenantRow
from app.services import api_keys, tenant_data, tenants

PAGE = 200
group = AppGroup("tenants", help="Make, list, suspend and erase tenants.")
tenant_argument = click.argument("tenant_id", type=int)


@group.command("create")
@click.option("--name", required=True, help="Name of the business.")
@click.option("--email", required=True, help="The owner's e-mail address, with which he signs in.")
@click.option("--password", required=True, help="The owner's password; - reads it from standard input.")
@click.option("--plan", type=click.Choice([plan.value for plan in Plan]), default=Plan.PRO.value)
@click.option("--locale", type=click.Choice(LOCALES), default=ZH)
@json_option
def create(name: str, email: str, password: str, plan: str, locale: str, *, as_json: bool) -> None:
    """Make a tenant with its owner and an API key, which is shown once."""
    if password == "-":  # noqa: S105 - the usual name of standard input
        password = sys.stdin.readline().rstrip("\n")
    try:
        if not is_email(email) or not password:
            raise BadInput
        with system_scope(), transaction():
            made = tenants.create(name, email, password, Plan(plan), locale)
            key = api_keys.create(made.tenant.id, "flask tenants create", made.user.id)
    except AppError as error:
        raise click.ClickException(error.text(EN)) from None
    result = {
        "tenant_id": made.tenant.id,
        "tenant_uuid": str(made.tenant.uuid),
        "user_id": made.user.id,
        "api_key": key.key,
    }
    words = f"Made {made.tenant.name} (id {made.tenant.id}); {made.user.email} owns it.\nAPI key: {key.key}"
    show(result, words, as_json=as_json)


@group.command("list")
@click.option("--search", default="", help="Part of a name, an address or the owner's e-mail.")
@json_option
def list_all(search: str, *, as_json: bool) -> None:
    """List tenants, newest first."""
    rows: list[TenantRow] = []
    with system_scope(), transaction():
        total = PAGE
        while len(rows) < total:
            found, total = tenants.list_all(search=search, page=len(rows) // PAGE, size=PAGE)
            rows += found
    result = [
        {
            "tenant_id": row.id,
            "tenant_uuid": row.uuid,
            "name": row.name,
            "plan": row.plan,
            "owner": row.owner,
            "bots": row.bots,
            "members": row.members,
            "suspended": row.suspended_at is not None,
        }
        for row in rows
    ]
    lines = [f"{row.id:>6}  {row.plan:<10} {row.owner:<36} {row.name}" for row in rows]
    show(result, "\n".join(lines) or "No tenants.", as_json=as_json)


@group.command("suspend")
@tenant_argument
def suspend(tenant_id: int) -> None:
    """Close a tenant's pages and silence its bots; its data stays."""
    _do(lambda: tenants.suspend(tenant_id))
    click.echo(f"Suspended tenant {tenant_id}.")


@group.command("resume")
@tenant_argument
def resume(tenant_id: int) -> None:
    """Open a suspended tenant again."""
    _do(lambda: tenants.resume(tenant_id))
    click.echo(f"Resumed tenant {tenant_id}.")


@group.command("export")
@tenant_argument
@click.option("--file", "path", type=click.Path(path_type=Path, dir_okay=False), required=True)
def export(tenant_id: int, path: Path) -> None:
    """Write all of a tenant's data, without secrets, as a zip of JSON lines."""
    _do(lambda: tenant_data.export(tenant_id, path))
    click.echo(f"Wrote {path}.")


@group.command("erase")
@tenant_argument
@click.option("--name", required=True, help="The tenant's exact name, so that no other is erased by mistake.")
def erase(tenant_id: int, name: str) -> None:
    """Delete a tenant with everything that belongs to it. There is no way back."""
    tokens: list[str] = []
    _do(lambda: tokens.extend(tenant_data.leave_telegram(tenant_id, name)))
    tenant_data.forget_webhooks(tokens)
    _do(lambda: tenant_data.erase(tenant_id, name))
    click.echo(f"Erased tenant {tenant_id}.")


def _do(act: Callable[[], object]) -> None:
    try:
        with system_scope(), transaction():
            act()
    except AppError as error:
        raise click.ClickException(error.text(EN)) from None


def init_app(app: Flask) -> None:
    """Adds the commands."""
    app.cli.add_command(group)
