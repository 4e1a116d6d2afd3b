"""Two at the same moment: UNIQUE and the tenant's lock decide."""

import threading
from collections.abc import Callable

from flask import Flask

from app.core.db import db
from app.core.errors import AppError
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.domain.plans import Plan
from app.services import bots
from tests.cast import Cast
from tests.sandbox_client import Json, Sandbox


def at_once(app: Flask, *acts: Callable[[], object]) -> list[str]:
    """Runs them in threads that begin together; what each ended with, sorted."""
    ready, ends = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        with app.app_context(), system_scope():
            ready.wait(5)
            try:
                with transaction():
                    act()
                ends.append("done")
            except AppError as error:
                ends.append(error.code)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return sorted(ends)


def test_one_of_two_tenants_gets_the_bot(app: Flask, cast: Cast, telegram: Sandbox):
    checked = bots.check_token(telegram.create_bot("shop_bot")["token"])
    ends = at_once(
        app,
        lambda: bots.create(cast.tenant.id, checked),
        lambda: bots.create(cast.other_tenant.id, checked),
    )
    assert ends == ["bot_taken", "done"]


def test_the_plans_last_place_is_taken_once(app: Flask, cast: Cast, telegram: Sandbox):
    cast.tenant.plan = Plan.BASIC
    db.session.commit()
    first, second = (bots.check_token(telegram.create_bot(f"{name}_bot")["token"]) for name in ("one", "two"))
    tenant_id = cast.tenant.id
    ends = at_once(app, lambda: bots.create(tenant_id, first), lambda: bots.create(tenant_id, second))
    assert ends == ["done", "plan_limit"]


def test_two_workers_claim_a_bot_once(app: Flask, cast: Cast, telegram: Sandbox, shop: Json):
    checked = bots.check_token(shop["token"])
    with transaction():
        bot = bots.create(cast.tenant.id, checked)
    jobs: list[bots.Job | None] = []
    at_once(app, *[lambda: jobs.append(bots.claim(bot.id)) for _ in range(4)])
    assert [job is None for job in jobs].count(False) == 1
