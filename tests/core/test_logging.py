"""Logs: every record takes the same way, carries the ids, and holds no secret."""

import io
import json
import logging as stdlib
import time
import warnings

import pytest
import structlog
from cryptography.fernet import Fernet

from app.core import logging
from app.core.redaction import HIDDEN, redact, redact_text

TOKEN = "7123456789:AAE0" + "x" * 31
API_KEY = "tk_" + "a" * 64
FERNET = Fernet.generate_key().decode()
SECRETS = (TOKEN, API_KEY, FERNET, "hunter2", Fernet(FERNET).encrypt(b"x").decode())


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture(params=["json", "console"])
def written(request, stream):
    """What was logged so far, as text, once for each format."""
    root = stdlib.getLogger()
    before = root.handlers[:], root.level
    logging.configure("INFO", request.param, stream)
    yield stream.getvalue
    root.handlers[:], _ = before
    root.setLevel(before[1])
    stdlib.captureWarnings(capture=False)
    logging.clear()


@pytest.fixture
def lines(written):
    """What was logged so far in JSON."""
    return lambda: [json.loads(line) for line in written().splitlines()]


as_json = pytest.mark.parametrize("written", ["json"], indirect=True)


@as_json
def test_our_records_and_those_of_libraries_look_alike(lines):
    logging.get_logger("app.orders").info("order_paid", order_id=7)
    stdlib.getLogger("some.library").warning("it is %s", "late")
    ours, theirs = lines()
    assert ours["message"] == "order_paid"
    assert ours["order_id"] == 7
    assert theirs["message"] == "it is late"
    assert theirs["level"] == "warning"
    assert ours["timestamp"].endswith("Z")
    assert ours.keys() - {"order_id"} == theirs.keys()


@as_json
def test_the_ids_are_on_every_record_until_they_are_cleared(lines):
    logging.bind(request_id="r", tenant_id=5)
    logging.bind(bot_id=6, task_id="t")
    stdlib.getLogger("some.library").warning("one")
    logging.clear()
    stdlib.getLogger("some.library").warning("two")
    one, two = lines()
    assert {key: one.get(key) for key in ("request_id", "task_id", "tenant_id", "bot_id")} == {
        "request_id": "r",
        "task_id": "t",
        "tenant_id": 5,
        "bot_id": 6,
    }
    assert "tenant_id" not in two


@as_json
@pytest.mark.parametrize("name", ["gunicorn.error", "gunicorn.access", "celery.task", "werkzeug"])
def test_libraries_with_handlers_of_their_own_are_taken_over(lines, stream, name):
    own = io.StringIO()
    stdlib.getLogger(name).addHandler(stdlib.StreamHandler(own))
    stdlib.getLogger(name).propagate = False
    logging.configure("INFO", "json", stream)
    stdlib.getLogger(name).error("once")
    assert [line["message"] for line in lines()] == ["once"]
    assert not own.getvalue()


@as_json
def test_configuring_twice_writes_once(lines, stream):
    logging.configure("INFO", "json", stream)
    stdlib.getLogger("x").error("once")
    assert len(lines()) == 1


@as_json
def test_the_level_holds_for_everybody(lines, stream):
    logging.configure("WARNING", "json", stream)
    logging.get_logger("app.x").info("quiet")
    stdlib.getLogger("x").info("quiet")
    stdlib.getLogger("urllib3.connectionpool").debug("quiet")
    assert lines() == []


@as_json
def test_chinese_stays_readable(written):
    logging.get_logger("x").info("老板好")
    assert "老板好" in written()


@as_json
def test_warnings_are_logged(lines):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"odd {TOKEN}", UserWarning, stacklevel=1)
    assert "odd 7123456789:***" in lines()[0]["message"]


def test_no_secret_is_written_from_fields(written):
    logging.get_logger("x").info(
        "called",
        url=f"https://api.telegram.org/bot{TOKEN}/getMe",
        headers={
            "Authorization": "Bearer hunter2",
            "X-Api-Key": API_KEY,
            "X-Telegram-Bot-Api-Secret-Token": "hunter2",
        },
        nested=[{"deep": [{"er": TOKEN}]}, ("password", {"password": "hunter2"})],
        database="postgresql+psycopg://laoban:hunter2@db/laoban",
        broker="redis://:hunter2@127.0.0.1:6379/0",
        key=FERNET,
        stored=SECRETS[4],
        secret_key="hunter2",
        ENCRYPTION_KEYS=[FERNET, FERNET],
    )
    assert "called" in written()
    assert not [secret for secret in SECRETS if secret in written()]


