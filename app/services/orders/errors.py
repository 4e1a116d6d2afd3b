"""What can go wrong with an order, for the buyer and for the boss."""

from collections.abc import Mapping

from app.core.errors import Conflict, LimitReached
from app.core.i18n import N_
from app.domain.orders import OrderState

_STATES: Mapping[OrderState, str] = {
    OrderState.PENDING: N_("This is not possible: the order waits for its payment."),
    OrderState.PAID: N_("This is not possible any more: the order is paid."),
    OrderState.GENERATING: N_("This is not possible right now: the order is being worked on."),
    OrderState.COMPLETED: N_("This is not possible any more: the order is completed."),
    OrderState.EXPIRED: N_("This is not possible any more: the order has expired."),
    OrderState.FAILED: N_("This is not possible: the order has failed."),
    OrderState.REFUNDED: N_("This is not possible any more: the order was refunded."),
}


class IllegalMove(Conflict):
    """The order is in a state that this can't be done from; nothing was changed."""

    code = "illegal_move"

    def __init__(self, state: OrderState) -> None:
        self.state = state
        super().__init__(_STATES[state])


class TooManyOpen(LimitReached):
    code = "too_many_open_orders"
    message = N_(
        "You have %(count)s orders that wait for payment. Please pay or cancel one of them first: /orders"
    )


class TooManyMade(LimitReached):
    code = "too_many_orders"
    message = N_("You have made many orders within an hour and not paid them. Please try again later.")


class BuyerErased(Conflict):
    """There is nobody to deliver it to."""

    code = "buyer_erased"
    message = N_("The data of this buyer was erased at his request, so the order can only be refunded.")


class NotForSale(Conflict):
    code = "not_for_sale"
    message = N_("This product is not on sale any more.")


class WayGone(Conflict):
    code = "payment_way_gone"
    message = N_("This way of paying is not offered any more. Please choose another one.")


class PriceChanged(Conflict):
    """The price that the buyer saw is not the price any more; he has to see the new one first."""

    code = "price_changed"
    message = N_("The price has changed meanwhile. Please look at it again before you confirm.")
