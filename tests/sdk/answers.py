"""A server that answers the client's calls one by one as it is told."""

import json
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

SYNC = "/api/credits/sync"
GOOD = {"success": True, "balance": 90, "message": "Done", "transaction_id": 7, "duplicate": False}
POSTING: dict[str, Any] = {"telegram_id": 5550001, "amount": 10, "reason": "订单 42", "reference": "order-42"}


def well(body: object = GOOD) -> Response:
    """An answer of the ledger."""
    return Response(json.dumps(body), content_type="application/json")


def problem(code: str, status: int, headers: dict[str, str] | None = None, **more: object) -> Response:
    """A refusal as the ledger words it."""
    body = json.dumps({"status": status, "code": code, "detail": "No.", **more})
    return Response(body, status, headers, content_type="application/problem+json")


def answering(server: HTTPServer, *answers: Response, path: str = SYNC) -> list[Request]:
    """Answers in this order, and with the last one for ever; the list fills with what was asked."""
    left, got = list(answers), list[Request]()

    def answer(request: Request) -> Response:
        request.get_data()
        got.append(request)
        return left.pop(0) if len(left) > 1 else left[0]

    server.expect_request(path).respond_with_handler(answer)
    return got
