"""The embedded servers start once, stay while they are needed, and end with the last user, however it ends."""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from app.core import embedded
from app.core.embedded import EmbeddedRedis
from app.core.embedded.home import Home, read_process, write_private
from tests.core.servers import all_gone, end, is_ready, new_user, query, server_pids
from tests.waiting import wait_for

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def test_two_at_once_start_it_once(place):
    users = [new_user(place) for _ in range(4)]
    assert all(is_ready(user) for user in users)
    pids = server_pids(place)
    assert all(pids)
    assert not list(place.glob("postgres/**/core*"))
    for user in users:
        end(user)
    wait_for(lambda: all_gone(pids))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_the_servers_end_within_three_seconds_after_the_last_user(place, number):
    user = new_user(place)
    assert is_ready(user)
    pids = [*server_pids(place), read_process(Home(place).keeper)]
    assert all(pids)
    end(user, number)
    wait_for(lambda: all_gone(pids), seconds=3)


def test_the_servers_stay_while_one_user_lives(place):
    first, second = new_user(place), new_user(place)
    assert is_ready(first)
    assert is_ready(second)
    pids = server_pids(place)
    end(first)
    # Three looks of the keeper pass; no condition tells that it looked and left everything alone.
    time.sleep(1.6)
    assert server_pids(place) == pids
    end(second)
    wait_for(lambda: all_gone(pids), seconds=3)


def test_the_next_user_adopts_servers_whose_keeper_was_killed(place):
    user = new_user(place)
    assert is_ready(user)
    pids = server_pids(place)
    os.kill(read_process(Home(place).keeper), signal.SIGKILL)
    end(user)
    heir = new_user(place)
    assert is_ready(heir)
    assert server_pids(place) == pids
    end(heir)
    wait_for(lambda: all_gone(pids), seconds=3)


def test_the_servers_end_when_their_folder_is_removed(place):
    user = new_user(place)
    assert is_ready(user)
    pids = [*server_pids(place), read_process(Home(place).keeper)]
    # The servers still write, so one try may leave something.
    wait_for(lambda: shutil.rmtree(place, ignore_errors=True) or not place.exists())
    wait_for(lambda: all_gone(pids), seconds=30)
    end(user)


def test_stop_leaves_the_servers_to_others_unless_forced(place):
    user = new_user(place, "redis")
    assert is_ready(user)
    assert not embedded.stop(place)
    assert EmbeddedRedis(place).pid()
    assert embedded.stop(place, force=True)
    assert EmbeddedRedis(place).pid() is None
    end(user)


def test_another_process_with_the_number_of_a_dead_user_does_not_count(place):
    user = new_user(place, "redis")
    assert is_ready(user)
    write_private(place / "users" / str(os.getpid()), f"{os.getpid()} 1")
    assert Home(place).living_users() == [user.pid]
    end(user)


def test_a_pid_file_that_now_names_another_program_does_not_stop_the_start(place):
    embedded.ensure(place, fast=True)
    embedded.stop(place)
    (place / "postgres/postmaster.pid").write_text(f"{os.getpid()}\n")
    (place / "redis/pid").write_text(f"{os.getpid()}\n")
    urls = embedded.ensure(place)
    assert query(urls.database_url, "SELECT 1") == (1,)


def test_a_port_that_somebody_took_is_given_up(place):
    first = embedded.ensure(place, postgres=False).redis_url
    embedded.stop(place)
    taken = EmbeddedRedis(place / "other")
    taken.home.make()
    taken.data.mkdir()
    shutil.copy(place / "redis/access.json", taken.data)
    taken.start()
    second = embedded.ensure(place, postgres=False).redis_url
    taken.stop()
    assert second.rpartition(":")[2] != first.rpartition(":")[2]


def python_for_everybody():
    """A Python of our version that an ordinary account can run; root's own may live in a closed folder."""
    name = f"python3.{sys.version_info.minor}"
    return shutil.which(name, path="/usr/bin:/usr/local/bin")


@AS_ROOT
@pytest.mark.skipif(python_for_everybody() is None, reason="no Python outside of root's own folders")
def test_an_ordinary_account_runs_it_as_itself(tmp_path_factory):
    place = Path("/tmp") / f"laoban-test-{os.getpid()}"  # the folders of pytest are closed to other accounts
    place.mkdir()
    shutil.chown(place, "nobody")
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    user = new_user(
        place / "servers",
        python=python_for_everybody(),
        prefix=("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": libraries, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert is_ready(user)
    pids = server_pids(place / "servers")
    assert {Path(f"/proc/{pid}").stat().st_uid for pid in pids} == {place.stat().st_uid}
    end(user)
    wait_for(lambda: all_gone(pids), seconds=3)
    shutil.rmtree(place)
