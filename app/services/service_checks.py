"""Does a service take the key? Asked in three steps like every outside call: read the account, ask, keep nothing."""

from dataclasses import dataclass

from app.core.errors import AppError, Conflict
from app.core.i18n import N_
from app.core.settings import get_settings
from app.domain.payments import Service
from app.domain.services import ServiceFailed
from app.gateways import deepseek, yuanfenju
from app.gateways.payments.base import ProviderFailed, ProviderRefused
from app.gateways.payments.pingpong import Credentials, PingPong
from app.services import service_accounts
from app.services.service_accounts import DeepSeekKey, PingPongAccount, ServiceKey

Account = PingPongAccount | ServiceKey | DeepSeekKey


class NothingToCheck(Conflict):
    code = "service_not_set_up"
    message = N_("There is no key yet that could be tried.")


class CheckFailed(AppError):
    """The service does not take it, or nobody knows."""

    code = "service_check_failed"
    message = N_("The service did not answer. Please try again in a while.")


REASONS = {
    "key": N_("The service refuses this key. Copy it once more from the service's own pages."),
    "balance": N_("The key is right, but there is no money left on the account."),
    "quota": N_("The key is right, but its calls are used up."),
    "settings": N_("The service refuses the request. Look at the name of the model."),
    "busy": N_("The service is too busy right now. Please try again in a while."),
    "timeout": N_("The service did not answer in time. Please try again in a while."),
}
MODEL_MISSING = N_("The key is right, but the service has no model of the name %(model)s. It has: %(known)s.")


@dataclass(frozen=True, slots=True)
class Found:
    """It works. `calls` = how often it may still be asked, where the service says so."""

    calls: int | None = None


def account(tenant_id: int, service: Service) -> Account:
    """What orders of the tenant would use now. Raises NothingToCheck."""
    found: Account | None = None
    match service:
        case Service.PINGPONG:
            found = service_accounts.pingpong(tenant_id)
        case Service.YUANFENJU:
            found = service_accounts.yuanfenju(tenant_id)
        case Service.DEEPSEEK:
            found = service_accounts.deepseek(tenant_id)
        case Service.MANUAL:
            found = None
    if found is None:
        raise NothingToCheck
    return found


def ask(found: Account) -> Found:
    """Asks the service, outside of any transaction. Raises CheckFailed with the reason."""
    try:
        if isinstance(found, PingPongAccount):
            credentials = Credentials(found.client_id, found.acc_id, found.salt, found.scheme)
            PingPong(credentials, get_settings().pingpong_api_url).check()
            return Found()
        if isinstance(found, DeepSeekKey):
            return _deepseek(found)
        return _yuanfenju(found)
    except ServiceFailed as error:
        raise CheckFailed(REASONS.get(error.reason)) from None
    except ProviderRefused as error:
        raise CheckFailed(REASONS["key"] if error.key_bad else None) from None
    except ProviderFailed:
        raise CheckFailed from None


def _deepseek(found: DeepSeekKey) -> Found:
    known = deepseek.models(found)
    if known and found.model not in known:
        raise CheckFailed(MODEL_MISSING, model=found.model, known=", ".join(known[:8]))
    return Found()


def _yuanfenju(found: ServiceKey) -> Found:
    left = yuanfenju.remaining_calls(found)
    if left is not None and left <= 0:
        raise CheckFailed(REASONS["quota"])
    return Found(left)
