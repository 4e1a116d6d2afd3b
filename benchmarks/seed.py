"""Tenants and bots for a benchmark, written straight into the database. Run as a program, it prints what it made.

The arguments are the number of bots and their mode; tokens come as a JSON list on standard input, `[]` = any.
"""

import json
import sys

from sqlalchemy import insert, select

from app.core.db import db
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.domain.bots import BotState, Mode
from app.factory import create_app
from app.models import Bot, Tenant
from app.services import bots
from app.services.bots.lookup import token_fingerprint


def token_of(number: int) -> str:
    """A well-formed token that nobody knows."""
    return f"{1_000_000 + number}:{'A' * 29}{number:06d}"


def make(count: int, mode: Mode, tokens: list[str]) -> list[dict[str, object]]:
    """One tenant per bot; returns id, public id, token and webhook secret of each."""
    tokens = tokens or [token_of(number) for number in range(count)]
    with create_app(get_settings()).app_context(), system_scope():
        tenants = list(
            db.session.scalars(
                insert(Tenant).returning(Tenant.id), [{"name": f"Bench {n}"} for n in range(count)]
            )
        )
        rows = [
            {
                "tenant_id": tenant_id,
                "telegram_id": int(tokens[number].partition(":")[0]),
                "token": tokens[number],
                "token_fingerprint": token_fingerprint(tokens[number]),
                "mode": mode,
                "state": BotState.RUNNING,
            }
            for number, tenant_id in enumerate(tenants)
        ]
        db.session.execute(insert(Bot), rows)
        db.session.commit()
        return [
            {
                "id": bot.id,
                "public_id": bot.public_id,
                "token": bot.token,
                "secret": bots.webhook_secret(bot),
            }
            for bot in db.session.scalars(select(Bot).order_by(Bot.id))
        ]


if __name__ == "__main__":
    json.dump(make(int(sys.argv[1]), Mode(sys.argv[2]), json.load(sys.stdin)), sys.stdout)
