"""Two at the same moment: UNIQUE and the tenant's lock decide."""

from flask import Flask

from app.core.db import db
from app.core.queue import transaction
from app.domain.plans import Plan
from app.services import bots
from tests.cast import Cast
from tests.racing import endings
from tests.sandbox_client import Json, Sandbox


def test_one_of_two_tenants_gets_the_bot(app: Flask, cast: Cast, telegram: Sandbox):
    checked = bots.check_token(telegram.create_bot("shop_bot")["token"])
    ends = endings(
        lambda: bots.create(cast.tenant.id, checked),
        lambda: bots.create(cast.other_tenant.id, checked),
    )
    assert ends == {"bot_taken": 1, "done": 1}


def test_the_plans_last_place_is_taken_once(app: Flask, cast: Cast, telegram: Sandbox):
    cast.tenant.plan = Plan.BASIC
    db.session.commit()
    first, second = (bots.check_token(telegram.create_bot(f"{name}_bot")["token"]) for name in ("one", "two"))
    tenant_id = cast.tenant.id
    ends = endings(lambda: bots.create(tenant_id, first), lambda: bots.create(tenant_id, second))
    assert ends == {"done": 1, "plan_limit": 1}


def test_two_workers_claim_a_bot_once(app: Flask, cast: Cast, telegram: Sandbox, shop: Json):
    checked = bots.check_token(shop["token"])
    with transaction():
        bot = bots.create(cast.tenant.id, checked)
    jobs: list[bots.Job | None] = []
    endings(*[lambda: jobs.append(bots.claim(bot.id)) for _ in range(4)])
    assert [job is None for job in jobs].count(False) == 1
