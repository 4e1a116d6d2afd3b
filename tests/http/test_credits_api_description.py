"""What partner developers read: the OpenAPI description, the page above it, the client, the guide."""

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from app.domain import credit_signing as signing
from app.factory import ROOT
from app.http import credits_docs
from app.http.openapi import VECTOR
from sdk import credit_sync_client
from tests.browser import plain
from tests.cast import Cast
from tests.chromium import DESKTOP, PHONE, chromium, listen, serving
from tests.crediting import project
from tests.credits_calling import SHE, give

GUIDE = ROOT / "docs" / "credits-api.md"


@pytest.fixture
def described(client: FlaskClient) -> dict[str, Any]:
    return client.get("/api/openapi.json").json


def credit_calls(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in described["paths"].items()
        for method, operation in item.items()
        if path.startswith("/api/credits/")
    }


def test_every_call_of_the_api_is_described(app: Flask, described: dict[str, Any]):
    rules = [
        rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/credits/") and "/-test/" not in rule.rule
    ]
    served = {
        f"{method} {rule.rule.replace('<', '{').replace('>', '}')}"
        for rule in rules
        for method in rule.methods & {"GET", "POST"}
    }
    assert served == set(credit_calls(described))


def test_every_call_has_words_examples_and_errors(described: dict[str, Any]):
    for name, call in credit_calls(described).items():
        assert call["summary"], name
        assert call["responses"]["200"]["content"]["application/json"]["examples"], name
        assert {"400", "401", "403", "404", "409", "413", "429", "503"} <= set(call["responses"]), name
        if name.startswith("POST"):
            assert call["requestBody"]["content"]["application/json"]["examples"], name


def test_every_error_has_an_example_that_fits_its_schema(described: dict[str, Any]):
    for call in credit_calls(described).values():
        for status, answer in call["responses"].items():
            if status == "200":
                continue
            told = answer["content"]["application/problem+json"]
            codes = told["schema"]["allOf"][1]["properties"]["code"]["enum"]
            assert set(told["examples"]) == set(codes)
            for code, example in told["examples"].items():
                assert (example["value"]["code"], str(example["value"]["status"])) == (code, status)
                assert "%(" not in example["value"]["message"]


def test_both_ways_to_sign_are_described(described: dict[str, Any]):
    ways = credit_calls(described)["POST /api/credits/sync"]["security"]
    assert ways == [
        {"CreditKey": [], "CreditTimestamp": [], "CreditNonce": [], "CreditSignature": []},
        {"CreditKey": []},
    ]
    names = {
        scheme["name"]
        for name, scheme in described["components"]["securitySchemes"].items()
        if name in ways[0]
    }
    assert names == {"X-Api-Key", "X-Timestamp", "X-Nonce", "X-Signature"}


def test_references_in_the_description_lead_somewhere(described: dict[str, Any]):
    wanted = set(re.findall(r"'#/components/schemas/(\w+)'", str(described)))
    assert wanted <= set(described["components"]["schemas"])


def test_the_page_says_how_to_begin(app: Flask, client: FlaskClient):
    page = client.get("/api/docs", headers={"Accept-Language": "en"})
    text = plain(page)
    for word in (
        "/admin/credit-clients/",
        "/api/sdk/credit_sync_client.py",
        "add_credits",
        VECTOR["signature"],
        "openssl dgst",
    ):
        assert word in text, word
    for error in credits_docs.errors(app):
        assert f"<code>{error.code}</code>" in text, error
    assert "http://" not in re.sub(r"http://localhost", "", text.partition("<main")[2])


def test_the_five_lines_of_the_page_post_credits(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    give(cast.tenant.id, SHE, 1)
    shop = project(cast.tenant.id)
    monkeypatch.setitem(sys.modules, "credit_sync_client", credit_sync_client)
    with serving(app) as url:
        page = requests.get(f"{url}/api/docs", timeout=20).text
        lines = html.unescape(re.search(r'id="code-sdk">(.*?)</code>', page, re.DOTALL)[1])
        keys = [f'"{shop.api_key}"', f'"{shop.secret}"']
        exec(re.sub(r'"(ck_)?\.+"', lambda _: keys.pop(0), lines), {})
    assert capsys.readouterr().out.startswith("True 11 ")


def test_the_test_of_a_signature_is_right():
    parts = {name: VECTOR[name] for name in ("key_id", "method", "path", "timestamp", "nonce")}
    message = signing.string_to_sign(**parts, query="", body=VECTOR["body"].encode())
    assert message.decode() == VECTOR["string"]
    assert signing.sign_v2(bytes.fromhex(VECTOR["secret_hex"]), message) == f"v2={VECTOR['signature']}"


def test_the_shell_lines_of_the_page_print_that_signature(client: FlaskClient):
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    page = client.get("/api/docs").text
    lines = re.search(r'id="code-vector">(.*?)</code>', page, re.DOTALL)[1]
    script = lines.replace("&#39;", "'").replace("&#34;", '"').replace("&quot;", '"').replace("&amp;", "&")
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == VECTOR["signature"]


def test_the_client_is_one_file_to_download(client: FlaskClient):
    answer = client.get("/api/sdk/credit_sync_client.py")
    assert answer.headers["Content-Disposition"] == "attachment; filename=credit_sync_client.py"
    assert answer.data == (ROOT / "sdk" / "credit_sync_client.py").read_bytes()
    assert "Set-Cookie" not in answer.headers


def test_the_guide_knows_every_error(app: Flask):
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", Path(GUIDE).read_text(), re.MULTILINE)
    assert [(int(status), code) for status, code in rows] == [
        (each.status, each.code) for each in credits_docs.errors(app)
    ]


@pytest.mark.browser
def test_the_page_fits_desktop_and_phone_without_complaints(app: Flask):
    with serving(app) as url, chromium() as browser:
        for size in (DESKTOP, PHONE):
            page = browser.new_page(viewport=size)
            complaints = listen(page)
            page.goto(f"{url}/api/docs")
            page.get_by_text("/api/credits/sync").last.wait_for()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert complaints == []
