"""A private PostgreSQL: one data folder, one unix socket, one database `laoban` with its two roles."""

import getpass
import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

from app.core.embedded.account import let_enter, let_read, server_account
from app.core.embedded.binaries import postgres_folder, postgres_major
from app.core.embedded.failure import EmbeddedFailed, tail
from app.core.embedded.home import SOCKET_NAME, Home
from app.core.embedded.processes import command, end, exists, start_token

DATABASE = "laoban"
OWNER = "laoban_owner"
APP = "laoban_app"
SUPERUSER = "postgres"
START_SECONDS = 60
# After kill -9 of the server its children need a moment to notice; until then a new one refuses to start.
ORPHAN_SECONDS = 15.0
BUILTIN_LOCALE_SINCE = 17

SETTINGS = """
listen_addresses = ''
max_connections = 200
shared_buffers = 64MB
max_wal_size = 256MB
fsync = on
synchronous_commit = on
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
"""
FAST = "fsync = off\nfull_page_writes = off\n"

# The kernel tells who is at the other end of the socket, so no role needs a password, and nobody but the
# account that runs the program gets in. The superuser is in no URL.
ACCESS = """local all {superuser} peer map=laoban
local all {owner} peer map=laoban
local all {app} peer map=laoban
"""

# Default privileges live in a database, and a new database is a copy of template1: so they hold for each
# database that the owner makes (a scratch one for a restore drill too).
BOOTSTRAP = f"""CREATE ROLE {OWNER} LOGIN CREATEDB NOSUPERUSER NOBYPASSRLS
CREATE ROLE {APP} LOGIN NOSUPERUSER NOBYPASSRLS
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP}
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT USAGE ON SEQUENCES TO {APP}
CREATE DATABASE {DATABASE} OWNER {OWNER}
"""


