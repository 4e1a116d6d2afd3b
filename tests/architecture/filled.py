"""Rows of a tenant for attacks on them: one of most kinds, each with MARK in it, where it can be with the same number."""

from datetime import timedelta

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.domain.lotteries import LotteryState
from app.models import (
    AffiliateSettings,
    Bot,
    BotMenuItem,
    BotText,
    Broadcast,
    BroadcastRecipient,
    CommissionEntry,
    CreditAccount,
    CreditDrift,
    CreditDriftLine,
    CreditHold,
    CreditLetter,
    CreditPartner,
    CreditPosting,
    Domain,
    Lottery,
    LotteryEntry,
    LotteryPost,
    LotteryPrize,
    LotteryTally,
    LotteryTemplate,
    LotteryWinner,
    Member,
    Picture,
    Promoter,
    PromoterAccount,
    PromoterTouch,
    Withdrawal,
)
from tests.architecture.filled_shop import fill_shop
from tests.cast import Cast

MARK = "secret-of-tenant-a"
CODE = "SECRETA2"
PERSON = 42
SECRET = "5e" * 32


def fill(cast: Cast) -> Bot:
    """The bot, whose number all other rows have; needs the scope of tenant A and a transaction."""
    owned = {"tenant_id": cast.tenant.id}
    cast.tenant.name = f"{MARK} shop"
    bot = Bot(
        **owned, telegram_id=1, username=f"{MARK}_bot", name=MARK, token=f"1:{MARK}", token_fingerprint="a"
    )
    db.session.add(bot)
    db.session.flush()
    numbered = owned | {"id": bot.id}
    named = owned | {"bot_id": bot.id}
    db.session.add_all(
        [
            BotText(**named, key="welcome", locale="en", body=MARK),
            BotMenuItem(**named, label=MARK, reply=MARK),
            Member(**numbered, telegram_id=PERSON, first_name=MARK),
            Domain(**owned, host=f"{MARK}.example", check_token=MARK),
            Picture(**numbered, sha256="a" * 64, mime="image/png", width=1, height=1, data=MARK.encode()),
            CreditAccount(**numbered, telegram_id=PERSON, balance=7, held=2),
        ]
    )
    db.session.flush()
    db.session.add_all(
        [
            CreditPosting(
                **numbered,
                account_id=bot.id,
                amount=7,
                balance=7,
                source="admin",
                reference=MARK,
                reason=MARK,
            ),
            CreditHold(
                **numbered,
                account_id=bot.id,
                amount=2,
                source=MARK,
                reference=MARK,
                reason=MARK,
                expires_at=clock.now() + timedelta(days=1),
            ),
            LotteryTemplate(**numbered, bot_id=bot.id, name=MARK, body={"title": MARK}, duration_minutes=60),
            Broadcast(
                **numbered,
                bot_id=bot.id,
                name=MARK,
                body=MARK,
                audience={"kind": "all", "value": ""},
                picture_id=bot.id,
            ),
        ]
    )
    db.session.flush()
    db.session.add(BroadcastRecipient(**owned, broadcast_id=bot.id, telegram_id=PERSON))
    _fill_syncing(numbered, bot.id)
    _fill_promoting(numbered, bot.id)
    fill_shop(numbered, bot.id, PERSON, MARK)
    _fill_lottery(numbered, owned | {"lottery_id": bot.id}, bot.id)
    return bot


def _fill_syncing(numbered: dict[str, int], number: int) -> None:
    """A paused partner with a change that it refused, and a comparison with its balances."""
    posting = db.session.scalars(select(CreditPosting.id)).one()
    address = {"url": f"https://{MARK}.example/in", "key_id": MARK, "secret": MARK}
    db.session.add_all(
        [
            CreditPartner(**numbered, name=MARK, state="paused", **address),
            CreditDrift(**numbered, name=MARK, partner_id=number, by=MARK, compared=1, differing=1),
        ]
    )
    db.session.flush()
    db.session.add_all(
        [
            CreditLetter(**numbered, partner_id=number, posting_id=posting, account_id=number, reason=MARK),
            CreditDriftLine(**numbered, drift_id=number, telegram_id=PERSON, ours=7, theirs=8),
        ]
    )


def _fill_promoting(numbered: dict[str, int], number: int) -> None:
    """A promoter with a balance, who waits for his money."""
    owned = {"tenant_id": numbered["tenant_id"]}
    db.session.add_all(
        [AffiliateSettings(**owned, terms=MARK), Promoter(**numbered, telegram_id=PERSON, code="SECRETCODE")]
    )
    db.session.flush()
    db.session.add_all(
        [
            PromoterAccount(**numbered, promoter_id=number, currency="USD", balance=7),
            PromoterTouch(**owned, promoter_id=number, telegram_id=PERSON, outcome="self"),
        ]
    )
    db.session.flush()
    entry = {"kind": "adjusted", "amount": 7, "balance": 7, "reference": MARK, "note": MARK}
    wish = {"amount": 5, "currency": "USD", "pay_to": MARK, "made_by": MARK}
    db.session.add_all(
        [
            CommissionEntry(**owned, account_id=number, **entry),
            Withdrawal(**numbered, promoter_id=number, account_id=number, **wish),
        ]
    )


def _fill_lottery(numbered: dict[str, int], of_it: dict[str, int], bot_id: int) -> None:
    """Open, so that it may be closed or cancelled, and with a winner, so that his prize may be handed over."""
    now = clock.now()
    db.session.add(
        Lottery(
            **numbered,
            bot_id=bot_id,
            code=CODE,
            title=MARK,
            description=MARK,
            state=LotteryState.OPEN,
            opened_at=now,
            closes_at=now + timedelta(days=1),
            seed=SECRET,
            salt=SECRET,
            commitment="c" * 64,
            picture_id=bot_id,
        )
    )
    db.session.flush()
    db.session.add_all(
        [
            LotteryPrize(**numbered, lottery_id=bot_id, position=0, name=MARK, quantity=1),
            LotteryEntry(**numbered, lottery_id=bot_id, telegram_id=PERSON, bot_id=bot_id),
            LotteryTally(**of_it, shard=0, entries=1),
            LotteryPost(**numbered, lottery_id=bot_id, chat="@secret_chat", error=MARK),
        ]
    )
    db.session.flush()
    db.session.add(
        LotteryWinner(
            **of_it,
            slot=1,
            turn=0,
            prize_id=bot_id,
            entry_id=bot_id,
            telegram_id=PERSON,
            rank=1,
            won_at=now,
            note=MARK,
        )
    )
