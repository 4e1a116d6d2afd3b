"""House rules that no linter knows."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FILES = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    ).stdout.split("\n")
    if name and (ROOT / name).is_file()
]
PYTHON = [path for path in FILES if path.suffix == ".py" and "migrations" not in path.parts]
# Built at run time, so that this file does not name what it forbids.
REGISTRIES = [
    ".".join(parts)
    for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("deb", "debian", "org"))
]


def _text(path: Path) -> str:
    return path.read_text(errors="replace")


# Files to take home, each whole by itself: the check of a draw with its words in two languages, and the partners' client.
ONE_FILES = {"draw_verifier.py", "credit_sync_client.py"}


def test_no_file_is_longer_than_300_lines():
    long = [p for p in PYTHON if len(_text(p).splitlines()) > 300]
    assert [str(p) for p in long if p.name not in ONE_FILES] == []


def test_nothing_unfinished_is_left():
    mark = re.compile("TO" + "DO|FIX" + "ME|XX" + "X|Not" + "ImplementedError")
    assert [str(p) for p in PYTHON if mark.search(_text(p))] == []


@pytest.mark.parametrize("host", REGISTRIES)
def test_no_package_registry_is_named(host: str):
    assert [
        str(p)
        for p in FILES
        if p.suffix in {".py", ".md", ".txt", ".toml", ".yml", ".sh", ""} and host in _text(p)
    ] == []


def test_no_path_of_one_machine_is_named():
    paths = re.compile(r"/(?:home|Users|root|work)/\w+/")
    assert [
        str(p) for p in FILES if p.suffix in {".py", ".md", ".toml", ".sh"} and paths.search(_text(p))
    ] == []
