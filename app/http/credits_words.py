"""Answers of the credit API: models as JSON, and errors of single items in words."""

from flask import Response
from pydantic import BaseModel

from app.core.errors import AppError
from app.core.i18n import N_
from app.http.i18n import select_locale

POSTED = N_("Posted.")
POSTED_BEFORE = N_("This was posted before; nothing was changed.")
RESERVED = N_("The credits are put aside.")
CAPTURED = N_("The credits were taken.")
VOIDED = N_("The credits were let go.")
EXPIRED = N_("The time of this hold is over; the credits were let go.")


def answer(shown: BaseModel, *, exclude_none: bool = False) -> Response:
    """200 with a model as JSON."""
    text = shown.model_dump_json(exclude_none=exclude_none)
    return Response(text, content_type="application/json")


def words(error: AppError) -> str:
    """What an error says, in the caller's language."""
    return error.text(select_locale())
