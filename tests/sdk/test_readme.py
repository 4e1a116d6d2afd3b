"""The examples of the client's own README run as they stand there, and it is fit for old Pythons."""

import ast
import json
import re
import sys
from pathlib import Path

import pytest
from flask import Flask
from pytest_httpserver import HTTPServer

from sdk import credit_sync_client
from tests.sdk.answers import answering, well
from tests.sdk.conftest import API_KEY, SECRET
from tests.sdk.test_incoming import BODY, KEY, signed
from tests.sdk.test_reading import row

HERE = Path(credit_sync_client.__file__)
README = HERE.with_name("README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
FIRST, RECEIVER, ENGLISH = EXAMPLES


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "credit_sync_client", credit_sync_client)
    keys = {"API_KEY": API_KEY, "SECRET_KEY": SECRET, "SYNC_KEY_ID": KEY, "SYNC_SECRET_KEY": SECRET}
    for name, value in keys.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("example", [FIRST, ENGLISH])
def test_five_lines_post_credits(httpserver: HTTPServer, capsys: pytest.CaptureFixture[str], example: str):
    answering(httpserver, well())
    run(example.replace("https://boss.example", httpserver.url_for("")))
    assert capsys.readouterr().out == "True 90 Done\n"


def test_the_receiver_takes_a_batch_and_skips_what_it_has_seen():
    names = run(RECEIVER)
    app = names["app"]
    assert isinstance(app, Flask)
    client = app.test_client()
    place = "/hooks/credits?shop=1"
    for _ in range(2):
        answer = client.post(place, data=BODY, headers=signed())
        assert (answer.status_code, answer.json) == (200, {"batch_id": f"{KEY}:7-8"})
    assert names["balances"] == {5550001: 2}
    again = json.dumps({"batch_id": "x", "changes": [row(9, telegram_id=5, amount=-1)]}).encode()
    told = client.post(place, data=again, headers=signed(again)).json
    assert told == {"batch_id": "x", "refused": [{"id": 9, "message": "没有这位用户"}]}
    refused = client.post(place, data=BODY + b" ", headers=signed())
    assert (refused.status_code, refused.json["code"]) == (401, "invalid_signature")


def run(example: str) -> dict[str, object]:
    names: dict[str, object] = {"__name__": "example"}
    exec(compile(example, "README.md", "exec"), names)
    return names


def test_the_file_is_written_for_python_3_8_and_needs_nothing_but_requests():
    tree = ast.parse(HERE.read_text(), feature_version=(3, 8))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    outside = imported - set(sys.stdlib_module_names) - {"urllib.parse"}
    assert outside == {"requests"}


def test_every_method_is_in_the_readme_in_both_languages():
    chinese, english = README.split("## English")
    methods = [name for name in vars(credit_sync_client.CreditSyncClient) if not name.startswith("_")]
    known = set(methods) - {"close"}
    assert [name for name in known if name not in chinese or name not in english] == []
