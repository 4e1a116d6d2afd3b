"""Buttons on pages of their own: what they may send, the transaction, the words afterwards, the password where it is due."""

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for

from admin.changes import refuse
from admin.guard import viewer
from app.core.errors import AppError, BadInput, NotAllowed, NotFound, NotSignedIn
from app.core.queue import transaction

MOST_DIGITS = 18


def sent(*names: str) -> list[str]:
    """The values of a button's form. BadInput for a missing, doubled or unknown field."""
    if set(request.form) - {"csrf_token"} != set(names) or any(len(v) > 1 for _, v in request.form.lists()):
        raise BadInput
    return [request.form[name] for name in names]


def row_id(text: str) -> int:
    """A row's number; NotFound for what is none."""
    if not (text.isascii() and text.isdigit()) or len(text) > MOST_DIGITS:
        raise NotFound
    return int(text)


def act(do: Callable[[], object], said: str = "") -> bool:
    """Runs a change in a transaction. False when a service refused, which is then shown."""
    try:
        with transaction():
            do()
    except (NotFound, NotAllowed, NotSignedIn):
        raise
    except AppError as error:
        refuse(error, None)
        return False
    if said:
        flash(said, "success")
    return True


def ask_password(back: str) -> Any:
    """Where to send a person whose password was given too long ago; None when it is fresh."""
    return None if viewer().fresh else redirect(url_for("security.verify", next=back), 303)
