"""Holds: credits that are put aside, then taken, let go, or freed when their time is over."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from app.core.errors import Conflict, NotFound
from app.core.i18n import N_

SHORTEST: Final = timedelta(seconds=1)
LONGEST: Final = timedelta(days=180)
DEFAULT: Final = timedelta(days=7)


class HoldState(StrEnum):
    """A hold is active until exactly one of the other three happens to it."""

    ACTIVE = "active"
    CAPTURED = "captured"
    VOIDED = "voided"
    EXPIRED = "expired"


class UnknownHold(NotFound):
    code = "unknown_hold"
    message = N_("There is no such hold.")


class HoldClosed(Conflict):
    """The hold was captured, voided or has expired before."""

    code = "hold_closed"
    message = N_("This hold is not active any more: it is %(state)s.")
