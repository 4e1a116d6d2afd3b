"""What is sold: finding products (`lookup`), changing them (`manage`), their stock, and who looked at them."""

from app.services.products.errors import Archived, ChangedMeanwhile, NotSellable, SoldOut

__all__ = ["Archived", "ChangedMeanwhile", "NotSellable", "SoldOut"]
