"""Partner projects and their keys: making and ending them (`manage`), checking a call (`checking`, then `nonces`)."""

from app.services.credit_clients.checking import Caller
from app.services.credit_clients.manage import (
    NewKey,
    change_client,
    create_client,
    create_key,
    find_client,
    get_client,
    get_key,
    list_clients,
    list_keys,
    revoke,
    rotate,
)

__all__ = [
    "Caller",
    "NewKey",
    "change_client",
    "create_client",
    "create_key",
    "find_client",
    "get_client",
    "get_key",
    "list_clients",
    "list_keys",
    "revoke",
    "rotate",
]
