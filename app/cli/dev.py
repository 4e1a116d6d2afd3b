"""`make run`: everything on one machine, from nothing, until Ctrl+C.

Starts our own PostgreSQL and Redis where no URL is set, migrates, starts the sandbox unless TELEGRAM_API_URL names
the real one, makes a demo boss, starts web, worker, poller and beat, and says where to click.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from honcho.manager import Manager
from honcho.printer import Printer

from app.core import embedded
from app.core.settings import Settings, get_settings

BIN = Path(sys.executable).parent
CELERY = f"{BIN}/celery -A tasks.worker --quiet"
WORKER = f"{CELERY} worker --without-gossip --without-mingle --pool threads --loglevel warning"


def main() -> int:
    """Runs until Ctrl+C or until a process dies; returns the exit status."""
    sandbox_port = None if os.environ.get("TELEGRAM_API_URL") else _free_port()
    if sandbox_port:
        os.environ["TELEGRAM_API_URL"] = f"http://127.0.0.1:{sandbox_port}"
        os.environ.setdefault("PUBLIC_URL", f"http://127.0.0.1:{os.environ.get('PORT') or 8000}")
    _say("Starting PostgreSQL and Redis ...")
    settings = get_settings()
    _share(settings)
    try:
        _flask("db", "upgrade")
        return _run(settings, sandbox_port)
    finally:
        embedded.stop(settings.embedded_dir)


def _run(settings: Settings, sandbox_port: int | None) -> int:
    logs = settings.embedded_dir / "log" / "run.log"
    logs.parent.mkdir(parents=True, exist_ok=True)
    with logs.open("a", encoding="utf-8") as output:
        manager = Manager(Printer(output=output, colour=False))
        for name, command in _commands(settings, sandbox_port).items():
            manager.add_process(name, command, env=dict(os.environ))
        threading.Thread(target=_welcome, args=(settings, sandbox_port, logs), daemon=True).start()
        manager.loop()
    return int(manager.returncode or 0)


def _commands(settings: Settings, sandbox_port: int | None) -> dict[str, str]:
    commands = {
        "web": f"exec {BIN}/gunicorn -c deploy/gunicorn.conf.py -k asgi -b 127.0.0.1:{settings.port} asgi:app",
        "worker": f"exec {WORKER} -Q high,default,low,batch -c 37 -n worker@%h",
        "poller": f"exec {WORKER} -Q polling -c {settings.poll_shards + 2} -n poller@%h",
        "beat": f"exec {CELERY} beat --loglevel warning",
    }
    if sandbox_port:
        data = settings.embedded_dir / "sandbox.json"
        commands["sandbox"] = f"exec {sys.executable} -m sandbox --port {sandbox_port} --data {data}"
    return commands


def _welcome(settings: Settings, sandbox_port: int | None, logs: Path) -> None:
    """Waits until the pages answer, makes the demo boss, and prints where to click."""
    site = f"http://127.0.0.1:{settings.port}"
    if sandbox_port:
        _await(f"http://127.0.0.1:{sandbox_port}/")
    demo = json.loads(_flask("demo", "create", "--json"))
    _await(f"{site}/healthz")
    lines = [
        "",
        "  老板 Laoban is running.",
        "",
        f"  Pages      {site}/login",
        f"  Login      {demo['email']}",
        f"  Password   {demo['password']}",
    ]
    if sandbox_port:
        sandbox = f"http://127.0.0.1:{sandbox_port}"
        lines += [
            f"  Chat       {sandbox}/chat/{demo['bot']}   (press Start)",
            f"  BotFather  {sandbox}/botfather   (another token)",
        ]
    lines += ["", f"  Logs: {logs}. Ctrl+C stops everything.", ""]
    _say("\n".join(lines))


def _share(settings: Settings) -> None:
    """Hands the children what this process found out, so that none of them starts servers of its own."""
    os.environ.update(
        APP_ENV=settings.app_env,
        DATABASE_URL=settings.database_url,
        DATABASE_OWNER_URL=settings.database_owner_url,
        REDIS_URL=settings.redis_url,
        SECRET_KEY=settings.secret_key.get_secret_value(),
        ENCRYPTION_KEYS=",".join(settings.keys),
        FLASK_APP="wsgi",
    )


def _flask(*words: str) -> str:
    done = subprocess.run([f"{BIN}/flask", *words], check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise SystemExit(done.returncode)
    return done.stdout


def _await(url: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2):  # noqa: S310
            return
        time.sleep(0.1)
    _say(f"{url} did not answer within {seconds:.0f} s; see the log.")


def _free_port() -> int:
    """8081 where it is free, so that bookmarks of the sandbox keep working, else any."""
    for port in (8081, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise RuntimeError("no free port")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
