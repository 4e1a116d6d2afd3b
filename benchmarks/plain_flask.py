"""The floor of a JSON API: a Flask view that reads one object and answers another of the same size, and does nothing else."""

from flask import Flask, Response, jsonify, request

from app.http.serving import Pages

app = Flask(__name__)


@app.post("/api/credits/sync")
def sync() -> Response:
    """Answers what a posting would be answered."""
    asked = request.get_json()
    return jsonify(
        success=True,
        balance=int(asked["amount"]) + 1_000_000,
        message="This was posted.",
        transaction_id=int(asked["telegram_id"]),
        duplicate=False,
    )


served = Pages(app)
"""The same behind an ASGI server, as `asgi.py` does it."""
