"""`flask demo`: a boss to look around with, whose bot has a lottery to join and things to buy."""

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Final

import click
from flask import Flask
from flask.cli import AppGroup
from flask_security.utils import verify_password

from app.cli import demo_products, demo_project
from app.cli.output import json_option, show
from app.core import clock
from app.core.errors import AppError
from app.core.i18n import EN
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.domain.draw import BeaconChain
from app.domain.lotteries import LotterySpec, LotteryState, PrizeSpec
from app.models import Bot, User
from app.services import bots, lotteries, people, tenants
from app.services.lotteries import figures
from app.services.lotteries.showing import public_link

EMAIL = "demo@laoban.example"
NAME = "老板演示店"
DAYS = timedelta(days=7)
PRIZES: Final = (
    PrizeSpec("手冲咖啡壶套装"),
    PrizeSpec("马克杯", 3),
    PrizeSpec("50 积分", 10, credits=50),
)
group = AppGroup("demo", help="A demo boss to look around with.")


@group.command("create")
@click.option("--token", default="", help="Token of the demo's bot; without it he has none.")
@click.option(
    "--sandbox", default="", help="Address of the sandbox that plays his partner; without it he has none."
)
@json_option
def create(token: str, sandbox: str, *, as_json: bool) -> None:
    """Make the demo boss, or say how to log in as him."""
    with system_scope():
        try:
            checked = bots.check_token(token) if token else None
            beacon = lotteries.prepare_beacon() if token else None
            place = demo_project.look(sandbox.rstrip("/")) if sandbox else None
            with transaction():
                tenant_id, user = _boss()
                bot = _bot(tenant_id, checked) if checked else None
                code = _lottery(bot, beacon) if bot else None
                products = demo_products.make(tenant_id)
                keys = demo_project.make(tenant_id, place) if place else {}
            if place:
                demo_project.tell(place, keys)
        except AppError as error:
            raise click.ClickException(error.text(EN)) from None
        known = user.password is not None and verify_password(_password(), user.password)
    result = {
        "tenant_id": tenant_id,
        "email": EMAIL,
        "password": _password() if known else None,
        "bot": bot.username if bot else None,
        "lottery": code,
        "products": products,
        "project": place.page if place else None,
    }
    words = [f"Log in as {EMAIL} with " + (_password() if known else "the password that was chosen for him.")]
    words += [f"His lottery: {public_link(code) or code}"] if code else []
    words += [f"He sells {len(products)} products."] if products else []
    words += [f"His other project: {place.page}"] if place else []
    show(result, "\n".join(words), as_json=as_json)


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


def _bot(tenant_id: int, checked: bots.Checked) -> Bot | None:
    """His bot; None where he removed or stopped it. A bot that got another token meanwhile gets it here too."""
    found = bots.list_bots(tenant_id)
    mine = next((bot for bot in found if bot.telegram_id == checked.telegram_id), None)
    if mine is None and found:
        return None
    if mine is None:
        mine = bots.create(tenant_id, checked)
    elif mine.token != checked.token:
        mine = bots.update_token(mine.id, checked)
    return mine if mine.enabled else None


def _lottery(bot: Bot, beacon: BeaconChain | None) -> str:
    """The code of a lottery to join: the one that there is, else a new one."""
    for row in figures.listing(bot.tenant_id, (LotteryState.OPEN, LotteryState.SCHEDULED)):
        return row.lottery.code
    spec = LotterySpec(
        title="新店开业抽奖",
        description="点一下就能免费参加。开奖全程公开、人人都能验证。",
        prizes=PRIZES,
        closes_at=clock.now() + DAYS,
    )
    return lotteries.publish(lotteries.create(bot.tenant_id, bot.id, spec).id, beacon).code


def init_app(app: Flask) -> None:
    """Adds the commands."""
    app.cli.add_command(group)
