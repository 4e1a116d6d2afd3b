"""Lotteries for tests: made, published, joined and closed as the product does it."""

from datetime import timedelta

from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.ids import public_id
from app.core.queue import transaction
from app.domain import lottery_spec
from app.domain.bots import BotState
from app.domain.lotteries import LotterySpec
from app.models import Bot, Lottery, Member, Tenant
from app.services.lotteries import manage


def a_bot(tenant: Tenant, number: int = 1) -> Bot:
    """A running bot without a Telegram behind it."""
    bot = Bot(
        tenant_id=tenant.id,
        telegram_id=1_000_000 + number,
        username=f"bot{number}",
        token=f"{1_000_000 + number}:{'A' * 35}",
        token_fingerprint=public_id(),
        state=BotState.RUNNING,
    )
    db.session.add(bot)
    db.session.commit()
    return bot


def a_spec(**fields: object) -> LotterySpec:
    """Two mugs, closing in a day; `fields` as in lottery.json."""
    body: dict[str, object] = {
        "title": "Weekend draw",
        "prizes": [{"name": "Mug", "quantity": 2}],
        "closes_at": clock.now() + timedelta(days=1),
    }
    return lottery_spec.read(body | fields)


def a_draft(bot: Bot, **fields: object) -> Lottery:
    """A lottery that nobody sees yet."""
    with transaction():
        return manage.create(bot.tenant_id, bot.id, a_spec(**fields))


def an_open(bot: Bot, **fields: object) -> Lottery:
    """A lottery that takes entries."""
    lottery = a_draft(bot, **fields)
    with transaction():
        return manage.publish(lottery.id)


def members(tenant: Tenant, *telegram_ids: int) -> None:
    """People whom the tenant knows."""
    db.session.add_all(
        Member(tenant_id=tenant.id, telegram_id=one, first_name=f"M{one}") for one in telegram_ids
    )
    db.session.commit()


def enter(lottery: Lottery, *telegram_ids: int) -> None:
    """Entries without the questions of joining: the rows alone."""
    with transaction():
        for one in telegram_ids:
            db.session.execute(
                text(
                    "INSERT INTO lottery_entry (tenant_id, lottery_id, telegram_id, bot_id) VALUES (:t, :l, :p, :b)"
                ),
                {"t": lottery.tenant_id, "l": lottery.id, "p": one, "b": lottery.bot_id},
            )
        db.session.execute(
            text("UPDATE lottery_tally SET entries = entries + :n WHERE lottery_id = :l AND shard = 0"),
            {"n": len(telegram_ids), "l": lottery.id},
        )
