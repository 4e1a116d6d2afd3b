"""Holds by the API: credits are put aside, then taken or let go."""

from datetime import timedelta

from apiflask import APIBlueprint
from flask import Response, g
from flask_babel import gettext

from app.core.errors import BadInput
from app.core.queue import transaction
from app.domain.credit_clients import Scope
from app.domain.credit_holds import HoldState
from app.http import credits_answers as answers
from app.http import credits_examples as examples
from app.http import credits_input as given
from app.http import credits_schema as schema
from app.http.credits_auth import signed
from app.http.credits_docs import described
from app.http.credits_words import CAPTURED, EXPIRED, RESERVED, VOIDED, answer
from app.services import credit_calls
from app.services.credit_calls import Held

api = APIBlueprint("credit_holds_api", __name__, url_prefix="/api/credits/holds", enable_openapi=False)
WORDS = {
    HoldState.ACTIVE: RESERVED,
    HoldState.CAPTURED: CAPTURED,
    HoldState.VOIDED: VOIDED,
    HoldState.EXPIRED: EXPIRED,
}


@api.post("")
@described(examples.RESERVE)
@signed(Scope.POST)
def reserve() -> Response:
    """Put credits aside

    They stay in the balance and can't be spent until you capture or void them, or until `expires_in` seconds are over.
    The same call again answers the same hold, whatever became of it: `state` says so. Its reference is that of the posting
    which a capture makes.
    """
    asked = given.checked(schema.NewHold, g.fields)
    credit_calls.own_source(g.caller, asked.source)
    with transaction():
        held = credit_calls.reserve(
            g.caller,
            asked.telegram_id,
            asked.amount,
            reference=asked.reference,
            reason=asked.reason,
            lasts=timedelta(seconds=asked.expires_in),
        )
        return answer(_shown(held))


@api.get("/<hold_id>")
@described(examples.HOLD)
@signed(Scope.READ)
def show(hold_id: str) -> Response:
    """Show a hold"""
    number = _number(hold_id)
    given.query(schema.Nothing)
    with transaction():
        return answer(_shown(credit_calls.show_hold(g.caller, number)))


@api.post("/<hold_id>/capture")
@described(examples.CAPTURE)
@signed(Scope.POST)
def capture(hold_id: str) -> Response:
    """Take what was put aside

    All of it, or `amount`; then the rest is let go. The same capture again answers the first result.
    """
    asked = given.checked(schema.Capture, g.fields)
    number = _number(hold_id)
    try:
        with transaction():
            return answer(_shown(credit_calls.capture(g.caller, number, asked.amount)))
    except BadInput:
        raise given.wrong("amount", "more_than_held") from None


@api.post("/<hold_id>/void")
@described(examples.VOID)
@signed(Scope.POST)
def void(hold_id: str) -> Response:
    """Let go what was put aside

    Nothing is taken. The same call again answers the same.
    """
    given.checked(schema.Nothing, g.fields)
    number = _number(hold_id)
    with transaction():
        return answer(_shown(credit_calls.void(g.caller, number)))


def _number(hold_id: str) -> int:
    return given.checked(schema.HoldNumber, {"hold_id": hold_id}).hold_id


def _shown(held: Held) -> answers.HoldAnswer:
    hold, standing = held.hold, held.standing
    return answers.HoldAnswer(
        message=gettext(WORDS[hold.state]),
        hold_id=hold.id,
        telegram_id=held.telegram_id,
        amount=hold.amount,
        captured=hold.captured,
        state=hold.state,
        source=hold.source,
        reference=hold.reference,
        reason=hold.reason,
        expires_at=hold.expires_at,
        transaction_id=hold.posting_id,
        balance=standing.balance,
        held=standing.held,
        available=standing.available,
    )
