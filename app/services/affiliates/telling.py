"""Messages to promoters, written to the outbox in the transaction of what they tell of."""

from sqlalchemy import select

from app.core.db import db
from app.core.i18n import N_, locale_of, translate
from app.domain.buttons import data
from app.domain.money import shown_money
from app.models import Member, Order, Promoter, Tenant, Withdrawal
from app.services import notices, outbox

OPEN = "promo"
"""The button that shows a promoter his page."""
_EARNED = N_("💰 You earned %(amount)s: somebody you brought has bought something (order %(code)s).")
_EARNED_ABOVE = N_("💰 You earned %(amount)s through a promoter you brought (order %(code)s).")
_REVERSED = N_("↩️ Order %(code)s was refunded, so its commission of %(amount)s was taken back.")


def earned(promoter: Promoter, order: Order, level: int, amount: int) -> None:
    """He reads it when he looks: his phone stays quiet."""
    words = _EARNED if level == 1 else _EARNED_ABOVE
    _of_order(promoter, order, words, amount, f"commission:{order.id}:{level}")


def reversed_(promoter: Promoter, order: Order, level: int, amount: int) -> None:
    """Quietly too."""
    _of_order(promoter, order, _REVERSED, amount, f"commission_back:{order.id}:{level}")


def _of_order(promoter: Promoter, order: Order, words: str, amount: int, key: str) -> None:
    locale = locale_for(promoter)
    shown = shown_money(amount, order.value_currency, locale)
    text = translate(locale, words, amount=shown, code=order.code)
    _tell(promoter, text, key, locale, quiet=True, bot_id=order.bot_id)


def decided(promoter: Promoter, withdrawal: Withdrawal, words: str) -> None:
    """What became of his wish to be paid; `words` may name `amount` and `reason`."""
    locale = locale_for(promoter)
    shown = shown_money(withdrawal.amount, withdrawal.currency, locale)
    text = translate(locale, words, amount=shown, reason=withdrawal.reason)
    _tell(promoter, text, f"withdrawal:{withdrawal.id}:{withdrawal.state}", locale)


def locale_for(promoter: Promoter) -> str:
    """The language he chose, else his Telegram's, else the tenant's."""
    member = db.session.execute(
        select(Member.locale, Member.language_code).where(
            Member.tenant_id == promoter.tenant_id, Member.telegram_id == promoter.telegram_id
        )
    ).first()
    chosen = (member.locale or locale_of(member.language_code)) if member else None
    return chosen or db.session.scalars(select(Tenant.locale).where(Tenant.id == promoter.tenant_id)).one()


def _tell(
    promoter: Promoter, text: str, key: str, locale: str, *, quiet: bool = False, bot_id: int | None = None
) -> None:
    carrier = notices.carrier(promoter.tenant_id, promoter.telegram_id, bot_id)
    if carrier is None:
        return
    button = {"text": translate(locale, N_("📣 My promoting")), "callback_data": data(OPEN)}
    payload: dict[str, object] = {
        "text": text,
        "reply_markup": {"inline_keyboard": [[button]]},
        "disable_notification": quiet or None,
    }
    outbox.queue_message(promoter.tenant_id, carrier, promoter.telegram_id, "sendMessage", payload, key)
