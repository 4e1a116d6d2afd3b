"""What happens to money: paying, declining, closing and giving back, with the notices that follow."""

import asyncio
from decimal import Decimal

from sandbox.pingpong import notices
from sandbox.pingpong.book import DECLINED, FINAL, Account, Book, Charge, Payment, Refund
from sandbox.pingpong.notices import Notice, Notifier
from sandbox.settings import Settings


class NotNow(Exception):
    """The payment is not in a state for this."""


class Desk:
    """Moves money and tells the merchant."""

    def __init__(self, book: Book, notifier: Notifier, settings: Settings) -> None:
        self.book = book
        self.notifier = notifier
        self._settings = settings

    @property
    def scheme(self) -> str:
        """How our pages are reached."""
        return "https" if self._settings.tls_cert else "http"

    def clear(self) -> None:
        """Forget all payments and notices."""
        self.notifier.clear()
        self.book.clear()

    def account(self, payment: Payment) -> Account:
        """Whose payment it is."""
        return self.book.accounts[payment.acc_id]

    def pay(self, payment: Payment) -> Charge:
        """The payer pays, also after a bank declined him; raises NotNow when the payment is final."""
        if payment.status in FINAL:
            raise NotNow
        return self._charge(payment, payment.charges[-1])

    def pay_again(self, payment: Payment) -> Charge:
        """A second page of the same payment was open, and is paid as well; raises NotNow unless it was paid once."""
        if payment.status != "SUCCESS":
            raise NotNow
        charge = Charge(self.book.new_transaction())
        payment.charges.append(charge)
        return self._charge(payment, charge)

    def decline(self, payment: Payment) -> Charge:
        """The payer's bank says no; he may try again. Raises NotNow when the payment is final."""
        if payment.status in FINAL:
            raise NotNow
        charge = payment.charges[-1]
        payment.status = charge.status = "FAILED"
        charge.result_code, charge.ended_at = DECLINED, self.book.clock.now()
        self._tell(notices.of_payment(self.account(payment), payment, charge))
        return charge

    def close(self, payment: Payment) -> None:
        """Nothing can be paid any more; raises NotNow when the payment is final."""
        if payment.status in FINAL:
            raise NotNow
        payment.status = "CLOSED"
        payment.charges[-1].ended_at = self.book.clock.now()
        self._tell(notices.of_closing(self.account(payment), payment))

    def start_refund(self, refund: Refund) -> None:
        """Money goes back, which takes its time."""
        self.book.refunds[refund.acc_id, refund.refund_reference] = refund
        self.notifier.later(self._finish_refund(refund))

    def give_back_by_hand(self, payment: Payment, charge: Charge, refund_reference: str) -> Refund:
        """Somebody at the merchant's gives a charge back in the company's own pages."""
        refund = Refund(
            payment.acc_id, payment.reference, refund_reference, self.book.new_transaction(), charge.transaction,
            payment.amount, payment.currency, self.book.clock.now(), payment.notify_url,
        )  # fmt: skip
        self.start_refund(refund)
        return refund

    def left(self, payment: Payment) -> Decimal:
        """What may still be refunded."""
        return Decimal(payment.amount) - self.book.given_back(payment)

    def _tell(self, notice: Notice) -> None:
        self.book.dirty = True
        self.notifier.send(notice)

    def _charge(self, payment: Payment, charge: Charge) -> Charge:
        payment.status = charge.status = "SUCCESS"
        charge.result_code, charge.ended_at = "000000", self.book.clock.now()
        self._tell(notices.of_payment(self.account(payment), payment, charge))
        return charge

    async def _finish_refund(self, refund: Refund) -> None:
        switches = self.book.knobs.find(refund.acc_id)
        await asyncio.sleep(switches.refund_takes * min(1.0, self._settings.retry_scale))
        refund.status = "FAILED" if switches.refund == "fails" else "SUCCESS"
        refund.ended_at = self.book.clock.now()
        self._tell(notices.of_refund(self.book.accounts[refund.acc_id], refund))
