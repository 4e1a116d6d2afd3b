"""Starts our own PostgreSQL and Redis where no URL is set, migrates, starts the sandbox unless TELEGRAM_API_URL names
the real one, starts web, worker, poller and beat, makes a demo boss, and says where to click.
"""

import fcntl
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from app.cli.dev import outside, terminal
from app.cli.dev.processes import SIGNALS, Died, Processes
from app.core import embedded, metrics
from app.core.errors import AppError
from app.core.i18n import EN
from app.core.settings import RUN_FILE, Settings, get_settings, read_settings

BIN = Path(sys.executable).parent
PROCFILE = Path(__file__).parents[3] / "Procfile"
BEHIND = ("worker", "poller", "beat")
GRACE = "3"
"""Seconds for the web's open requests; Ctrl+C should feel immediate."""
PATIENCE = 60


class Stopped(Exception):
    """The person had enough."""


class Refused(Exception):
    """We can't start; the texts say why, in Chinese and in English."""


def main() -> int:
    """Runs until Ctrl+C or until a process dies; returns the exit status."""
    terminal.prepare()
    for number in SIGNALS:
        signal.signal(number, _stop)
    try:
        _run()
    except Stopped:
        terminal.step("全部已停止，数据都在", "everything is stopped, the data stays")
        return 0
    except Refused as error:
        terminal.trouble(*error.args)
    except Died as error:
        chinese = f"{error.name} 意外退出（状态 {error.status}），已全部停止。日志 {error.log} 的末尾："
        english = f"{error.name} ended unexpectedly (status {error.status}); the rest is stopped. The end of its log:"
        terminal.trouble(chinese, english, error.tail())
    except AppError as error:
        terminal.trouble("无法启动。", "This can't start.", error.text(EN))
    return 1


def _stop(_number: int, _frame: object) -> NoReturn:
    # Once is enough; the second one must not interrupt the stopping.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    terminal.say()
    raise Stopped


def _run() -> None:
    home = read_settings().embedded_dir
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(home):
        told = home / RUN_FILE
        told.unlink(missing_ok=True)
        settings = read_settings()
        if not outside.is_free(settings.port):
            raise Refused(
                f"端口 {settings.port} 已被占用。换一个：make run PORT={settings.port + 1}",
                f"Port {settings.port} is in use. Take another: make run PORT={settings.port + 1}",
            )
        terminal.say()
        sandbox = _choose_sandbox(settings, told)
        try:
            with Processes(home / "log", told) as processes:
                _start(processes, sandbox)
        finally:
            embedded.stop(home)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One `make run` for each data folder. The system lets go of the lock however we end."""
    with (home / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                "这个目录里已经在运行 make run 了。", "make run is already running in this folder."
            ) from None
        yield


def _choose_sandbox(settings: Settings, told: Path) -> str:
    """The sandbox's address, "" where Telegram is chosen; told to our children and to commands in other terminals."""
    if "telegram_api_url" in settings.model_fields_set:
        return ""
    sandbox = f"http://{outside.HOST}:{outside.sandbox_port()}"
    chosen = {
        "TELEGRAM_API_URL": sandbox,
        "PUBLIC_URL": settings.public_url or f"http://{outside.HOST}:{settings.port}",
        **outside.services(sandbox, settings),
    }
    os.environ.update(chosen)
    told.write_text("".join(f"{name}={value}\n" for name, value in chosen.items()))
    return sandbox


def _start(processes: Processes, sandbox: str) -> NoReturn:
    settings = get_settings()
    _share(settings)
    terminal.step("PostgreSQL 和 Redis 已启动", "PostgreSQL and Redis are up")
    if sandbox:
        # First of all, and so last to stop: pollers that lose Telegram while they stop would call that a fault.
        data = str(settings.embedded_dir / "sandbox.json")
        port = sandbox.rpartition(":")[2]
        processes.start("sandbox", [sys.executable, "-m", "sandbox", "--port", port, "--data", data])
    processes.start("migrate", ["flask", "db", "upgrade"])
    processes.finish("migrate")
    terminal.step("数据库结构是最新的", "the database is up to date")
    commands = _commands(settings)
    for name in BEHIND:
        processes.start(name, commands[name])
    demo = _make_demo(processes, sandbox)
    terminal.step("后台任务和机器人已启动", "workers and bots are up")
    processes.start("web", commands["web"])
    # From now on a click waits for its page rather than finding nobody.
    processes.wait_for(lambda: outside.accepts(settings.port), PATIENCE)
    _welcome(settings, sandbox, demo)
    if not processes.wait_for(lambda: outside.answers(f"{_site(settings)}/readyz"), PATIENCE):
        log = str(settings.embedded_dir / "log" / "web.log")
        raise Refused("网页没有应答。", "The pages do not answer.", log)
    terminal.step("网页可以打开了", "the pages are open")
    terminal.say()
    processes.wait_for(lambda: False, float("inf"))
    raise AssertionError("unreachable")


