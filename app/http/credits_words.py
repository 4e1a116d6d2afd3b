"""Answers of the credit API: models as JSON, and errors of single items in words."""

from flask import Response
from pydantic import BaseModel

from app.core.errors import AppError
from app.core.i18n import N_, translate
from app.domain.credits import Posting
from app.http.credits_answers import Posted
from app.http.i18n import select_locale

POSTED = N_("Posted.")
POSTED_BEFORE = N_("This was posted before; nothing was changed.")
RESERVED = N_("The credits are put aside.")
CAPTURED = N_("The credits were taken.")
VOIDED = N_("The credits were let go.")
EXPIRED = N_("The time of this hold is over; the credits were let go.")


def posted(posting: Posting, locale: str) -> Posted:
    """What a posting did, in the caller's language."""
    return Posted(
        balance=posting.balance,
        message=said(posting, locale),
        transaction_id=posting.id,
        duplicate=posting.duplicate,
    )


def posted_headers(posting: Posting) -> dict[str, str]:
    """What goes with it."""
    return {"Idempotent-Replayed": "true"} if posting.duplicate else {}


def said(posting: Posting, locale: str) -> str:
    """The same in words."""
    return translate(locale, POSTED_BEFORE if posting.duplicate else POSTED)


def answer(shown: BaseModel, *, exclude_none: bool = False) -> Response:
    """200 with a model as JSON."""
    text = shown.model_dump_json(exclude_none=exclude_none)
    return Response(text, content_type="application/json")


def words(error: AppError) -> str:
    """What an error says, in the caller's language."""
    return error.text(select_locale())
