"""News about orders and money that a boss must see: their kinds, their words, and the page where they are settled."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from app.core.i18n import N_


class AlertKind(StrEnum):
    """What happened."""

    ORDER_FAILED = "order_failed"
    AMOUNT_MISMATCH = "amount_mismatch"
    PAID_TWICE = "paid_twice"
    UNKNOWN_PAYMENTS = "unknown_payments"
    PAYMENT_LATE_UNFULFILLABLE = "payment_late_unfulfillable"
    LOW_STOCK = "low_stock"
    SOLD_OUT = "sold_out"
    SERVICE_DOWN = "service_down"
    SERVICE_KEY_BAD = "service_key_bad"
    SPENDING_CAP = "spending_cap"
    REFUND_FAILED = "refund_failed"
    DISPUTE = "dispute"
    MANUAL_ORDER = "manual_order"
    TRANSFER_CLAIMED = "transfer_claimed"
    WITHDRAWAL_REQUESTED = "withdrawal_requested"
    RECONCILIATION_DIFFERENCE = "reconciliation_difference"
    COMMISSIONS_WRONG = "commissions_wrong"
    PARTNER_FAILING = "partner_failing"
    PARTNER_GONE = "partner_gone"
    PARTNER_WELL = "partner_well"
    PARTNER_LETTERS = "partner_letters"


TEXTS: Final[Mapping[AlertKind, str]] = {
    AlertKind.ORDER_FAILED: N_(
        "Order %(order)s could not be delivered. Look at it, then try again or pay it back."
    ),
    AlertKind.AMOUNT_MISMATCH: N_(
        "A payment for order %(order)s has another amount or currency than it should; nothing was delivered."
    ),
    AlertKind.PAID_TWICE: N_("Order %(order)s was paid twice. Pay the second payment back."),
    AlertKind.UNKNOWN_PAYMENTS: N_("Money came in that belongs to no order of yours."),
    AlertKind.PAYMENT_LATE_UNFULFILLABLE: N_(
        "Order %(order)s was paid after it had expired and can't be delivered any more. Pay it back."
    ),
    AlertKind.LOW_STOCK: N_("“%(product)s” will soon be sold out: %(left)s left. Fill up its stock."),
    AlertKind.SOLD_OUT: N_("“%(product)s” is sold out: nobody can order it until you fill up its stock."),
    AlertKind.SERVICE_DOWN: N_(
        "%(service)s does not answer. Orders that need it wait and are delivered when it is back."
    ),
    AlertKind.SERVICE_KEY_BAD: N_(
        "%(service)s refuses your key, or your balance there is used up. Orders that need it wait."
    ),
    AlertKind.SPENDING_CAP: N_(
        "Today's limit of spending on AI is reached. Charts come from our own calculation, and texts that an AI writes "
        "wait until tomorrow."
    ),
    AlertKind.REFUND_FAILED: N_("The refund of order %(order)s was refused. Look at it."),
    AlertKind.DISPUTE: N_("The buyer of order %(order)s disputes the payment at his bank."),
    AlertKind.MANUAL_ORDER: N_("Order %(order)s is paid and waits for you: “%(product)s”."),
    AlertKind.TRANSFER_CLAIMED: N_(
        "The buyer of order %(order)s says that he has transferred the money. Check your account and confirm it."
    ),
    AlertKind.WITHDRAWAL_REQUESTED: N_("A promoter asks for his commission to be paid out."),
    AlertKind.RECONCILIATION_DIFFERENCE: N_(
        "The payment provider's figures and yours differ. Look at the comparison."
    ),
    AlertKind.COMMISSIONS_WRONG: N_("The balances of your promoters do not match their entries."),
    AlertKind.PARTNER_FAILING: N_(
        "“%(partner)s” has not taken changes of credits for half an hour. They wait and are sent again by themselves."
    ),
    AlertKind.PARTNER_GONE: N_(
        "“%(partner)s” says that it wants no more changes of credits. Nothing is sent until you start it again."
    ),
    AlertKind.PARTNER_WELL: N_("“%(partner)s” takes changes of credits again."),
    AlertKind.PARTNER_LETTERS: N_(
        "“%(partner)s” refuses changes of credits. They wait for you, with all later ones of the same members."
    ),
}
"""One sentence each. What it names is `order` (its code), `product`, or in the alert's details."""

MANY: Final[Mapping[AlertKind, str]] = {
    AlertKind.ORDER_FAILED: N_("%(count)s orders could not be delivered. Look at them."),
    AlertKind.AMOUNT_MISMATCH: N_("%(count)s payments have another amount or currency than they should."),
    AlertKind.PAID_TWICE: N_("%(count)s orders were paid twice. Pay the second payments back."),
    AlertKind.PAYMENT_LATE_UNFULFILLABLE: N_(
        "%(count)s orders were paid after they had expired and can't be delivered any more. Pay them back."
    ),
    AlertKind.REFUND_FAILED: N_("%(count)s refunds were refused. Look at them."),
    AlertKind.DISPUTE: N_("%(count)s payments are disputed by their buyers."),
    AlertKind.MANUAL_ORDER: N_("%(count)s orders are paid and wait for you."),
    AlertKind.TRANSFER_CLAIMED: N_("%(count)s buyers say that they have transferred the money."),
    AlertKind.WITHDRAWAL_REQUESTED: N_("%(count)s promoters ask for their commission to be paid out."),
}
"""For many alerts of a kind at once, so that the boss gets one message instead of hundreds."""

PATHS: Final[Mapping[AlertKind, str]] = {
    AlertKind.UNKNOWN_PAYMENTS: "/admin/reconciliation/",
    AlertKind.LOW_STOCK: "/admin/product-stock/?id=%(product_id)s",
    AlertKind.SOLD_OUT: "/admin/product-stock/?id=%(product_id)s",
    AlertKind.SERVICE_DOWN: "/admin/service-accounts/",
    AlertKind.SERVICE_KEY_BAD: "/admin/service-accounts/",
    AlertKind.SPENDING_CAP: "/admin/service-accounts/",
    AlertKind.WITHDRAWAL_REQUESTED: "/admin/withdrawals/",
    AlertKind.RECONCILIATION_DIFFERENCE: "/admin/reconciliation/",
    AlertKind.COMMISSIONS_WRONG: "/admin/promoters/",
    AlertKind.PARTNER_FAILING: "/admin/credit-partners/",
    AlertKind.PARTNER_GONE: "/admin/credit-partners/",
    AlertKind.PARTNER_WELL: "/admin/credit-partners/",
    AlertKind.PARTNER_LETTERS: "/admin/credit-partners/",
}
ORDER_PATH: Final = "/admin/orders/details/?id=%(order_id)s"
ORDERS_PATH: Final = "/admin/orders/"


def path_of(kind: AlertKind, *, order_id: int | None = None, product_id: int | None = None) -> str:
    """The page of the admin area where this is settled."""
    path = PATHS.get(kind) or (ORDER_PATH if order_id else ORDERS_PATH)
    return path % {"order_id": order_id, "product_id": product_id}
