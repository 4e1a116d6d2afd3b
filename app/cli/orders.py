"""`flask orders`: look at orders, and do by hand what the schedule does."""

from flask import Flask
from flask.cli import AppGroup

from app.cli.output import json_option, show
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.services.fulfilment import delivery, sweep

group = AppGroup("orders", help="Look at orders; take over, tell and complete what is due.")


@group.command("sweep")
@json_option
def sweep_orders(*, as_json: bool) -> None:
    """Do now what beat does every two seconds: take over from dead workers, tell buyers, complete, expire, start."""
    with system_scope():
        done = {name: _run(name) for name in sweep.STEPS}
        with transaction():
            delivered = sweep.list_delivered()
        for order_id in delivered:
            with transaction():
                delivery.heard(order_id)
        with transaction():
            started = sweep.start_workers()
    found = {**done, "looked at": len(delivered), "workers asked for": started}
    show(found, ", ".join(f"{name}: {number}" for name, number in found.items()), as_json=as_json)


def _run(name: str) -> int:
    """All batches of one kind."""
    total = 0
    while True:
        with transaction():
            done = sweep.STEPS[name]()
        total += done
        if not done:
            return total


def init_app(app: Flask) -> None:
    app.cli.add_command(group)

