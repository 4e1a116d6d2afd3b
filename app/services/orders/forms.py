"""Half-filled forms of buyers. They live in the database, so that neither a restart nor an empty Redis loses an answer.

A form has a mark, which its buttons carry and the order is made by: the buttons of an older form are recognised, and
confirming twice makes one order. What it remembers beside the answers stands under keys that begin with `?`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.core import clock
from app.core.db import db
from app.core.ids import one_time_code
from app.domain.form_fields import Choice, Field
from app.domain.orders import FORM_HOURS
from app.models import OrderForm, Product

_MARK: Final = "?mark"
_OFFERED: Final = "?offered"
_HEARD: Final = "?heard"


def find(bot_id: int, telegram_id: int) -> OrderForm | None:
    """What somebody is filling in, unless its day is over."""
    return db.session.scalar(
        select(OrderForm)
        .where(
            OrderForm.bot_id == bot_id,
            OrderForm.telegram_id == telegram_id,
            OrderForm.expires_at > clock.now(),
        )
        .execution_options(populate_existing=True)
    )


def begin(product: Product, fields: Sequence[Field], bot_id: int, telegram_id: int) -> OrderForm:
    """An empty form, in place of whatever this person was filling in."""
    values: dict[str, object] = {
        "product_id": product.id,
        "answers": {_MARK: one_time_code()},
        "field": fields[0].key if fields else "",
        "expires_at": _end(),
    }
    keys = {"tenant_id": product.tenant_id, "bot_id": bot_id, "telegram_id": telegram_id}
    statement = insert(OrderForm).values(keys | values)
    db.session.execute(statement.on_conflict_do_update(index_elements=["bot_id", "telegram_id"], set_=values))
    form = find(bot_id, telegram_id)
    assert form is not None
    return form


def mark(form: OrderForm) -> str:
    """What its buttons carry."""
    return str(form.answers[_MARK])


def made_by(form_mark: str, bot_id: int, telegram_id: int) -> str:
    """`Order.made_by` of the form with this mark; only its own buyer can mean it."""
    return f"form:{bot_id}:{telegram_id}:{form_mark}"


def write(form: OrderForm, fields: Sequence[Field], answers: Mapping[str, object]) -> None:
    """Keeps answers (None = skipped) and asks what is still open; answers to questions that are gone are dropped."""
    known = {field.key for field in fields}
    kept = {key: value for key, value in answers.items() if key in known}
    form.answers = kept | {name: form.answers[name] for name in (_MARK, _HEARD) if name in form.answers}
    form.field = next((field.key for field in fields if field.key not in kept), "")
    form.expires_at = _end()
    db.session.flush()


def answers(form: OrderForm) -> dict[str, object]:
    """The answers so far (JSON values; None = skipped), by question."""
    return {key: value for key, value in form.answers.items() if not key.startswith("?")}


def hears(form: OrderForm, message_id: int) -> bool:
    """Whether a message is heard the first time: one that is handled again must not answer the next question too."""
    before = form.answers.get(_HEARD)
    if isinstance(before, int) and message_id <= before:
        return False
    form.answers = {**form.answers, _HEARD: message_id}
    return True


def ask(form: OrderForm, key: str) -> None:
    """Puts this question next; "" = none. What was offered for another is forgotten."""
    form.answers = {name: value for name, value in form.answers.items() if name != _OFFERED}
    form.field = key
    form.expires_at = _end()
    db.session.flush()


def offer(form: OrderForm, choices: Sequence[Choice]) -> None:
    """Remembers what an answer may have meant, for the buttons that are shown then."""
    form.answers = {**form.answers, _OFFERED: [[one.value, one.label] for one in choices]}
    form.expires_at = _end()
    db.session.flush()


def offered(form: OrderForm) -> tuple[Choice, ...]:
    """What `offer` kept."""
    kept = form.answers.get(_OFFERED)
    return tuple(Choice(*map(str, pair)) for pair in kept) if isinstance(kept, list) else ()


def forget(bot_id: int, telegram_id: int) -> bool:
    """Throws the form away; says whether there was one."""
    gone = db.session.scalar(
        delete(OrderForm)
        .where(OrderForm.bot_id == bot_id, OrderForm.telegram_id == telegram_id)
        .returning(OrderForm.bot_id)
    )
    return gone is not None


def _end() -> datetime:
    return clock.now() + timedelta(hours=FORM_HOURS)
