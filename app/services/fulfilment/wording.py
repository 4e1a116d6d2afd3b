"""What a buyer reads about his paid order, as Telegram's HTML in his language."""

import html
from dataclasses import dataclass
from typing import Final

from app.core.i18n import N_, translate
from app.domain.orders import Step
from app.models import Order
from app.services.fulfilment.errors import Reason

HTML: Final = "HTML"
_CELLS: Final = 10
_FULL, _EMPTY = "▰", "▱"
_REFUND: Final = N_("You get your money back.")
_FAILED: Final = {
    Reason.SOLD_OUT: N_("It was sold out before your payment arrived."),
    Reason.PAYMENT_MISMATCH: N_("The payment does not match the order."),
}


@dataclass(frozen=True, slots=True)
class Words:
    """An order's texts in the language of its buyer."""

    locale: str
    product: str
    code: str

    def t(self, msgid: str, **params: object) -> str:
        """A catalogue text, escaped."""
        return html.escape(translate(self.locale, msgid, **params), quote=False)

    @property
    def head(self) -> str:
        """Which order it is about."""
        return f"<b>{html.escape(self.product, quote=False)}</b> · <code>{html.escape(self.code)}</code>"

    def begun(self) -> str:
        """The payment has arrived."""
        return "\n\n".join(
            [self.head, "✅ " + self.t(N_("Your payment has arrived. We are working on your order."))]
        )

    def progress(self, share: float, doing: str) -> str:
        """How far it is: `share` from 0 to 1, `doing` is translated already."""
        full = round(max(0.0, min(share, 1.0)) * _CELLS)
        bar = _FULL * full + _EMPTY * (_CELLS - full)
        return "\n\n".join([self.head, f"{bar} {round(share * 100)}%", html.escape(doing, quote=False)])

    def late(self) -> str:
        """It takes longer than usual; told once."""
        text = N_(
            "⏳ Your order takes longer than usual. You need not do anything: it comes as soon as it is ready."
        )
        return "\n\n".join([self.head, self.t(text)])

    def failed(self, reason: Reason, *, refund: bool) -> str:
        """It will not come by itself."""
        known = _FAILED.get(reason)
        lines = [self.head, "😔 " + self.t(N_("Your order could not be delivered."))]
        if known:
            lines.append(self.t(known))
        lines.append(
            self.t(_REFUND if refund else N_("The shop knows about it and will get in touch with you."))
        )
        return "\n\n".join(lines)

    def ready(self) -> str:
        """Everything is there."""
        text = N_("🎉 Your order is complete. You find it again at any time: /orders")
        return "\n\n".join([self.head, self.t(text)])

    def by_hand(self) -> str:
        """The shop does the rest."""
        return "\n\n".join(
            [
                self.head,
                self.t(N_("✅ Your payment has arrived. The shop takes care of your order personally.")),
            ]
        )

    def done_by_hand(self, note: str) -> str:
        """The boss has marked it as delivered."""
        lines = [self.head, self.t(N_("🎉 The shop has completed your order."))]
        return "\n\n".join([*lines, html.escape(note, quote=False)] if note else lines)

    def item(self, content: str) -> str:
        """A code or link to copy."""
        return "\n\n".join([self.head, f"<code>{html.escape(content, quote=False)}</code>"])

    def credits(self, amount: int, balance: int) -> str:
        """Credits were added."""
        text = N_("💎 %(amount)s credits were added. You now have %(balance)s. /points shows your history.")
        return "\n\n".join([self.head, self.t(text, amount=f"{amount:,}", balance=f"{balance:,}")])

    def document(self, *, copy: bool = False) -> str:
        """The caption of a file."""
        return "\n".join([self.head, self.t(N_("(copy)"))]) if copy else self.head

    def doing(self, step: Step) -> str:
        """What is done in a step."""
        texts = {
            Step.CONFIRM: N_("Checking your payment …"),
            Step.CHART: N_("Calculating your birth chart …"),
            Step.TEXT: N_("Writing your report …"),
            Step.PDF: N_("Designing your report …"),
        }
        return translate(self.locale, texts[step])

    def chapter(self, title: str) -> str:
        """Which chapter is written."""
        return translate(self.locale, N_("Writing the chapter “%(title)s” …"), title=title)


def words_of(order: Order) -> Words:
    """The words for an order's buyer."""
    return Words(order.locale, order.product_name, order.code)
