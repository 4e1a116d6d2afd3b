"""Names tie the parts together: every task exists, every queue is eaten, every schedule entry is known."""

import re
from pathlib import Path

import pytest

import celeryconfig
from app.core.queue import Queue, TaskName
from tasks.worker import celery_app

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module", autouse=True)
def _tasks() -> None:
    celery_app.loader.import_default_modules()


def test_every_task_name_is_registered_and_every_task_is_named():
    registered = {name for name in celery_app.tasks if not name.startswith("celery.")}
    assert registered == {str(name) for name in TaskName}


def test_every_task_file_has_a_route():
    files = {pattern.removesuffix(".*") for pattern in celeryconfig.task_routes if pattern.endswith(".*")}
    assert {name.split(".")[0] for name in TaskName} == files


def test_a_route_of_its_own_is_that_of_a_task():
    own = {pattern for pattern in celeryconfig.task_routes if not pattern.endswith(".*")}
    assert own <= {str(name) for name in TaskName}


def test_every_schedule_entry_is_a_task():
    assert {entry["task"] for entry in celeryconfig.beat_schedule.values()} <= {
        str(name) for name in TaskName
    }


def test_every_queue_is_declared_and_eaten_by_a_line_of_the_procfile():
    eaten = set()
    for found in re.findall(r"-Q\s+(\S+)", (ROOT / "Procfile").read_text()):
        eaten.update(found.split(","))
    assert eaten == {str(queue) for queue in Queue} == {queue.name for queue in celeryconfig.task_queues}


def test_a_task_module_exists_for_each_import():
    files = {f"tasks.{path.stem}" for path in (ROOT / "tasks").glob("*.py")} - {
        "tasks.__init__",
        "tasks.worker",
    }
    assert files == set(celeryconfig.imports)
