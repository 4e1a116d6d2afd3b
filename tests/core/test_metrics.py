"""Metrics are right however many processes count."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.core import metrics

PROJECT = Path(__file__).parents[2]
COUNTING = """
import os, sys
from app.core import metrics
for _ in range(3):
    metrics.updates_accepted("webhook")
    metrics.http_answered("/x/<int:id>", "GET", 204, 0.02)
if os.fork() == 0:
    metrics.updates_accepted("webhook", 4)
    os._exit(0)
os.wait()
"""
SHOWING = "import sys\nfrom app.core import metrics\nsys.stdout.buffer.write(metrics.render())"


def samples(text):
    return {
        (each.name, *sorted(each.labels.values())): each.value
        for family in text_string_to_metric_families(text.decode())
        for each in family.samples
    }


def run(code, env):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={**os.environ, **env},
        check=True,
        stdout=subprocess.PIPE,
    ).stdout


def test_one_process_counts_for_itself():
    shown = samples(run(COUNTING + SHOWING, {metrics.FOLDER: ""}))
    assert shown["laoban_updates_accepted_total", "webhook"] == 3


def test_several_processes_and_their_children_are_added_up(tmp_path):
    env = metrics.prepare(tmp_path / "metrics")
    for _ in range(2):
        run(COUNTING, env)
    shown = samples(run(SHOWING, env))
    assert shown["laoban_updates_accepted_total", "webhook"] == 14
    assert shown["laoban_http_requests_total", "/x/<int:id>", "2xx", "GET"] == 6
    assert shown["laoban_http_seconds_count", "/x/<int:id>"] == 6
    assert shown["laoban_http_seconds_bucket", "/x/<int:id>", "0.01"] == 0
    assert shown["laoban_http_seconds_bucket", "/x/<int:id>", "0.025"] == 6


def test_a_new_start_does_not_count_the_last_run_again(tmp_path):
    run(COUNTING, metrics.prepare(tmp_path))
    env = metrics.prepare(tmp_path)
    assert "laoban_updates_accepted_total{" not in run(SHOWING, env).decode()


def test_the_end_of_a_process_keeps_its_counts(tmp_path):
    env = metrics.prepare(tmp_path)
    run(COUNTING, env)
    pid = next(tmp_path.glob("counter_*.db")).stem.partition("_")[2]
    run(f"from app.core import metrics; metrics.process_ended({pid})", env)
    assert samples(run(SHOWING, env))["laoban_updates_accepted_total", "webhook"] == 7


def test_gauges_are_what_was_read_for_this_answer():
    snapshot = metrics.Snapshot(
        bots={"active": 3, "paused": 1}, inbox_open=5, inbox_oldest_seconds=1.5, queues={"high": 7}
    )
    shown = samples(metrics.render(snapshot))
    assert shown["laoban_bots", "active"] == 3
    assert shown["laoban_inbox_open",] == 5
    assert shown["laoban_inbox_oldest_seconds",] == 1.5
    assert shown["laoban_queue_depth", "high"] == 7
    assert "laoban_inbox_open" not in metrics.render().decode()


def test_each_counter_is_shown():
    metrics.update_handled("done", 0.2)
    metrics.telegram_called("sendMessage", "ok", 0.05)
    metrics.outbox_left("sent")
    metrics.task_ended("orders.work", "ok", 2)
    shown = samples(metrics.render())
    for name in (
        ("laoban_updates_handled_total", "done"),
        ("laoban_update_seconds_count",),
        ("laoban_telegram_calls_total", "ok", "sendMessage"),
        ("laoban_telegram_seconds_count",),
        ("laoban_outbox_messages_total", "sent"),
        ("laoban_tasks_total", "ok", "orders.work"),
        ("laoban_task_seconds_count", "orders.work"),
    ):
        assert shown[name] >= 1


@pytest.mark.parametrize(
    ("route", "method", "labels"), [(None, "GET", ("unmatched", "GET")), ("/", "BREW", ("/", "other"))]
)
def test_a_visitor_can_not_make_new_labels(route, method, labels):
    metrics.http_answered(route, method, 404, 0.01)
    assert samples(metrics.render())["laoban_http_requests_total", *sorted([*labels, "4xx"])] >= 1
