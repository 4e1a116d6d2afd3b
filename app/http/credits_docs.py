"""The description of the credit API in OpenAPI, made from its routes, models and errors.

By hand and not by APIFlask: nothing of a call is parsed before its signature is checked, there are two ways to sign one
of them, and each error is described by its code.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast

from flask import Flask, current_app
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from app.core.errors import AppError
from app.core.i18n import EN
from app.domain.credit_clients import BatchRefused, InvalidCall
from app.domain.credits import InsufficientCredits
from app.http.credits_examples import ANY_CALL, Example, Operation

View = TypeVar("View", bound=Callable[..., Any])
Json = dict[str, Any]
ATTRIBUTE: Final = "credits_operation"
TAG: Final = "Credits"
PREFIX: Final = "/api/credits/"
REF: Final = "#/components/schemas/{model}"
PROBLEM: Final = "CreditProblem"
V2: Final = ("CreditKey", "CreditTimestamp", "CreditNonce", "CreditSignature")
_SAMPLES: Final[Example] = {
    "balance": 2,
    "retry_after": 3,
    "limit": 10_000,
    "most": 1000,
    "refused": 1,
    "scope": "post",
    "address": "203.0.113.9",
    "source": "shop",
    "state": "voided",
}
_ADDED: Final[dict[type[AppError], Example]] = {
    InvalidCall: {"fields": {"amount": ["This must not be 0."]}},
    InsufficientCredits: {"balance": 2},
    BatchRefused: {
        "results": [
            {"index": 0, "success": False, "code": "not_posted", "message": "This was not posted, because another posting of the batch was refused."},
            {"index": 1, "success": False, "code": "insufficient_credits", "message": "There are not enough credits: 2 can be taken."},
        ]
    },
}  # fmt: skip
SCHEMES: Final[Json] = {
    "CreditKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "Your project's key, whole. What stands before the dot is its key id."},
    "CreditTimestamp": {"type": "apiKey", "in": "header", "name": "X-Timestamp", "description": "Unix time in seconds, 10 digits, within 300 s of our clock."},
    "CreditNonce": {"type": "apiKey", "in": "header", "name": "X-Nonce", "description": "22 to 64 of A-Z a-z 0-9 _ -, new for each request."},
    "CreditSignature": {"type": "apiKey", "in": "header", "name": "X-Signature", "description": "v2=<64 hex>: HMAC-SHA256 over the string to sign."},
}  # fmt: skip
_LIMITS: Final[Json] = {
    "X-RateLimit-Limit": {
        "schema": {"type": "integer"},
        "description": "Calls of this hour, for all projects of the business; of `rate_limited`: calls at once.",
    },
    "X-RateLimit-Remaining": {"schema": {"type": "integer"}, "description": "How many of them are left."},
    "X-RateLimit-Reset": {
        "schema": {"type": "integer"},
        "description": "When there are some again, in Unix seconds: the next hour, or after `rate_limited` the next moment.",
    },
    "X-Server-Time": {"schema": {"type": "integer"}, "description": "Our clock, in Unix seconds."},
}


def described(operation: Operation) -> Callable[[View], View]:
    """Marks a view with what it is about; its docstring is the summary, and after an empty line the description."""

    def mark(view: View) -> View:
        setattr(view, ATTRIBUTE, operation)
        return view

    return mark


def operations(app: Flask) -> Iterator[tuple[Rule, str, Operation, str]]:
    """Each call: its rule, method, what it is about, and its docstring."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        view = app.view_functions[rule.endpoint]
        found = getattr(view, ATTRIBUTE, None)
        for method in sorted((rule.methods or set()) & {"GET", "POST"} if found else ()):
            yield rule, method.lower(), cast(Operation, found), inspect.getdoc(view) or ""


