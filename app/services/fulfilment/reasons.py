"""Words for whoever runs the shop: why an order waits or has failed."""

from collections.abc import Mapping
from typing import Final

from app.core.i18n import N_
from app.services.fulfilment.errors import Reason
from app.services.payments.disputes import DISPUTED

REASONS: Final[Mapping[str, str]] = {
    Reason.NOT_CONFIRMED: N_("The payment provider has not confirmed the money yet."),
    Reason.PAYMENT_MISMATCH: N_("The payment provider says that another amount was paid."),
    Reason.SERVICE_DOWN: N_("An outside service does not answer."),
    Reason.SERVICE_REFUSED: N_("An outside service refuses us. Check its key and balance."),
    Reason.SPENDING_CAP: N_("Today's limit of spending on AI is reached."),
    Reason.SOLD_OUT: N_("It was sold out."),
    Reason.BROKEN: N_("An error of the program."),
    Reason.KILLED_WORKERS: N_("The program stopped three times while it worked on this order."),
    Reason.GAVE_UP: N_("All tries were used up."),
    Reason.BLOCKED: N_("The buyer has blocked the bot."),
    Reason.REFUSED: N_("Telegram refuses the message."),
    Reason.UNCLEAR: N_("Nobody knows whether Telegram delivered it."),
    Reason.BOT_GONE: N_("The bot was removed."),
    DISPUTED: N_("The buyer disputes the payment at his bank."),
    "buyer_erased": N_("The buyer's data was erased, so it can only be refunded."),
}
"""By the code that stays with the order (`Order.error`) and in its history."""
