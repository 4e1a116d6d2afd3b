"""Where a stack of processes runs: commands, environment, ports, files."""

import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from secrets import token_urlsafe

from cryptography.fernet import Fernet

from app.core.embedded import EmbeddedUrls
from tests.sandbox_client import PINGPONG_ACCOUNT
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
_libc = ctypes.CDLL(None)


def environment(home: Path, urls: EmbeddedUrls, telegram: str, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "FLASK_APP": "wsgi",
        "APP_ENV": "test",
        "DATABASE_URL": urls.database_url,
        "DATABASE_OWNER_URL": urls.owner_url,
        "REDIS_URL": urls.redis_url,
        "SECRET_KEY": token_urlsafe(32),
        "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "TELEGRAM_API_URL": telegram,
        **services(telegram),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "PINGPONG_WEBHOOK_PORT": str(free_port()),
        "EMBEDDED_DIR": str(home),
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT": "console",
    }


def services(sandbox: str) -> dict[str, str]:
    """The sandbox's PingPong with its account, its other services without their keys, and the partners that it plays."""
    return {
        "OUTBOUND_ORIGINS": sandbox,
        "PINGPONG_API_URL": f"{sandbox}/pingpong",
        **{f"PINGPONG_{name.upper()}": value for name, value in PINGPONG_ACCOUNT.items()},
        "YUANFENJU_API_URL": f"{sandbox}/yuanfenju/index.php",
        "DEEPSEEK_API_URL": f"{sandbox}/deepseek",
    }


def procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(re.split(r":\s*", line, maxsplit=1) for line in lines if line.strip())  # type: ignore[misc]


def kind(name: str) -> str:
    return name.rstrip("0123456789")


def die_with_parent() -> None:
    # Linux' PR_SET_PDEATHSIG: a test run that is killed leaves nothing behind.
    _libc.prctl(1, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether a server of ours works."""
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/healthz", timeout=2):
        return True
    return False


def remove(home: Path) -> None:
    # The files of our PostgreSQL belong to an account of their own where we are root. The servers' keeper looks once
    # more before it leaves, and its lock file may appear while we remove the folder.
    def gone() -> bool:
        subprocess.run(["rm", "-rf", str(home)], check=False, stderr=subprocess.DEVNULL)
        return not home.exists()

    wait_for(gone, what=f"{home} to go")
