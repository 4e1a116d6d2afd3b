"""The error tree. Every error that a person or a partner may see is an AppError."""

from typing import Self

from app.core.i18n import N_, translate


class AppError(Exception):
    """An error with a stable code, an HTTP status and a public text that exists in both languages.

    `message` is an English msgid with `%(name)s` placeholders, filled from `params`.
    """

    code = "error"
    status = 400
    retryable = False
    message = N_("Something went wrong.")

    def __init__(self, message: str | None = None, **params: object) -> None:
        self.message = message or type(self).message
        self.params = params
        self.extra: dict[str, object] = {}
        super().__init__(self.message % params if params else self.message)

    def adding(self, **extra: object) -> Self:
        """The error with further members of its answer to programs, such as `fields`."""
        self.extra |= extra
        return self

    def text(self, locale: str) -> str:
        """The public text in one of our locales."""
        return translate(locale, self.message, **self.params)


class BadInput(AppError):
    code = "bad_input"
    status = 400
    message = N_("This input is not valid.")


class NotSignedIn(AppError):
    code = "not_signed_in"
    status = 401
    message = N_("Please sign in first.")


class NotAllowed(AppError):
    code = "not_allowed"
    status = 403
    message = N_("Your role does not allow this.")


class NotFound(AppError):
    code = "not_found"
    status = 404
    message = N_("This was not found.")


class Conflict(AppError):
    code = "conflict"
    status = 409
    message = N_("This conflicts with what is already there.")


class TooLarge(AppError):
    code = "too_large"
    status = 413
    message = N_("This is too large.")


class LimitReached(AppError):
    code = "limit_reached"
    status = 429
    message = N_("A limit has been reached. Please try again later.")


class OutsideFailed(AppError):
    """Somebody else's service refused or did not answer."""

    code = "outside_failed"
    status = 502
    retryable = True
    message = N_("An outside service did not answer. Please try again.")


class Unavailable(AppError):
    """We can't do it right now and will be able to again by ourselves."""

    code = "unavailable"
    status = 503
    retryable = True
    message = N_("This is not available right now. Please try again in a moment.")


class Misconfigured(AppError):
    """The operator has to mend a setting; stops the start."""

    code = "misconfigured"
    status = 500
    message = N_("The program is not configured correctly: %(reason)s")


class ForeignTenant(NotFound):
    """A row of another tenant was about to be written."""

    code = "foreign_tenant"
