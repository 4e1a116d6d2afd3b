"""Every task is counted and logs with its id."""

import pytest
import structlog
from celery import Celery

from app.core import celery_signals, metrics


@pytest.fixture
def celery() -> Celery:
    celery_signals.connect()
    return Celery("test", set_as_current=False)


def counted(task: str, result: str) -> bool:
    return f'laoban_tasks_total{{result="{result}",task="{task}"}} 1.0' in metrics.render().decode()


def test_a_task_that_works(celery: Celery):
    seen: dict[str, object] = {}

    @celery.task(name="test.works")
    def works() -> None:
        seen.update(structlog.contextvars.get_contextvars())

    done = works.apply()
    assert seen["task_id"] == done.id
    assert counted("test.works", "ok")
    assert "task_id" not in structlog.contextvars.get_contextvars()


def test_a_task_that_fails(celery: Celery):
    @celery.task(name="test.fails")
    def fails() -> None:
        raise ValueError

    assert isinstance(fails.apply().result, ValueError)
    assert counted("test.fails", "failed")


def test_celery_leaves_logs_to_us():
    assert celery_signals.signals.setup_logging.has_listeners()
