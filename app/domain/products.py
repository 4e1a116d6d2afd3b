"""Rules of products: kinds, states, what each kind needs, stock."""

from enum import StrEnum
from typing import Final

MAX_NAME: Final = 80
MAX_DESCRIPTION: Final = 2000
MAX_FIELDS: Final = 12
MAX_STOCK_TEXT: Final = 2000
"""Characters of one code or link."""
MAX_STOCK_ROWS: Final = 5000
"""Items that may be added at once."""
MAX_FILE: Final = 20 * 1024 * 1024
"""Bytes of a file that is sold or a report; Telegram takes up to 50 MB from a bot."""
LOW_STOCK: Final = 5
"""The boss is told when fewer items than this are left."""
PAGE: Final = 6
"""Products on one page of the shop in the bot."""


class ProductKind(StrEnum):
    """What is done once it is paid."""

    BAZI_REPORT = "bazi_report"
    DIGITAL_GOODS = "digital_goods"
    CREDITS = "credits"
    MANUAL = "manual"


class ProductState(StrEnum):
    """draft -> on_sale <-> off_sale; archived from anywhere, and only its orders still know it."""

    DRAFT = "draft"
    ON_SALE = "on_sale"
    OFF_SALE = "off_sale"
    ARCHIVED = "archived"


class StockState(StrEnum):
    """free -> reserved -> sold; reserved -> free when the order expires. A sold one is never sold again."""

    FREE = "free"
    RESERVED = "reserved"
    SOLD = "sold"


class StockKind(StrEnum):
    """A code and a link are text that is sent as a message, a file is sent as a document."""

    CODE = "code"
    LINK = "link"
    FILE = "file"


class VisitStage(StrEnum):
    """How far somebody came on one day, for the funnel; what follows is known from the orders."""

    VIEWED = "viewed"
    STARTED = "started"
    """He began to answer the product's questions."""
