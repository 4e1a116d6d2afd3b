"""Every request has an id and is counted under its rule."""

import pytest
from flask.testing import FlaskClient
from redis.exceptions import ConnectionError as RedisGone
from sqlalchemy.exc import OperationalError

from app.http import health
from app.services import gauges
from tests.cast import Cast
from tests.waiting import wait_for


def test_a_sane_request_id_comes_back(client: FlaskClient):
    assert client.get("/healthz", headers={"X-Request-Id": "a1-b2"}).headers["X-Request-Id"] == "a1-b2"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<b>", "é"])
def test_any_other_is_replaced(client: FlaskClient, given: str):
    found = client.get("/healthz", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert found != given
    assert found.isalnum()


def test_an_error_carries_the_same_id(client: FlaskClient):
    answer = client.get("/api/nothing", headers={"X-Request-Id": "abc"})
    assert (answer.status_code, answer.json["request_id"], answer.headers["X-Request-Id"]) == (
        404,
        "abc",
        "abc",
    )


def test_requests_are_counted_by_rule(client: FlaskClient):
    client.get("/healthz")
    shown = client.get("/metrics").text
    assert 'laoban_http_requests_total{method="GET",route="/healthz",status="2xx"}' in shown


def test_an_unknown_address_makes_no_label(client: FlaskClient):
    client.get("/secret-label")
    shown = client.get("/metrics").text
    assert "secret-label" not in shown
    assert 'route="unmatched"' in shown


def test_metrics_show_bots_inbox_and_queues(client: FlaskClient, cast: Cast):
    client.application.extensions.pop("laoban-snapshot", None)
    shown = client.get("/metrics").text
    assert "laoban_inbox_open 0.0" in shown
    for queue in ("high", "default", "low", "batch", "polling"):
        assert f'laoban_queue_depth{{queue="{queue}"}} 0.0' in shown


def test_what_can_not_be_read_is_missing_and_the_page_is_there(client: FlaskClient, monkeypatch):
    client.application.extensions.pop("laoban-snapshot", None)
    monkeypatch.setattr(gauges, "bots_by_state", lambda: _raise(OperationalError("", {}, Exception())))
    monkeypatch.setattr(health, "depths", lambda: _raise(RedisGone()))
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert "laoban_inbox_open" not in answer.text
    assert "laoban_queue_depth" not in answer.text


def test_waiting_messages_of_each_priority_are_counted(app):
    celery = app.extensions["celery"]
    for priority in (0, 5, 9):
        celery.send_task("telegram.tick", priority=priority)
    assert wait_for(health.depths)["high"] == 3


def _raise(error: Exception):
    raise error
