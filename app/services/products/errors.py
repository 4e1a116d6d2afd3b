"""What can go wrong with a product, for the boss and for who buys."""

from app.core.errors import Conflict
from app.core.i18n import N_


class SoldOut(Conflict):
    """Nothing is left that could be reserved or taken."""

    code = "sold_out"
    message = N_("This is sold out at the moment.")


class ChangedMeanwhile(Conflict):
    code = "changed_meanwhile"
    message = N_(
        "Somebody else has changed this product meanwhile. Look at it again, then repeat your change."
    )


class NotSellable(Conflict):
    """`message` says what is missing before it can be put on sale."""

    code = "not_sellable"


class Archived(Conflict):
    code = "product_archived"
    message = N_("This product is archived. It can't be changed or sold any more.")


class KindFixed(Conflict):
    code = "kind_fixed"
    message = N_("A product stays what it is. Make a new one instead.")
