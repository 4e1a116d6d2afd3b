"""The outside services that a fulfilment pays for, and how they fail."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from app.core.errors import OutsideFailed
from app.core.i18n import N_


class Service(StrEnum):
    """Whom we ask."""

    YUANFENJU = "yuanfenju"
    DEEPSEEK = "deepseek"


class Access(Protocol):
    """An account with a service."""

    @property
    def key(self) -> str:
        """Its secret."""

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""


class ServiceFailed(OutsideFailed):
    """A service gave no usable answer.

    `permanent`: asking again will not help before somebody mends the key, the balance or the settings.
    `reason` is a short word for logs and alerts: key, balance, quota, refused, busy, timeout, broken, empty, cut.
    `usage` is what was used up all the same, in tokens.
    """

    code = "service_failed"
    message = N_("The service %(service)s did not answer as it should.")

    def __init__(
        self,
        service: Service,
        *,
        permanent: bool,
        reason: str,
        usage: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(service=service.value)
        self.service = service
        self.permanent = permanent
        self.reason = reason
        self.usage = dict(usage or {})
        self.retryable = not permanent

    def __str__(self) -> str:
        return f"{self.service}: {self.reason}"
