"""Every text that Flask-Security's code can say exists in Chinese. Its templates are replaced by ours."""

from importlib.resources import files
from pathlib import Path

import flask_security
import pytest
from babel.messages.catalog import Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from flask.testing import FlaskClient

from app.core.i18n import CATALOGUES, ZH

THEIRS = Path(str(files("flask_security") / "translations"))
OURS = CATALOGUES / ZH / "LC_MESSAGES" / "flask_security.po"


def texts(path: Path) -> dict[str, Message]:
    with path.open("rb") as file:
        return {str(m.id): m for m in read_po(file) if m.id and (m.string or path.suffix == ".pot")}


def test_every_text_of_its_code_is_translated():
    said = texts(THEIRS / "flask_security.pot")
    known = {**texts(THEIRS / ZH / "LC_MESSAGES" / "flask_security.po"), **texts(OURS)}
    in_code = [t for t, m in said.items() if any(str(where).endswith(".py") for where, _ in m.locations)]
    assert flask_security.__version__ == "5.9.2"
    assert [text for text in in_code if text not in known or known[text].fuzzy] == []


def test_the_compiled_catalogue_is_the_written_one():
    with OURS.with_suffix(".mo").open("rb") as file:
        compiled = {str(m.id): m.string for m in read_mo(file) if m.id}
    assert compiled == {text: m.string for text, m in texts(OURS).items()}


@pytest.mark.parametrize("placeholder", ["%(email)s", "%(within)s", "%(length)s", "%(name)s"])
def test_placeholders_are_kept(placeholder: str):
    for text, message in texts(OURS).items():
        assert (placeholder in text) == (placeholder in str(message.string)), text


@pytest.mark.parametrize("page", ["/login", "/reset", "/confirm"])
def test_its_pages_are_ours_and_chinese(client: FlaskClient, page: str):
    text = client.get(page, headers={"Accept-Language": "zh-CN"}).text
    assert "auth-card" in text
    assert "邮箱" in text
