"""The sandbox as `make run` sees it: another program, reached over HTTP like the real Telegram."""

import contextlib
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from app.core.settings import Settings

HOST = "127.0.0.1"
USUAL_PORT = 8081
DEMO_BOT = "laoban_demo_bot"
ACCOUNT = {
    "PINGPONG_CLIENT_ID": "990000000000000001",
    "PINGPONG_ACC_ID": "990000000000000001001",
    "PINGPONG_SALT": "SANDBOX0SALT0OF0NO0WORTH",
}
"""The account that the sandbox's PingPong always has."""
KEYS = {"yuanfenju": "sandbox-yuanfenju-key", "deepseek": "sk-sandbox-deepseek"}
"""The keys that the sandbox's Yuanfenju and DeepSeek always take."""
PLACES = {"yuanfenju": "/yuanfenju/index.php", "deepseek": "/deepseek"}


def is_free(port: int) -> bool:
    """Whether a server may listen there."""
    with socket.socket() as probe:
        # As servers do it: a port whose last connections are still fading is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return True
    return False


def sandbox_port() -> int:
    """The usual one where it is free, so that bookmarks keep working, else any."""
    if is_free(USUAL_PORT):
        return USUAL_PORT
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    """Whether a server listens there, though it may not answer yet."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=2):
        return True
    return False


def answers(url: str) -> bool:
    """Whether somebody answers 200 there."""
    with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2):  # noqa: S310
        return True
    return False


def services(sandbox: str, settings: Settings) -> dict[str, str]:
    """Settings that lead to the sandbox's other services, as far as nobody has chosen real ones.

    PingPong comes with its account, so that shops take payments at once. The others come without a key: charts and
    reports are made by ourselves until somebody enters one.
    """
    chosen, given = {}, settings.model_fields_set
    own = settings.pingpong_client_id or settings.pingpong_acc_id or settings.pingpong_salt.get_secret_value()
    if not own and "pingpong_api_url" not in given:
        chosen = {"PINGPONG_API_URL": f"{sandbox}/pingpong", **ACCOUNT}
        site = f"http://{HOST}:{settings.port}"
        chosen["PINGPONG_NOTIFY_URL"] = settings.pingpong_notify_url or f"{site}/webhook/pingpong"
    # The sandbox plays a partner too, and changes of credits may be sent to it.
    named = [f"{one.scheme}://{one.host}:{one.port}" for one in settings.outbound_origins]
    chosen["OUTBOUND_ORIGINS"] = ",".join([*named, sandbox])
    for name, path in PLACES.items():
        key = getattr(settings, f"{name}_api_key").get_secret_value()
        if not key and f"{name}_api_url" not in given:
            chosen[f"{name.upper()}_API_URL"] = sandbox + path
    return chosen


def demo_token(sandbox: str) -> str:
    """The token of the demo bot, which is made at the first start."""
    return str(
        _told(sandbox, "bots", {"username": DEMO_BOT, "name": "老板演示店 Demo", "if_missing": True})["token"]
    )


def partner_keys(sandbox: str, keys: Mapping[str, str]) -> dict[str, Any]:
    """Gives the partner that the sandbox plays its keys; `name` makes it known. What it has by now."""
    return _told(sandbox, "partner/keys", keys)


def _told(sandbox: str, path: str, content: Mapping[str, object]) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - our own address
        f"{sandbox}/control/{path}", json.dumps(content).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
    return found
