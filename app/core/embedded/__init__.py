"""The program's own PostgreSQL and Redis, for development, the demo and tests. Production sets URLs instead.

Any process calls `ensure`; the first one starts the servers, the others join. They live as long as one of
the processes that called `ensure` lives, however it ends, and stop within three seconds after the last. A forked
child is not a caller: let the parent live as long as its children, or let the child call `ensure` itself.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from app.core.embedded.binaries import postgres_folder, redis_server
from app.core.embedded.failure import EmbeddedFailed
from app.core.embedded.home import Home
from app.core.embedded.keeper import ensure_keeper, stop_servers
from app.core.embedded.postgres import EmbeddedPostgres
from app.core.embedded.redis import EmbeddedRedis

__all__ = ["EmbeddedFailed", "EmbeddedPostgres", "EmbeddedRedis", "EmbeddedUrls", "ensure", "stop"]


@dataclass(frozen=True, slots=True)
class EmbeddedUrls:
    """Where the servers are; empty for one that was not asked for.

    `database_url` is for the role that serves, `owner_url` for the one that migrates.
    """

    database_url: str
    owner_url: str
    redis_url: str


def ensure(directory: Path, *, postgres: bool = True, redis: bool = True, fast: bool = False) -> EmbeddedUrls:
    """Starts what does not run yet and keeps it running while this process lives.

    `fast` makes a PostgreSQL without fsync, for tests; it holds from the making of the data folder on.
    Raises EmbeddedFailed.
    """
    # A missing program is told before anything is started.
    if postgres:
        postgres_folder()
    if redis:
        redis_server()
    home = Home(directory)
    home.make()
    database, broker = EmbeddedPostgres(directory, fast=fast), EmbeddedRedis(directory)
    with home.lock():
        home.register(os.getpid())
        ensure_keeper(home)
        if redis:
            broker.start()
        if postgres:
            database.start()
        return EmbeddedUrls(
            database_url=database.database_url if postgres else "",
            owner_url=database.owner_url if postgres else "",
            redis_url=broker.url if redis else "",
        )


def stop(directory: Path, *, force: bool = False) -> bool:
    """Lets go of the servers and stops them now if no other user lives, or whoever uses them with `force`.

    True when they are stopped; the keeper ends a moment later. Without a call it does the same by itself.
    """
    home = Home(directory)
    if not home.directory.is_dir():
        return True
    with home.lock():
        home.forget(*(home.living_users() if force else [os.getpid()]))
        if home.living_users():
            return False
        stop_servers(EmbeddedPostgres(directory), EmbeddedRedis(directory))
        return True
