"""The whole program as real processes: the Procfile's web, worker, poller and beat, the sandbox, servers of its own.

    with Stack.start() as stack:
        boss = stack.boss()
        bot = stack.bot(boss, mode="webhook")
        stack.sandbox.say(bot.telegram, LIN, "/start")
        stack.kill9("worker")

A name with a number behind it is one more of its kind: `worker2`, `beat2`.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import redis

from app.core.embedded import EmbeddedPostgres, EmbeddedRedis, ensure
from app.core.embedded import stop as stop_servers
from tests.e2e.surroundings import (
    BIN,
    ROOT,
    answers,
    die_with_parent,
    environment,
    free_port,
    kind,
    procfile,
    remove,
)
from tests.sandbox_client import Sandbox
from tests.waiting import wait_for

ALL = ("web", "worker", "poller", "beat")
LOG_LINES = 60


@dataclass(frozen=True)
class Boss:
    """A tenant with its owner, as the command line made it."""

    tenant_id: int
    email: str
    password: str
    api_key: str


@dataclass(frozen=True)
class OurBot:
    """A bot on both sides: `telegram` as the sandbox knows it, the rest as we do."""

    id: int
    public_id: str
    path: str
    secret: str
    telegram: dict[str, Any]


@dataclass
class Stack:
    """Running processes. Everything ends with it, whatever happened to its parts."""

    home: Path
    env: dict[str, str]
    sandbox: Sandbox
    port: int
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    worker_app: str = "tasks.worker"
    web_app: str = "asgi:app"
    made: int = 0
    logged: dict[str, int] = field(default_factory=dict)
    """How much each process's log held when it was last started, in bytes."""

    @classmethod
    def start(
        cls,
        names: Iterable[str] = ALL,
        *,
        worker_app: str = "tasks.worker",
        web_app: str = "asgi:app",
        **env: str,
    ) -> "Stack":
        """Starts servers, sandbox and the named processes, and waits until they work. `env` adds settings.

        `worker_app` and `web_app` are what workers and the web run instead of the real program.
        """
        home = Path(tempfile.mkdtemp(prefix="laoban-stack-"))
        urls = ensure(home, fast=True)
        sandbox = Sandbox.start()
        port = free_port()
        settings = environment(home, urls, sandbox.url, port) | env
        stack = cls(home, settings, sandbox, port, worker_app=worker_app, web_app=web_app)
        try:
            stack.flask("db", "upgrade")
            stack.up(*names)
        except BaseException:
            stack.end()
            raise
        return stack

    # Processes

    def up(self, *names: str) -> None:
        """Starts processes by name and waits until they are ready."""
        for name in names:
            self._launch(name)
        for name in names:
            self._await(name)

    def kill9(self, name: str) -> None:
        """Ends a process and its children at once."""
        self._signal(name, signal.SIGKILL)

    def freeze(self, name: str) -> None:
        """Stops a process in the middle of whatever it does, until `thaw`."""
        os.killpg(self.processes[name].pid, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Lets it go on."""
        os.killpg(self.processes[name].pid, signal.SIGCONT)

    def terminate(self, name: str) -> None:
        """Asks a process to end, without waiting."""
        self.processes[name].terminate()

    def stop(self, name: str, seconds: float = 30) -> None:
        """Asks a process to end and waits until it did."""
        self.terminate(name)
        self.processes[name].wait(seconds)

    def restart(self, name: str) -> None:
        """Starts a process that ended anew."""
        self.processes[name].wait(30)
        self.up(name)

    def lives(self, name: str) -> bool:
        """Whether the process runs."""
        return self.processes[name].poll() is None

    def log(self, name: str) -> str:
        """All that the process wrote."""
        return self._log(name).read_text(errors="replace") if self._log(name).exists() else ""

    # Servers

    @property
    def postgres(self) -> EmbeddedPostgres:
        """Its PostgreSQL: start, stop, kill9."""
        return EmbeddedPostgres(self.home, fast=True)

    @property
    def redis(self) -> EmbeddedRedis:
        """Its Redis: start, stop, kill9."""
        return EmbeddedRedis(self.home)

    def redis_client(self) -> "redis.Redis":
        """A connection to its Redis; close it."""
        return redis.Redis.from_url(self.env["REDIS_URL"], decode_responses=True)

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Runs a statement over all tenants and commits it."""
        with psycopg.connect(self.env["DATABASE_URL"]) as connection:
            connection.execute("SELECT set_config('laoban.tenant', '*', true)")
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def inbox(self) -> dict[str, int]:
        """Number of updates by state."""
        return dict(self.sql("SELECT state, count(*) FROM inbox GROUP BY state"))

    # People and bots

    @property
    def url(self) -> str:
        """Where the web process answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def payments_url(self) -> str:
        """Where the process for callbacks alone answers."""
        return f"http://127.0.0.1:{self.env['PINGPONG_WEBHOOK_PORT']}"

    def flask(self, *words: str) -> Any:
        """Runs a `flask` command; its JSON where it prints any, else its text."""
        done = subprocess.run(
            [BIN / "flask", *words], cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"flask {' '.join(words[:2])} failed:\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout) if "--json" in words else done.stdout

    def boss(self, plan: str = "enterprise") -> Boss:
        """A new tenant."""
        self.made += 1
        email, password = f"boss{self.made}@example.com", f"correct horse battery {self.made}"
        words = ["--name", f"Boss {self.made}", "--email", email, "--password", password, "--plan", plan]
        made = self.flask("tenants", "create", *words, "--json")
        return Boss(made["tenant_id"], email, password, made["api_key"])

    def bot(self, boss: Boss, mode: str = "polling", name: str = "") -> OurBot:
        """A new bot of this boss, known to the sandbox."""
        self.made += 1
        telegram = self.sandbox.create_bot(name or f"stack{self.made}_bot")
        words = ["--tenant", str(boss.tenant_id), "--token", telegram["token"], "--mode", mode]
        made = self.flask("bots", "add", *words, "--json")
        return OurBot(
            made["bot_id"], made["public_id"], made["webhook_path"], made["webhook_secret"], telegram
        )

    # The end

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            sys.stdout.write(self.tails())
        self.end()

    def tails(self) -> str:
        """The end of every log, for whoever reads why a test failed."""
        tails = {name: self.log(name).splitlines()[-LOG_LINES:] for name in self.processes}
        return "\n".join(line for name, lines in tails.items() for line in (f"--- {name} ---", *lines))

    def end(self) -> None:
        """Stops everything and removes its files."""
        for name, process in self.processes.items():
            if process.poll() is None:
                self._signal(name, signal.SIGKILL)
        self.sandbox.kill()
        stop_servers(self.home, force=True)
        remove(self.home)

    def _launch(self, name: str) -> None:
        sort = kind(name)
        line = procfile()[sort].replace("@%h", f".{name}@%h")
        if sort == "worker":
            line = line.replace("tasks.worker", self.worker_app)
        if sort == "web":
            line = line.replace("asgi:app", self.web_app)
        bind = f" -b 127.0.0.1:{self.port}" if sort == "web" else ""
        # The kernel means the thread that started a child when it says parent.
        guard = die_with_parent if threading.current_thread() is threading.main_thread() else None
        self._log(name).parent.mkdir(exist_ok=True)
        with self._log(name).open("ab") as log:
            self.logged[name] = log.tell()
            self.processes[name] = subprocess.Popen(
                ["bash", "-c", f"exec {line}{bind}"],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=guard,  # noqa: PLW1509 - it takes no lock, so threads do not matter
            )

    def _await(self, name: str) -> None:
        wait_for(lambda: self._ready(name) or not self.lives(name), seconds=60, what=f"{name} to be ready")
        assert self.lives(name), f"{name} ended:\n{self.log(name)[-4000:]}"

    def _ready(self, name: str) -> bool:
        if kind(name) in {"web", "payments"}:
            return answers(self.url if kind(name) == "web" else self.payments_url)
        said = " ready." if kind(name) in {"worker", "poller"} else "beat: Starting"
        return said.encode() in self._log(name).read_bytes()[self.logged[name] :]

    def _signal(self, name: str, number: int) -> None:
        process = self.processes[name]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        process.wait(30)

    def _log(self, name: str) -> Path:
        return self.home / "log" / f"{name}.log"