def problem_example(error: type[AppError]) -> Example:
    """What a program gets for this error, in English."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "code": error.code,
        "message": words(error, EN),
        "request_id": "6f1c2d3e4a5b6c7d",
        **_ADDED.get(error, {}),
    }


def words(error: type[AppError], locale: str) -> str:
    """What this error says, with examples where it names something."""
    return error(None, **_SAMPLES).text(locale)


def errors(app: Flask) -> list[type[AppError]]:
    """Every error of the credit API, by status and code."""
    found = set(ANY_CALL) | {error for _, _, each, _ in operations(app) for error in each.problems}
    return sorted(found, key=lambda error: (error.status, error.code))


def describe(description: Json) -> None:
    """Adds the credit API to the description of everything else."""
    found = list(operations(current_app))
    models = {model for _, _, each, _ in found for model in (each.answer, *each.body)}
    _, shapes = models_json_schema(
        [(model, "serialization" if _is_answer(model) else "validation") for model in models],
        ref_template=REF,
    )
    parts = description.setdefault("components", {})
    parts.setdefault("schemas", {}).update(shapes.get("$defs", {}))
    parts["schemas"][PROBLEM] = _problem_schema()
    parts.setdefault("securitySchemes", {}).update(SCHEMES)
    about = {"name": TAG, "description": "One balance for several projects. Each call is signed."}
    description.setdefault("tags", []).insert(0, about)
    for rule, method, operation, text in found:
        path = re.sub(r"<(\w+)>", r"{\1}", rule.rule)
        place = description.setdefault("paths", {}).setdefault(path, {})
        place[method] = _operation(rule, method, operation, text)


def _is_answer(model: type[BaseModel]) -> bool:
    return model.__module__.endswith("credits_answers")


def _operation(rule: Rule, method: str, operation: Operation, text: str) -> Json:
    summary, _, words = text.partition("\n\n")
    shown: Json = {
        "operationId": f"{method}_{rule.endpoint.replace('.', '_')}",
        "tags": [TAG],
        "summary": summary.strip(),
        "description": words.strip(),
        "security": [{name: [] for name in V2}],
        "parameters": [*_parameters(operation.path, "path", operation), *_parameters(operation.query, "query", operation)],
        "responses": {"200": _success(operation)} | _problems(operation.all_problems),
    }  # fmt: skip
    if operation.body:
        shown["requestBody"] = _body(operation)
    if len(operation.body) > 1:
        shown["security"].append({"CreditKey": []})
    return shown


def _parameters(model: type[BaseModel] | None, place: str, operation: Operation) -> Iterator[Json]:
    if model is None:
        return
    shape = model.model_json_schema()
    for name, each in shape.get("properties", {}).items():
        kept = {key: value for key, value in each.items() if key not in {"title", "description"}}
        # A query string has no null: a parameter that may be absent is left out.
        choices = [one for one in kept.pop("anyOf", []) if one != {"type": "null"}]
        if choices:
            kept |= choices[0]
        if kept.get("default", 0) is None:
            del kept["default"]
        example = {"example": operation.path_example} if place == "path" else {}
        yield {
            "name": name,
            "in": place,
            "required": place == "path",
            "description": each.get("description", ""),
            "schema": kept,
            **example,
        }


def _body(operation: Operation) -> Json:
    shapes = [{"$ref": REF.format(model=model.__name__)} for model in operation.body]
    return {
        "required": True,
        "content": {
            "application/json": {
                "schema": shapes[0] if len(shapes) == 1 else {"oneOf": shapes},
                "examples": {
                    name: {"summary": name.capitalize(), "value": value}
                    for name, value in operation.bodies.items()
                },
            }
        },
    }


def _success(operation: Operation) -> Json:
    examples = {
        name: {"summary": name.capitalize(), "value": value} for name, value in operation.answers.items()
    }
    return {
        "description": "Done",
        "headers": _LIMITS,
        "content": {
            "application/json": {
                "schema": {"$ref": REF.format(model=operation.answer.__name__)},
                "examples": examples,
            }
        },
    }


def _problems(errors: Iterable[type[AppError]]) -> Json:
    by_status: dict[int, list[type[AppError]]] = {}
    for error in errors:
        by_status.setdefault(error.status, []).append(error)
    return {str(status): _answers(status, each) for status, each in sorted(by_status.items())}


def _answers(status: int, errors: list[type[AppError]]) -> Json:
    headers = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
    return {
        "description": ", ".join(f"`{error.code}`" for error in errors),
        **({"headers": headers} if status in {429, 503} else {}),
        "content": {
            "application/problem+json": {
                "schema": {
                    "allOf": [
                        {"$ref": REF.format(model=PROBLEM)},
                        {"properties": {"code": {"enum": [error.code for error in errors]}}},
                    ]
                },
                "examples": {
                    error.code: {"summary": error.code, "value": problem_example(error)} for error in errors
                },
            }
        },
    }


def _problem_schema() -> Json:
    return {
        "type": "object",
        "description": "RFC 9457. `code` is stable and for programs; `message` is for people, in the caller's language.",
        "required": ["type", "title", "status", "code", "message", "request_id"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string"},
            "message": {"type": "string"},
            "request_id": {"type": "string", "description": "Name it when you ask us about this call."},
            "fields": {
                "type": "object",
                "description": "What is wrong with which field; `items.3.amount` is inside, `body` the whole.",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
            "balance": {"type": "integer", "description": "What can be taken, where that was too little."},
            "results": {
                "type": "array",
                "description": "Of an atomic batch: what would have become of each item.",
                "items": {"$ref": REF.format(model="ItemResult")},
            },
        },
    }
