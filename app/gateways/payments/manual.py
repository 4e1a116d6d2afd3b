"""Transfers by hand: nobody can be asked, so a person looks at the account and says what he sees."""

from app.domain.payments import MoneyStatus, Receipt
from app.gateways.payments.base import Made, ProviderRefused, RefundAnswer, RefundWish, Wish


class Manual:
    """Takes part in the same interface as the others."""

    def create(self, _wish: Wish) -> Made:
        """The buyer is shown the boss's own words instead of a page."""
        return Made("")

    def query(self, reference: str, transaction: str = "") -> Receipt:
        """Only the boss can see whether the money is there."""
        return Receipt(reference, MoneyStatus.UNKNOWN, transaction)

    def refund(self, _wish: RefundWish) -> RefundAnswer:
        """Raises ProviderRefused: the boss transfers it back and marks it."""
        raise ProviderRefused("a transfer is paid back by hand")

    def query_refund(self, _wish: RefundWish) -> RefundAnswer:
        """Only the boss knows."""
        return RefundAnswer(MoneyStatus.UNKNOWN)
