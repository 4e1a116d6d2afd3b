"""What can go wrong with payments, for the buyer and for the boss."""

from app.core.errors import BadInput, Conflict
from app.core.i18n import N_


class NotPayable(Conflict):
    """The order is paid, expired or refunded."""

    code = "order_not_payable"
    message = N_("This order can't be paid any more.")


class ProviderMissing(Conflict):
    """The shop has no account for this way of paying."""

    code = "payment_provider_missing"
    message = N_("The shop has not set up this way of paying. Please choose another one.")


class NothingReceived(Conflict):
    code = "nothing_received"
    message = N_("No money has come in for this order, so nothing can be paid back.")


class RefundTooLarge(BadInput):
    code = "refund_too_large"
    message = N_("More can't be paid back than came in: %(left)s are left.")


class RefundWholeOnly(BadInput):
    code = "refund_whole_only"
    message = N_("Telegram Stars can only be paid back as a whole.")


class NotByHand(Conflict):
    code = "refund_not_by_hand"
    message = N_("This refund is not one that you mark by hand.")


class NothingToConfirm(Conflict):
    code = "nothing_to_confirm"
    message = N_("There is no payment here that can be confirmed.")
