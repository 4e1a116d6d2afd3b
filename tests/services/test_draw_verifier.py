"""The verifier for everybody: it agrees with 200 draws, and names whatever is falsified."""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.domain import draw_verifier
from app.domain.beacon import QUICKNET
from app.domain.draw_verifier import verify
from tests import draws, forgeries

FILE = Path(draw_verifier.__file__)
BROWSERS = FILE.parents[1] / "static" / "js" / "draw_verifier.js"


@pytest.fixture(scope="module")
def honest() -> draws.Record:
    return draws.honest()


def test_two_hundred_draws_come_out_the_same():
    wrong = {seed: verify(draws.make(seed)).mismatch for seed in range(200)}
    assert {seed: found for seed, found in wrong.items() if found} == {}


@pytest.mark.parametrize("name", forgeries.FORGERIES)
def test_each_forgery_is_named(honest: draws.Record, name: str):
    code, falsify = forgeries.FORGERIES[name]
    record = copy.deepcopy(honest)
    falsify(record)
    found = verify(record, "zh")
    assert (found.ok, found.mismatch.code) == (False, code)
    assert re.search(r"[\u4e00-\u9fff]", found.mismatch.text)
    assert "{" not in found.mismatch.text


def test_a_seed_alone_is_called_that():
    words = [text for _, _, text in verify(draws.make(3, with_beacon=False), "zh").steps]
    assert draw_verifier.WORDS["seed_only"][1] in words


def test_without_the_package_the_signature_is_said_to_be_unchecked(
    honest: draws.Record, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(draw_verifier, "CURVES", ("not_installed",))
    verdict = verify(honest)
    assert verdict.ok
    assert [name for name, state, _ in verdict.steps if state == "unchecked"] == ["beacon", "signature"]


def test_a_beacon_of_the_operators_own_is_named(honest: draws.Record, monkeypatch: pytest.MonkeyPatch):
    strange = ("beacon", "unchecked", draw_verifier.WORDS["strange_beacon"][0])
    assert strange in verify(honest).steps
    monkeypatch.setattr(draw_verifier, "QUICKNET", honest["beacon"]["chain"]["hash"])
    assert strange not in verify(honest).steps


@pytest.mark.parametrize("kind", ["closed", "sealed", "revealed", "drawn"])
def test_a_draw_under_way_is_right_as_far_as_it_is(honest: draws.Record, kind: str):
    record = draws.until(honest, kind)
    verdict = verify(record)
    assert verdict.ok, verdict.mismatch
    assert verdict.steps[-1][1] == "later"


@pytest.mark.parametrize("rubbish", [None, [], 7, "x", {}, {"format": "laoban-draw/1"}, {"format": "laoban-draw/1", "events": [7]}])  # fmt: skip
def test_rubbish_is_called_rubbish(rubbish: object):
    assert verify(rubbish).mismatch.code in {"format", "shape"}


def test_it_runs_by_itself_with_nothing_installed(honest: draws.Record, tmp_path: Path):
    """-I and -S: neither our packages nor anybody's."""
    record, own = tmp_path / "record.json", tmp_path / "draw_verifier.py"
    record.write_text(json.dumps(honest))
    own.write_bytes(FILE.read_bytes())
    command = [sys.executable, "-I", "-S", str(own), str(record)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "NOT checked" in done.stdout
    record.write_text(json.dumps(honest | {"title": "Another"}))
    done = subprocess.run([*command, "zh"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "[rules]" in done.stdout


def test_both_verifiers_trust_the_same_beacon():
    assert QUICKNET.hash == draw_verifier.QUICKNET
    assert f'QUICKNET = "{QUICKNET.hash}"' in BROWSERS.read_text()


def test_both_verifiers_use_the_same_words():
    table = re.search(r"export const WORDS = `(.*?)`;", BROWSERS.read_text(), re.DOTALL)[1]
    theirs = dict(line.split(" | ", 1) for line in table.splitlines())
    assert theirs == {key: " | ".join(words) for key, words in draw_verifier.WORDS.items()}
