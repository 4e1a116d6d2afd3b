"""Helpers for the tests of the embedded servers."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import redis

from app.core.embedded import EmbeddedPostgres, EmbeddedRedis
from app.core.embedded.processes import start_token

PROJECT = Path(__file__).parents[2]
USER = """
import sys
from pathlib import Path
from app.core import embedded
embedded.ensure(Path(sys.argv[1]), fast=True, postgres="postgres" in sys.argv, redis="redis" in sys.argv)
print("ready", flush=True)
sys.stdin.read()
"""


def new_user(directory, *servers, python=sys.executable, prefix=(), env=None):
    """Another process that needs the servers until its standard input ends."""
    return subprocess.Popen(
        [*prefix, python, "-c", USER, str(directory), *(servers or ("postgres", "redis"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env=env,
        start_new_session=True,
    )


def is_ready(user):
    return user.stdout.readline() == "ready\n"


def end(user, number=signal.SIGKILL):
    os.killpg(user.pid, number)
    user.wait()
    user.stdin.close()
    user.stdout.close()


def server_pids(directory):
    return [EmbeddedPostgres(directory).pid(), EmbeddedRedis(directory).pid()]


def all_gone(pids):
    return not any(start_token(pid) for pid in pids if pid)


def query(url, statement):
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone() if cursor.description else None


def redis_at(url):
    return redis.Redis.from_url(url, decode_responses=True)
