"""`make run`'s processes end together, however it ends; and what it says."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.cli.dev import outside, terminal
from app.cli.dev.processes import Died, Processes
from app.core.embedded.processes import start_token
from app.core.settings import RUN_FILE, read_settings
from tests.sandbox_client import DEEPSEEK_KEY, PINGPONG_ACCOUNT, YUANFENJU_KEY
from tests.waiting import wait_for

SLEEP = "import time; time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {SLEEP}"
PARENT = """
import sys, time
from pathlib import Path
from app.cli.dev.processes import Processes
with Processes(Path(sys.argv[1]) / "log", Path(sys.argv[1]) / "run.env") as processes:
    processes.start("child", [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)"])
    time.sleep(600)
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.fixture
def processes(tmp_path: Path):
    with Processes(tmp_path / "log", tmp_path / RUN_FILE) as processes:
        yield processes


def test_a_process_that_ends_by_itself_is_named_with_its_last_words(processes: Processes):
    processes.start("web", python("import sys; print('no more'); sys.exit(3)"))
    with pytest.raises(Died) as found:
        processes.wait_for(lambda: False, 10)
    assert (found.value.name, found.value.status, found.value.tail()) == ("web", 3, "no more")


def test_one_that_finishes_gives_its_output(processes: Processes):
    processes.start("once", python("print('done')"))
    assert processes.finish("once") == "done\n"
    processes.check()


def test_another_that_dies_meanwhile_is_not_missed(processes: Processes):
    processes.start("web", python("raise SystemExit(4)"))
    processes.start("once", python(SLEEP))
    with pytest.raises(Died, match="web"):
        processes.finish("once")


def test_one_that_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.cli.dev.processes.STOP_SECONDS", 0.5)
    with Processes(tmp_path / "log", tmp_path / RUN_FILE) as processes:
        processes.start("deaf", python(DEAF))
        log = tmp_path / "log" / "deaf.log"
        wait_for(lambda: "deaf" in log.read_text())
        began = time.monotonic()
    assert time.monotonic() - began < 3


def test_nothing_stays_when_the_parent_is_killed(tmp_path: Path):
    parent = subprocess.Popen([*python(PARENT), str(tmp_path)])
    log = tmp_path / "log" / "child.log"
    child = int(wait_for(lambda: log.exists() and log.read_text()))
    (tmp_path / RUN_FILE).touch()
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    wait_for(lambda: start_token(child) is None)
    wait_for(lambda: not (tmp_path / RUN_FILE).exists())


def test_a_port_that_is_in_use():
    with socket.create_server((outside.HOST, 0)) as server:
        port = server.getsockname()[1]
        assert not outside.is_free(port)
    assert outside.is_free(port)


def test_commands_in_another_terminal_mean_the_same_telegram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / RUN_FILE).write_text("TELEGRAM_API_URL=http://127.0.0.1:8081\n")
    monkeypatch.setenv("EMBEDDED_DIR", str(tmp_path))
    monkeypatch.delenv("TELEGRAM_API_URL")
    monkeypatch.setenv("APP_ENV", "development")
    assert read_settings().telegram_api_url == "http://127.0.0.1:8081"
    monkeypatch.setenv("TELEGRAM_API_URL", "https://api.telegram.org")
    assert read_settings().telegram_api_url == "https://api.telegram.org"


def test_production_takes_no_notice_of_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / RUN_FILE).write_text("TELEGRAM_API_URL=http://127.0.0.1:8081\n")
    monkeypatch.setenv("EMBEDDED_DIR", str(tmp_path))
    monkeypatch.delenv("TELEGRAM_API_URL")
    monkeypatch.setenv("APP_ENV", "test")
    assert read_settings().telegram_api_url == "https://api.telegram.org"


def test_a_demo_takes_payments_without_any_account(monkeypatch: pytest.MonkeyPatch):
    chosen = outside.services("http://s", read_settings())
    assert chosen["PINGPONG_API_URL"] == "http://s/pingpong"
    assert chosen["PINGPONG_NOTIFY_URL"].endswith("/webhook/pingpong")
    account = {name: chosen[f"PINGPONG_{name.upper()}"] for name in PINGPONG_ACCOUNT}
    assert account == PINGPONG_ACCOUNT
    assert outside.KEYS == {"yuanfenju": YUANFENJU_KEY, "deepseek": DEEPSEEK_KEY}
    assert not [name for name in chosen if name.endswith("_KEY")]


def test_who_has_accounts_of_his_own_is_not_led_to_the_sandbox(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PINGPONG_CLIENT_ID", "1")
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-real")
    monkeypatch.setenv("YUANFENJU_API_URL", "https://charts.example")
    assert set(outside.services("http://s", read_settings())) == {"OUTBOUND_ORIGINS"}


def test_credits_may_be_sent_to_the_sandbox_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OUTBOUND_ORIGINS", "http://127.0.0.1:9000")
    chosen = outside.services("http://127.0.0.1:8081", read_settings())
    assert chosen["OUTBOUND_ORIGINS"] == "http://127.0.0.1:9000,http://127.0.0.1:8081"


def test_columns_hold_with_chinese_letters(capsys: pytest.CaptureFixture[str]):
    terminal.row("网页 Pages", "http://a", "甲")
    terminal.row("BotFather", "http://b", "乙")
    first, second = capsys.readouterr().out.splitlines()
    assert terminal.width(first.partition("http")[0]) == terminal.width(second.partition("http")[0])
    assert terminal.width(first.partition("甲")[0]) == terminal.width(second.partition("乙")[0])
