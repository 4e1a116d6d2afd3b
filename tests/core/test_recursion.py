"""No library lets nested input crash the interpreter."""

import subprocess
import sys

PROGRAM = "import {module}, json; json.loads('[' * 90_000)"


def test_programs_that_check_signatures_refuse_nested_input_and_live():
    for module in ("tasks.worker, tasks.lotteries", "sandbox.drand"):
        words = [sys.executable, "-c", PROGRAM.format(module=module)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.stderr.splitlines()[-1].startswith("RecursionError"), done.stderr
