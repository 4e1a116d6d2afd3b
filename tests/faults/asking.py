"""A process beside the tests that is asked questions, a line each, and answers in a line; see `answering.py`."""

import json
import subprocess
import sys
from typing import Any

from tests.e2e.stack import Stack
from tests.e2e.surroundings import ROOT


class Helper:
    """The process of a module, on the servers of a stack."""

    def __init__(self, stack: Stack, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=stack.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, name: str, *given: object) -> Any:
        """One question, and its answer."""
        self.begin(name, *given)
        return self.answer()

    def begin(self, name: str, *given: object) -> None:
        """One question whose answer is fetched later."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([name, *given]) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """What came of the oldest question."""
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        assert answer, "the helper failed"
        return json.loads(answer)

    def end(self) -> None:
        """It has nothing to put in order."""
        self._process.kill()
        self._process.communicate()