def test_no_secret_is_written_from_records_of_libraries(written):
    log = stdlib.getLogger("some.library")
    log.warning("GET /bot%s/getMe %s %s", TOKEN, {"Authorization": "Basic hunter2"}, "X-Api-Key: hunter2")
    log.warning("connected to postgres://u:hunter2@h/d", extra={"password": "hunter2", "detail": API_KEY})
    sentence = f"{TOKEN} {FERNET}"
    log.warning(sentence)
    assert written().count("warning") == 3
    assert not [secret for secret in SECRETS if secret in written()]


def crash(token, password):
    raise ConnectionError(f"Max retries exceeded with url: /bot{token}/getMe?secret={password}")


def test_no_secret_is_written_from_tracebacks(written):
    try:
        try:
            crash(TOKEN, SECRETS[3])
        except ConnectionError as error:
            raise RuntimeError(FERNET) from error
    except RuntimeError:
        logging.get_logger("x").exception("ours")
        stdlib.getLogger("x").exception("theirs %s", API_KEY)
        stdlib.getLogger("x").error("stack", stack_info=True)
    assert written().count("Traceback") >= 4
    assert "crash" in written()
    assert not [secret for secret in SECRETS if secret in written()]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"/bot{TOKEN}/getMe", "/bot7123456789:***/getMe"),
        (f"/bot{TOKEN.replace(':', '%3A')}/getMe", "/bot7123456789%3A***/getMe"),
        (f"key {API_KEY}.", "key tk_***."),
        ("from ck_0123456789abcdef.a-long_random_text, and on", "from ck_0123456789abcdef.***, and on"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ('{"x-api-key": "abc"}', '{"x-api-key": "***"}'),
        (r"{\"secret_key\": \"abc\"}", r"{\"secret_key\": \"***\"}"),
        ("webhook_secret='abc', n=1", "webhook_secret='***', n=1"),
        ("POST /?token=abc&n=1", "POST /?token=***&n=1"),
        ("postgres://u:pw@h/d and redis://:pw@h", "postgres://u:***@h/d and redis://:***@h"),
        ("Exception on /reset/WyI5ZmQ4.aR-Qx_12345678 [POST]", "Exception on /reset/*** [POST]"),
        (f"/invite/{'a' * 43}", "/invite/***"),
        ("/invite/revoke/", "/invite/revoke/"),
        ("https://example.com:443/a@b", "https://example.com:443/a@b"),
        ("order 20261120:abcdef paid", "order 20261120:abcdef paid"),
        ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
        ("the token was revoked", "the token was revoked"),
        ("sha256 " + "a" * 64, "sha256 " + "a" * 64),
    ],
)
def test_texts(text, clean):
    assert redact_text(text) == clean


def test_nested_data():
    data = {"a": [{"password": "x", "n": 1}], b"Cookie": b"x", "empty": {"secret": ""}, "t": (TOKEN,)}
    assert redact(data) == {
        "a": [{"password": HIDDEN, "n": 1}],
        b"Cookie": HIDDEN,
        "empty": {"secret": ""},
        "t": ["7123456789:***"],
    }


def test_data_without_an_end_is_cut():
    endless = {"token_holder": TOKEN}
    endless["again"] = endless
    assert TOKEN not in repr(redact(endless))


@pytest.mark.parametrize(
    "piece", ["secret", "token=", "secret-", "://", "1", "Bearer ", "tk_", "-", '\\"', "a:"]
)
def test_a_hostile_text_costs_little(piece):
    began = time.perf_counter()
    redact_text(piece * (60_000 // len(piece)) + " key")
    assert time.perf_counter() - began < 0.5


def test_bound_ids_of_one_thread_are_not_seen_in_another():
    logging.bind(tenant_id=5)
    assert structlog.contextvars.get_contextvars() == {"tenant_id": 5}
    logging.clear()
    assert structlog.contextvars.get_contextvars() == {}