def _site(settings: Settings) -> str:
    return f"http://{outside.HOST}:{settings.port}"


def _commands(settings: Settings) -> dict[str, list[str]]:
    """The same lines as on any host, but for where the pages are served and how long open requests are waited for."""
    lines = dict(line.split(": ", 1) for line in PROCFILE.read_text().splitlines() if line)
    lines["web"] += f" -b {outside.HOST}:{settings.port} --graceful-timeout {GRACE}"
    return {name: ["/bin/sh", "-c", f"exec {lines[name]}"] for name in ("web", *BEHIND)}


def _make_demo(processes: Processes, sandbox: str) -> dict[str, Any]:
    """The demo boss; with a sandbox he has a bot."""
    words = ["flask", "demo", "create", "--json"]
    if sandbox:
        processes.wait_for(lambda: outside.answers(f"{sandbox}/healthz"), PATIENCE)
        words += ["--token", outside.demo_token(sandbox), "--sandbox", sandbox]
    processes.start("demo", words)
    made: dict[str, Any] = json.loads(processes.finish("demo").strip().rpartition("\n")[2])
    return made


def _welcome(settings: Settings, sandbox: str, demo: dict[str, Any]) -> None:
    terminal.say()
    terminal.say(f"  {terminal.paint('老板 Laoban', terminal.BOLD)}")
    terminal.say()
    terminal.row("网页 Pages", f"{_site(settings)}/login")
    terminal.row("邮箱 E-mail", demo["email"])
    terminal.row("密码 Password", demo["password"] or "（您自己改过的 · the one you chose）")
    if sandbox and demo["bot"]:
        terminal.row(
            "聊天 Chat", f"{sandbox}/chat/{demo['bot']}", "点“开始”，再点“商店” · press Start, then the shop"
        )
    if demo["lottery"]:
        terminal.row("抽奖 Lottery", f"{_site(settings)}/l/{demo['lottery']}")
    if demo["project"]:
        terminal.row(
            "合作方 Partner", demo["project"], "接口密钥、同步来的积分 · its API keys, credits synced to it"
        )
    if sandbox:
        terminal.row("BotFather", f"{sandbox}/botfather", "领新 Token · get another token")
        _show_keys(settings, sandbox)
    terminal.say()
    logs = os.path.relpath(settings.embedded_dir / "log")
    terminal.say(terminal.paint(f"  日志 Logs: {logs}/    Ctrl+C 全部停止 · stops everything", terminal.DIM))
    terminal.say()


def _show_keys(settings: Settings, sandbox: str) -> None:
    """What can be entered under the services' keys, where it is the sandbox that answers there."""
    if settings.yuanfenju_api_url.startswith(sandbox):
        terminal.row("缘份居 API", outside.KEYS["yuanfenju"], "沙盒密钥，可不填 · sandbox key, optional")
    if settings.deepseek_api_url.startswith(sandbox):
        terminal.row("DeepSeek", outside.KEYS["deepseek"], "沙盒密钥，可不填 · sandbox key, optional")


def _share(settings: Settings) -> None:
    """Hands the children what this process found out, so that none of them starts servers of its own."""
    os.environ.update(
        metrics.prepare(settings.embedded_dir.absolute() / "metrics"),
        APP_ENV=settings.app_env,
        DATABASE_URL=settings.database_url,
        DATABASE_OWNER_URL=settings.database_owner_url,
        REDIS_URL=settings.redis_url,
        SECRET_KEY=settings.secret_key.get_secret_value(),
        ENCRYPTION_KEYS=",".join(settings.keys),
        FLASK_APP="wsgi",
        PATH=f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        PYTHONUNBUFFERED="1",
    )
    os.environ.setdefault("LOG_FORMAT", "console")


if __name__ == "__main__":
    sys.exit(main())
