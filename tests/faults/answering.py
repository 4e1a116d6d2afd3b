"""The other side of `asking.py`: a question a line, `[name, ...]` as JSON, and a line for its answer."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from app.core.db import db
from app.core.tenancy import system_scope
from wsgi import app


def serve(answers: Mapping[str, Callable[..., Any]]) -> None:
    """Answers until nobody asks any more; each function in the system scope, with a session of its own."""
    for line in sys.stdin:
        name, *given = json.loads(line)
        with app.app_context(), system_scope():
            answer = answers[name](*given)
            db.session.remove()
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