class EmbeddedPostgres:
    """The PostgreSQL of one directory. Any process may start, stop or kill it; the socket stays the same.

    `fast` holds from the making of the data folder on: no fsync, for tests that do not test crashes.
    """

    def __init__(self, directory: Path, *, fast: bool = False) -> None:
        self.home = Home(directory)
        self.data = self.home.directory / "postgres"
        self.fast = fast

    @property
    def database_url(self) -> str:
        """For the role that serves."""
        return self._url(APP)

    @property
    def owner_url(self) -> str:
        """For the role that migrates."""
        return self._url(OWNER)

    def _url(self, role: str) -> str:
        return f"postgresql://{role}@/{DATABASE}?host={self.home.socket_folder()}"

    def pid(self) -> int | None:
        """The pid of the running server, None when it does not run."""
        pid = _first_number(self.data / "postmaster.pid")
        # The pid in a file that outlived its server may belong to anybody by now.
        return pid if pid is not None and start_token(pid) and str(self.data) in command(pid) else None

    def start(self) -> None:
        """Makes the data folder if there is none, starts the server and waits until it answers.

        Does nothing when it runs already. Raises EmbeddedFailed.
        """
        if self.pid() is not None:
            self._wait_ready()
            return
        programs = postgres_folder()
        self.home.make()
        self._open_to_account(programs)
        if not self.data.exists():
            self._make_data(programs)
        self._check_version(programs)
        self._drop_stale_locks()
        self._run_server(programs)

    def stop(self) -> None:
        """Ends the server in order: open transactions are rolled back, everything else is on disk."""
        pid = self.pid()
        if pid is not None:
            end(pid, (signal.SIGINT, 10), (signal.SIGQUIT, 5), (signal.SIGKILL, 5))
        socket = self.home.socket_folder()
        if socket.parent != self.home.directory:
            shutil.rmtree(socket, ignore_errors=True)

    def kill9(self) -> None:
        """Ends the server as a crash would. Raises EmbeddedFailed when it does not run."""
        pid = self.pid()
        if pid is None:
            raise EmbeddedFailed("PostgreSQL does not run")
        end(pid, (signal.SIGKILL, 5))

    def _make_data(self, programs: Path) -> None:
        """Builds the data folder under another name: a crash half-way leaves nothing that looks complete."""
        fresh = self.data.with_name("postgres.new")
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        _give(fresh)
        major = postgres_major(programs)
        builtin = (
            ("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if major >= BUILTIN_LOCALE_SINCE else ()
        )
        sync = ("--no-sync",) if self.fast else ()
        self._call(
            programs / "initdb",
            *("-D", str(fresh), "-U", SUPERUSER, "--auth=peer", "--encoding=UTF8", "--locale=C"),
            *("--no-instructions", *builtin, *sync),
        )
        self._write_settings(fresh)
        said = self._call(programs / "postgres", "--single", "-D", str(fresh), "template1", given=BOOTSTRAP)
        if "ERROR:" in said or "FATAL:" in said:
            raise EmbeddedFailed(f"PostgreSQL could not make its roles: {said}")
        fresh.rename(self.data)

    def _write_settings(self, data: Path) -> None:
        with (data / "postgresql.conf").open("a") as file:
            file.write(SETTINGS + (FAST if self.fast else ""))
        (data / "pg_hba.conf").write_text(ACCESS.format(superuser=SUPERUSER, owner=OWNER, app=APP))
        account = server_account()
        person = getpass.getuser() if account is None else "root"
        lines = [f'laoban "{person}" {role}\n' for role in (SUPERUSER, OWNER, APP)]
        (data / "pg_ident.conf").write_text("".join(lines))

    def _check_version(self, programs: Path) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        here = postgres_major(programs)
        if made_by != str(here):
            raise EmbeddedFailed(
                f"{self.data} was made by PostgreSQL {made_by}, here is {here}; remove that folder"
            )

    def _open_to_account(self, programs: Path) -> None:
        """Makes the socket's folder; as root, lets the server's account reach it, the data and the programs."""
        socket = self.home.socket_folder()
        socket.mkdir(mode=0o700, exist_ok=True)
        account = server_account()
        if socket.is_symlink() or socket.stat().st_uid not in {
            os.geteuid(),
            account.pw_uid if account else -1,
        }:
            raise EmbeddedFailed(f"{socket} belongs to somebody else")
        if account is not None:
            _give(socket)
            self.home.let_others_enter()
            let_enter(self.data)
            let_enter(socket)
            let_read(programs.parent)

    def _drop_stale_locks(self) -> None:
        """Removes the lock files of a dead server whose number now belongs to another program or to a zombie.

        PostgreSQL itself would take that for a running server. Two servers on one data folder stay impossible:
        the shared memory of the folder is checked as well.
        """
        for lock in (self.data / "postmaster.pid", self.home.socket_folder() / f"{SOCKET_NAME}.lock"):
            pid = _first_number(lock)
            if pid is not None and exists(pid) and self.pid() is None:
                lock.unlink()

    def _run_server(self, programs: Path) -> None:
        log = self.data / "server.log"
        options = f"-k {shlex.quote(str(self.home.socket_folder()))}"
        wait = ("-w", "-t", str(START_SECONDS))
        wanted = (*wait, "-D", str(self.data), "-l", str(log), "-o", options, "start")
        until = time.monotonic() + ORPHAN_SECONDS
        while True:
            done = self._run(programs / "pg_ctl", *wanted)
            if done.returncode == 0:
                return
            said = tail(log)
            if "shared memory block" not in said or time.monotonic() > until:
                raise EmbeddedFailed(f"PostgreSQL does not start: {done.stdout}{said}")
            time.sleep(0.1)

    def _wait_ready(self) -> None:
        until = time.monotonic() + START_SECONDS
        while (self.data / "postmaster.pid").read_text().splitlines()[-1].strip() != "ready":
            if time.monotonic() > until:
                raise EmbeddedFailed(f"PostgreSQL does not become ready: {tail(self.data / 'server.log')}")
            time.sleep(0.02)

    def _call(self, program: Path, *words: str, given: str = "") -> str:
        done = self._run(program, *words, given=given)
        if done.returncode != 0:
            raise EmbeddedFailed(f"{program.name} failed: {done.stdout}")
        return done.stdout

    def _run(self, program: Path, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Runs as the server's account, in a session of its own, so that Ctrl+C does not stop it half-way."""
        account = server_account()
        # The server keeps its standard output open for ever, so its starter writes to a file, not to a pipe.
        with (self.home.directory / "output").open("w+") as output:
            done = subprocess.run(  # noqa: S603 - our own words
                [program, *words],
                input=given,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
                umask=0o077,
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read(), "")


def _first_number(lock: Path) -> int | None:
    try:
        first = lock.read_text().partition("\n")[0].strip()
    except FileNotFoundError:
        return None
    return int(first) if first.isdigit() else None


def _give(path: Path) -> None:
    account = server_account()
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)
