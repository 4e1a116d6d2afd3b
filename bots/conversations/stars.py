"""Paying with Telegram Stars: Telegram asks once more before it takes them, and tells when it has."""

import logging

from app.services.payments import stars
from bots.router import Context, Router
from bots.telegram.errors import Postpone, SendError
from bots.telegram.sender import Call, perform

log = logging.getLogger(__name__)
router = Router()


@router.checkout
def checkout(ctx: Context) -> None:
    """Telegram waits ten seconds for the answer; after that, or without one, it takes nothing."""
    invoice = ctx.invoice
    with ctx.transaction():
        objection = stars.objection(
            invoice.reference, ctx.person.telegram_id, invoice.stars, invoice.currency
        )
    params: dict[str, object] = {"pre_checkout_query_id": invoice.query_id, "ok": objection is None}
    if objection is not None:
        params["error_message"] = ctx.t(objection)
    try:
        perform(Call(ctx.config, "answerPreCheckoutQuery"), params)
    except (Postpone, SendError) as error:
        # Later would be too late: nothing was taken, and the buyer presses again.
        log.info("checkout not answered", extra={"reason": str(error)})


@router.money_moved
def money_moved(ctx: Context) -> None:
    """The money is kept; what follows, and what is said, comes with the order."""
    invoice = ctx.invoice
    told = invoice.reference, invoice.stars, invoice.currency, invoice.charge_id
    with ctx.transaction():
        verdict = stars.given_back(*told) if invoice.refunded else stars.paid(ctx.config.tenant_id, *told)
    log.info("stars moved", extra={"verdict": verdict})
