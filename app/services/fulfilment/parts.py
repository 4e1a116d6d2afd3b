"""What a buyer gets, made from what is kept with his order: the same whenever it is sent."""

from dataclasses import dataclass, replace

from app.domain.orders import Step
from app.domain.products import ProductKind, StockKind
from app.models import Order
from app.services import credits as ledger
from app.services.fulfilment import steps
from app.services.fulfilment.errors import Hopeless, Reason
from app.services.fulfilment.kept import chart_of, file_of, text_of
from app.services.fulfilment.wording import HTML, Words, words_of
from app.services.products import stock
from app.services.products.errors import SoldOut
from app.services.reports import messages


@dataclass(frozen=True, slots=True)
class Part:
    """One message: Telegram's HTML, and a kept file where it is a document with a caption."""

    html: str
    file_id: int | None = None

    @property
    def method(self) -> str:
        """How it is sent anew."""
        return "sendMessage" if self.file_id is None else "sendDocument"

    @property
    def edit_method(self) -> str:
        """How it takes the place of another message."""
        return "editMessageText" if self.file_id is None else "editMessageMedia"

    def payload(self) -> dict[str, object]:
        """For the outbox."""
        if self.file_id is None:
            return {
                "text": self.html,
                "parse_mode": HTML,
                "link_preview_options": {"is_disabled": True},
            }
        return {"caption": self.html, "parse_mode": HTML, "stored_file_id": self.file_id}

    def as_copy(self, words: Words) -> "Part":
        """The same, marked as sent once more where it is a file."""
        return self if self.file_id is None else replace(self, html=words.document(copy=True))


def parts_of(order: Order) -> list[Part]:
    """Everything, the main part last. Raises Hopeless when what was sold is gone, NotThere before it is made."""
    words = words_of(order)
    match ProductKind(str(order.product["kind"])):
        case ProductKind.DIGITAL_GOODS:
            return [_item(order, words)]
        case ProductKind.CREDITS:
            return [_credits(order, words)]
        case ProductKind.MANUAL:
            return [Part(words.done_by_hand(_note(order)))]
        case ProductKind.BAZI_REPORT:
            return _report(order, words)


def _report(order: Order, words: Words) -> list[Part]:
    text, _ = text_of(order.id)
    said = messages.render(chart_of(order.id), text, order.locale)
    return [*map(Part, said), Part(words.document(), file_of(order.id))]


def _item(order: Order, words: Words) -> Part:
    try:
        taken = stock.take(order)
    except SoldOut:
        raise Hopeless(Reason.SOLD_OUT, refund=True) from None
    if taken.kind is StockKind.FILE:
        return Part(words.document(), taken.file_id)
    return Part(words.item(taken.content or ""))


def _credits(order: Order, words: Words) -> Part:
    """What was added is kept; the balance is today's."""
    row = steps.find_done(order.id, Step.HANDOUT)
    amount = row.result.get("amount", 0) if row is not None else 0
    return Part(words.credits(int(str(amount)), ledger.balance(order.tenant_id, order.telegram_id)))


def _note(order: Order) -> str:
    row = steps.find_done(order.id, Step.HANDOUT)
    return str(row.result.get("note", "")) if row is not None else ""
