"""What a load balancer and Prometheus ask."""

from flask.testing import FlaskClient

from app.http import health


def test_the_process_answers(client: FlaskClient):
    assert client.get("/healthz").json == {"status": "ok"}


def test_ready_with_database_migrations_and_redis(client: FlaskClient):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "database": "ok", "redis": "ok"})


def test_health_is_the_same_as_ready(client: FlaskClient):
    assert client.get("/health").json == client.get("/readyz").json


def test_not_ready_when_redis_is_away(client: FlaskClient, monkeypatch):
    monkeypatch.setattr(health, "_redis", lambda: (_ for _ in ()).throw(ConnectionRefusedError()))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["redis"]) == (503, "ConnectionRefusedError")


def test_metrics_are_prometheus_text(client: FlaskClient):
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert b"# TYPE" in answer.data
