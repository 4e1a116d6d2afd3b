"""The usual way: a Flask view that sends one Celery message for each update and answers 200."""

import os

from celery import Celery
from flask import Flask, request

app = Flask(__name__)
celery = Celery("bench", broker=os.environ["REDIS_URL"])
celery.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)


@celery.task(name="bench.handle")
def handle(bot: str, update: dict[str, object]) -> None:
    """Never runs; only the sending is measured."""


@app.post("/api/webhook/<public_id>/")
def webhook(public_id: str) -> str:
    """Accepts whatever comes."""
    handle.delay(public_id, request.get_json())
    return ""
