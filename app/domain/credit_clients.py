"""Partner projects that post credits by our API: their names, keys, scopes, and what may be wrong with a call."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from app.core.errors import (
    AppError,
    BadInput,
    Conflict,
    LimitReached,
    NotAllowed,
    NotFound,
    NotSignedIn,
    TooLarge,
)
from app.core.i18n import N_
from app.domain.credits import HowMany

WINDOW: Final = 300
"""Seconds that a timestamp may differ from the database's time, both ways."""
REMEMBERED: Final = 900
"""Seconds that nonces and tokens are remembered; longer than a message of a fast clock can live."""
MAX_BODY: Final = 256 * 1024
MAX_KEYS: Final = 5
"""Working keys of one client."""
RATE, BURST = 10, 20
"""Calls per second of one client, and how many may come at once, unless its row says otherwise."""


class Scope(StrEnum):
    """What a key may do."""

    READ = "read"
    POST = "post"


class InvalidKey(NotSignedIn):
    """Unknown, revoked or wrong; which of them is nobody's business."""

    code = "invalid_api_key"
    message = N_("This API key is not valid.")


class KeyExpired(NotSignedIn):
    """Told only to who has the whole key."""

    code = "api_key_expired"
    message = N_("This API key has expired.")


class ClientDisabled(NotAllowed):
    code = "client_disabled"
    message = N_("This project has been switched off.")


class BusinessSuspended(NotAllowed):
    code = "tenant_suspended"
    message = N_("This business has been suspended. Please contact the operator.")


class InvalidSignature(NotSignedIn):
    code = "invalid_signature"
    message = N_("The signature is missing or does not fit this request.")


class TimestampExpired(NotSignedIn):
    code = "timestamp_expired"
    message = N_("The timestamp is more than 5 minutes away from our clock, which X-Server-Time shows.")


class Replayed(Conflict):
    code = "replayed"
    message = N_("This request was received before. Sign a retry anew, with the same reference.")


class ScopeMissing(NotAllowed):
    code = "scope_missing"
    message = N_("This API key may not do that: it has no scope “%(scope)s”.")


class AddressRefused(NotAllowed):
    code = "address_refused"
    message = N_("This API key may not be used from the address %(address)s.")


class V1Refused(NotAllowed):
    code = "v1_refused"
    message = N_("This API key does not allow signatures of version 1.")


class WrongSource(NotAllowed):
    code = "wrong_source"
    message = N_("The source must be this project's own: %(source)s.")


class UnknownUser(NotFound):
    code = "unknown_user"
    message = N_("Nobody with this Telegram id is known here. Ask the user to open the bot first.")


class RateLimited(LimitReached):
    code = "rate_limited"
    message = N_("Too many calls at once. Please wait %(retry_after)s seconds.")


class QuotaExceeded(HowMany, LimitReached):
    code = "quota_exceeded"
    message = N_(
        "The plan's %(limit)s API calls of this hour are used up. The next hour begins in %(retry_after)s seconds."
    )


class InvalidCall(BadInput):
    """Something in the call is not as documented; `fields` says of each field what it should be."""

    code = "validation_error"
    message = N_("Something in this call is not as documented: see “fields”.")

    def __init__(
        self, message: str | None = None, *, fields: Mapping[str, list[str]] | None = None, **params: object
    ) -> None:
        super().__init__(message, **params)
        if fields:
            self.adding(fields=dict(fields))


class BatchTooLarge(HowMany, TooLarge):
    code = "batch_too_large"
    message = N_("A batch has at most %(most)s items.")


class BatchRefused(AppError):
    """An atomic batch of which nothing was posted, because some of its items can't be."""

    code = "batch_refused"
    status = 422
    message = N_("Nothing was posted, because %(refused)s of the items can't be.")


class SourceTaken(Conflict):
    code = "source_taken"
    message = N_("There is already a project with this source.")


class TooManyKeys(LimitReached):
    code = "too_many_keys"
    message = N_("A project has at most %(most)s working keys. Revoke one first.")
