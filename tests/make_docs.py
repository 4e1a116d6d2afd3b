"""`make docs`: writes docs/settings.md from the settings themselves, and docs/commands.md from the commands."""

from collections.abc import Iterator
from pathlib import Path

import click
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from app.cli import FEATURES
from app.core.settings import Settings

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "settings.md"
COMMANDS = DOCS / "commands.md"
HEAD = """# Settings

Environment variables, read once at the start; a wrong value stops it with a clear error. `.env` is read too. Made by `make docs`.

| variable | default | what |
|---|---|---|
"""


def _default(value: object) -> str:
    if value in (PydanticUndefined, "", []) or isinstance(value, SecretStr):
        return ""
    return f"`{value}`"


def settings_page() -> str:
    """The page as Markdown."""
    rows = [
        f"| `{name.upper()}` | {_default(field.default)} | {field.description or ''} |"
        for name, field in Settings.model_fields.items()
    ]
    return HEAD + "\n".join(rows) + "\n"


COMMANDS_HEAD = """# Commands

`flask <group> <command>`, with the settings in the environment. While `make run` runs, they join it from another terminal. A command that
was refused says why and exits 1, one that was called wrongly exits 2. `--json` prints one document instead of words; in the examples `…`
stands for what is left out. Made by `make docs`.

`flask db upgrade` brings the tables up to date; the process `release` does it before each start.
"""
_BOT = """{"bot_id": 1, "public_id": "…", "tenant_id": 1, "username": "tea_bot", "mode": "polling", "enabled": true, "state": "running",
 "last_error": null, "queue_lag": 0.0, "pending_updates": 0, "last_update_at": "2030-01-31T12:00:00+00:00"}"""
_CODE = '"code": "H7KQ2MPXB4"'
_PRODUCT = f"""{{"product_id": 1, {_CODE}, "name": "Gold card", "kind": "digital_goods", "state": "on_sale",
 "price": "19.90", "currency": "USD", "stars": 990, "providers": ["pingpong", "stars"], "stock": 120}}"""
PRINTED = {
    "bots add": '{"bot_id": 1, "public_id": "…", "webhook_path": "/api/webhook/…/", "webhook_secret": "…"}',
    "bots list": f"[{_BOT}]",
    "bots test": _BOT,
    "credits client": '{"api_key": "ck_….…", "secret_key": "…", "source": "shop"}',
    "credits check": """{"accounts": 2, "postings": 5,
 "mismatches": [{"tenant_id": 1, "telegram_id": 7000001, "balance": 6, "postings": 5}]}""",
    "demo create": """{"tenant_id": 1, "email": "demo@laoban.example", "password": "…", "bot": "demo_bot", "lottery": "H7KQ2MPXB4",
 "products": ["H7KQ2MPXB4"], "project": "http://127.0.0.1:8081/partner/mall"}""",
    "keys rotate": '{"changed": {"bot.token": 12}}',
    "lotteries audit": f"""{{{_CODE}, "events": 5, "ok": true, "broken": null, "hash": "9f2c…"}}""",
    "lotteries close": f"""{{{_CODE}, "state": "drawing", "closed": true}}""",
    "lotteries create": f"""{{{_CODE}, "state": "open", "commitment": "5e88…", "link": "https://shop.example/l/H7KQ2MPXB4"}}""",
    "lotteries export": f"""{{{_CODE}, "what": "record", "file": "draw.json"}}""",
    "lotteries verify": """{"ok": false, "steps": [{"name": "format", "state": "ok", "text": "…"}],
 "mismatch": {"code": "entries_changed", "text": "…", "params": {"first": 1, "last": 1024}}}""",
    "operators add": '{"user_id": 1, "email": "ops@example.com"}',
    "orders show": f"""{{{_CODE}, "state": "completed", "phase": null, "tenant": 1, "product": "Gold card",
 "kind": "digital_goods", "buyer": 7000001, "provider": "pingpong", "amount": "19.90", "currency": "USD", "attempts": 1,
 "error": null, "created_at": "2030-01-31T12:00:00+00:00", "expires_at": "…", "paid_at": "…", "completed_at": "…",
 "payments": [{{"provider": "pingpong", "reference": "…", "state": "paid", "amount": "19.90", "currency": "USD", "error": null}}],
 "history": [{{"at": "…", "from": "pending", "to": "paid", "by": "callback", "name": "", "why": "paid", "details": {{}}}}]}}""",
    "orders sweep": """{"taken over": 0, "set aside": 0, "told that it begins": 2, "told that it takes longer": 0, "expired": 1,
 "looked at": 2, "workers asked for": 1}""",
    "people reset-link": '{"email": "boss@example.com", "link": "https://shop.example/reset/…"}',
    "products create": _PRODUCT,
    "products list": f"[{_PRODUCT}]",
    "products stock": f"""{{{_CODE}, "added": 98, "known": [3, 41], "free": 120}}""",
    "system check": """{"ok": false, "checks": [{"name": "settings", "ok": true, "mend": null},
 {"name": "queues", "ok": false, "mend": "Messages wait and no worker listens to: low. Start one."}]}""",
    "tenants create": '{"tenant_id": 1, "tenant_uuid": "…", "user_id": 1, "api_key": "tk_…"}',
    "tenants list": """[{"tenant_id": 1, "tenant_uuid": "…", "name": "Tea house", "plan": "pro", "owner": "boss@example.com",
  "bots": 2, "members": 4000, "suspended": false}]""",
}
"""An example of what each command prints with `--json`."""


def commands_page() -> str:
    """The page as Markdown."""
    groups = sorted((feature.group for feature in FEATURES), key=lambda group: str(group.name))
    return COMMANDS_HEAD + "".join(part for group in groups for part in _group(group))


def _group(group: click.Group) -> Iterator[str]:
    yield f"\n## flask {group.name}\n"
    for name, command in sorted(group.commands.items()):
        yield from _command(f"{group.name} {name}", command)


def _command(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command)
    arguments = [each.make_metavar(context) for each in command.params if isinstance(each, click.Argument)]
    yield f"\n### {' '.join(['flask', name, *arguments])}\n\n{command.help}\n"
    options = [each for each in command.params if isinstance(each, click.Option) and each.name != "as_json"]
    if options:
        yield "\n| option | |\n|---|---|\n"
    for option in options:
        yield f"| `{option.opts[0]}` | {_about(option)} |\n"
    if name in PRINTED:
        yield f"\n`--json` prints\n\n```json\n{PRINTED[name]}\n```\n"


def _about(option: click.Option) -> str:
    words = [option.help or ""]
    if isinstance(option.type, click.Choice):
        words.append(f"One of {', '.join(f'`{choice}`' for choice in option.type.choices)}.")
    if option.required:
        words.append("Required.")
    elif isinstance(option.default, str) and option.default:
        words.append(f"By default `{option.default}`.")
    return " ".join(word for word in words if word)


if __name__ == "__main__":
    PAGE.write_text(settings_page())
    COMMANDS.write_text(commands_page())
